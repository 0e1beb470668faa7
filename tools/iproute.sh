#!/bin/sh
# Makes sure that Debian's iproute2 is here: a test makes two hosts with it.
set -eu
command -v ip >/dev/null && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing iproute2" >&2
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends iproute2 >/dev/null
else
  echo "ip is not on PATH, which makes two hosts for a test (root, on Linux): sudo apt-get install iproute2" >&2
fi
