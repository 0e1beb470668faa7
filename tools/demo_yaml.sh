#!/bin/sh
# The life of a link from examples/yaml, against the sandbox: called by `make demo-yaml`, which sets the environment.
set -eu
cd examples/yaml
trap 'rm -f Pulumi.demo.yaml' EXIT

say() { printf '\n\033[1m$ %s\033[0m\n' "$*"; "$@"; }

say cat Pulumi.yaml
say pulumi stack init demo
say pulumi up --yes --skip-preview
say pulumi up --yes --skip-preview --expect-no-changes
say pulumi config set relink again
say pulumi up --yes --skip-preview
say pulumi destroy --yes --skip-preview
