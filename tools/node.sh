#!/bin/sh
# Says in one line what is missing for a TypeScript program, if anything: Node.js 20, npm, or the registry it asks.
set -eu
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  echo "node and npm are not on PATH: install Node.js 20 or newer"
elif [ "$(node -p 'parseInt(process.versions.node)')" -lt 20 ]; then
  echo "Node.js 20 or newer is needed, this is $(node --version)"
elif ! npm view --fetch-retries=0 --fetch-timeout=20000 @pulumi/pulumi name >/dev/null 2>&1; then
  echo "npm view @pulumi/pulumi fails: the npm registry is out of reach"
else
  exit 0
fi
exit 1
