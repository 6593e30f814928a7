#!/bin/sh
# Process 1: supervisord with the program files of /home/kontrol/supervisor, or the command that is given.
set -eu
[ $# -eq 0 ] || exec "$@"
exec supervisord -c /opt/kontrol/docker/kontrol-base/supervisord.conf
