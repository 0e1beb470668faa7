#!/bin/sh
# The life of a link from examples/typescript, against the sandbox: called by `make demo-typescript`, which sets the
# environment. It runs in a copy beside the example, where its relative paths hold, and takes that away.
set -eu
copy=$(mktemp -d "$PWD/examples/typescript.XXXXXX")
trap 'rm -rf "$copy"' EXIT
trap 'exit 130' INT TERM HUP
cp examples/typescript/* "$copy"
cd "$copy"

say() { printf '\n\033[1m$ %s\033[0m\n' "$*"; "$@"; }

say cat index.ts
say pulumi package gen-sdk ../../plugin/pulumi-resource-vmc-account-link --language nodejs --local --out sdks
say npm install --no-audit --no-fund ./sdks/nodejs
say npx tsc
say pulumi stack init demo
say pulumi up --yes --skip-preview
say pulumi up --yes --skip-preview --expect-no-changes
say pulumi destroy --yes --skip-preview
