#!/bin/sh
# What a person types, against the sandbox: called by `make demo`, which sets the environment.
set -eu
trap 'rm -f Pulumi.demo.yaml' EXIT

say() { printf '\n\033[1m$ %s\033[0m\n' "$*"; "$@"; }

say pulumi stack init demo
say pulumi up --yes --skip-preview
say pulumi stack output
