#!/bin/sh
# What a person types, against the sandbox: called by `make demo`, which sets the environment.
set -eu
trap 'rm -f Pulumi.demo.yaml' EXIT

say() { printf '\n\033[1m$ %s\033[0m\n' "$*"; "$@"; }

say pulumi stack init demo
say pulumi up --yes --skip-preview
say pulumi stack output
say pulumi destroy --yes --skip-preview
say pulumi stack rm --yes demo

cat <<'NEXT'

That was a link and its removal, on this machine alone. Next:
  make demo-labs           thirty labs in thirty accounts
  docs/tutorial.md         the same step by step, with what each step shows
  README.md                "Use it for real"
NEXT
