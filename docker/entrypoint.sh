#!/bin/sh
# Process 1 of the container: supervisord, or the command that it is given, as in `docker run … kontrol ping …`.
set -eu
[ $# -eq 0 ] || exec "$@"
# supervisord insists on the folders of its log files, and an empty volume has none.
mkdir -p "$KONTROL_DATA/haproxy"
exec supervisord -c /opt/kontrol/docker/supervisord.conf
