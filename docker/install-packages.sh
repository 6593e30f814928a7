#!/bin/sh
# In the image: installs the Debian packages of a purpose of packages.txt, and any others that are named.
# Usage: install-packages.sh <purpose> [package…]
set -eu
purpose=$1
shift
packages=$(sed 's/#.*//' "$(dirname "$0")/packages.txt" | awk -v p="$purpose" '("," $2 ",") ~ ("," p ",") { print $1 }')
apt-get -qq update
# shellcheck disable=SC2086 # lists of words, on purpose
apt-get -qq install -y --no-install-recommends $packages "$@"
rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/log/*.log /var/log/apt \
  /usr/share/doc /usr/share/man
