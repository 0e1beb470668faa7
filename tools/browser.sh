#!/bin/sh
# Makes sure that Debian's Chromium and its driver are here: tests look at the report in it.
set -eu
command -v chromium >/dev/null && command -v chromedriver >/dev/null && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing chromium and chromium-driver" >&2
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
    chromium chromium-driver fonts-dejavu-core >/dev/null
else
  echo "chromium and chromedriver are not on PATH: the tests of the report in a browser will fail." >&2
  echo "install them: sudo apt-get install chromium chromium-driver fonts-dejavu-core" >&2
fi
