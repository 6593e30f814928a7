#!/bin/sh
# Installs what a purpose needs and this machine lacks: Debian packages, npm
# packages, the build. Quick when nothing is missing.
# Usage: docker/prepare.sh run|deb|test|test-haproxy|test-route53|test-deb|test-image
set -eu
cd "$(dirname "$0")/.."
purpose=$1

# Packages of docker/packages.txt that serve the purpose.
wanted() {
  sed 's/#.*//' docker/packages.txt | while read -r package purposes; do
    case ",$purposes," in *",$purpose,"*) echo "$package" ;; esac
  done
}

missing_packages() {
  for package in $(wanted); do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || echo "$package"
  done
}

install_packages() {
  if ! command -v apt-get >/dev/null; then
    echo "This is no Debian or Ubuntu. Install these with your own package manager, then set KONTROL_PREPARED=1:" >&2
    wanted >&2
    exit 75
  fi
  missing=$(missing_packages | tr '\n' ' ')
  [ -n "${missing% }" ] || return 0
  if [ "$(id -u)" = 0 ]; then
    as_root=
  elif command -v sudo >/dev/null; then
    as_root=sudo
  else
    echo "Not root, and no sudo. Install these as root, then try again: $missing" >&2
    exit 75
  fi
  echo "Installing $missing" >&2
  $as_root apt-get -qq update >&2
  # shellcheck disable=SC2086 # a list of words, on purpose
  DEBIAN_FRONTEND=noninteractive $as_root apt-get -qq install -y --no-install-recommends $missing >&2
}

check_node() {
  node -e '
    const [major, minor] = process.versions.node.split(".").map(Number)
    if (major > 20 || (major === 20 && minor >= 19)) process.exit(0)
    console.error(`Node ${process.versions.node} is too old: install 20.19 or newer.`)
    process.exit(78)'
}

# node_modules carries a copy of the lock file that it was made from.
install_modules() {
  [ node_modules/.package-lock.json -nt package-lock.json ] && return 0
  echo "Installing the npm packages" >&2
  npm ci --ignore-scripts --loglevel error >&2
}

build() {
  stamp=dist/.built
  if [ -e "$stamp" ] && [ -z "$(find src tsconfig.json package.json -newer "$stamp" -type f | head -n 1)" ]; then
    return 0
  fi
  echo "Building" >&2
  npm run --silent build
  touch "$stamp"
}

check_node
[ "${KONTROL_PREPARED:-}" = 1 ] || install_packages
install_modules
build
