#!/bin/sh
# Process 1 of the container: supervisord's parent, which stays until HAProxy has drained; or the command that it is given,
# as in `docker run … kontrol ping …`.
set -eu
[ $# -eq 0 ] || exec "$@"
# supervisord insists on the folders of its log files, and an empty volume has none.
mkdir -p "$KONTROL_DATA/haproxy"
supervisord -c /opt/kontrol/docker/supervisord.conf &
supervisord=$!
for signal in TERM INT QUIT HUP USR2; do
  trap "kill -$signal $supervisord 2>/dev/null || :" "$signal"
done
# A signal ends "wait" as well.
while wait "$supervisord"; code=$?; kill -0 "$supervisord" 2>/dev/null; do :; done
# supervisor/haproxy.sh ends it. The pattern does not match the grep that looks for it.
while grep -sqz '^[^ ]*/haproxy/master[.]sock,mode' /proc/[0-9]*/cmdline; do sleep 0.2; done
exit "$code"
