#!/bin/sh
# Makes the Debian package, for this machine's architecture, of what is built: npm run package:deb [-- <folder>]
set -eu
cd "$(dirname "$0")/../.."
umask 022
folder=${1:-.}
name=kontrol-haproxy
version=$(node -p 'require("./package.json").version')
architecture=$(dpkg --print-architecture)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
trap 'exit 1' INT TERM
chmod 755 "$root"

program=$root/usr/lib/$name
mkdir -p "$program" "$root/usr/bin" "$root/usr/lib/systemd/system" "$root/usr/share/man/man1" "$root/usr/share/doc/$name"
cp -R package.json package-lock.json .npmrc dist lifecycle "$program"
rm -f "$program/dist/.built"
# Only what runs: development dependencies stay behind, and so does what packages bring along for those who program with them.
(cd "$program" && npm ci --omit=dev --ignore-scripts --prefer-offline --loglevel error >&2)
rm -r "$program/package-lock.json" "$program/.npmrc" "$program/node_modules/.bin"
find "$program/node_modules" -type f \
  \( -name '*.d.ts' -o -name '*.d.cts' -o -name '*.d.mts' -o -name '*.map' -o -name '*.md' \) -delete
find "$program" -type f -exec chmod 644 {} +
chmod 755 "$program/dist/main.js" "$program/dist/automaton.js"
ln -s "../lib/$name/dist/main.js" "$root/usr/bin/kontrol"
ln -s "../lib/$name/dist/automaton.js" "$root/usr/bin/automaton"

cp docker/systemd/*.service "$root/usr/lib/systemd/system"
for unit in kontrol kontrol-slave; do
  # Read by systemd alone, and tokens may stand in it.
  install -D -m 640 "docker/systemd/$unit.default" "$root/etc/default/$unit"
done
install -D -m 644 docker/systemd/haproxy.cfg.j2 "$root/etc/kontrol/haproxy.cfg.j2"
node --import tsx docker/deb/man-pages.ts "$root/usr/share/man/man1"
gzip -9n "$root"/usr/share/man/man1/*
cp LICENSE "$root/usr/share/doc/$name/copyright"
gzip -9nc CHANGELOG.md >"$root/usr/share/doc/$name/changelog.gz"

mkdir "$root/DEBIAN"
for script in postinst prerm postrm; do install -m 755 "docker/deb/$script" "$root/DEBIAN/$script"; done
(cd "$root" && find etc -type f -printf '/%p\n') | sort >"$root/DEBIAN/conffiles"
cat >"$root/DEBIAN/control" <<EOF
Package: $name
Version: $version
Architecture: $architecture
Maintainer: ${DEBFULLNAME:-$name} <${DEBEMAIL:-root@localhost}>
Installed-Size: $(du -sk --apparent-size "$root" | cut -f 1)
Depends: nodejs (>= 20.19), libc6, libstdc++6, passwd
Recommends: haproxy (>= 2.6)
Section: net
Priority: optional
Description: Kontrol-compatible control plane for HAProxy
 Keeps HAProxy configured from the keepalives of the machines and pods behind
 it, without dropping a connection, and Route53 pointing at the proxies. Has
 the programs kontrol and automaton, and units of systemd for a proxy
 (kontrol.service) and for what is behind it (kontrol-slave.service).
EOF
dpkg-deb --root-owner-group --build "$root" "$folder/${name}_${version}_$architecture.deb"
