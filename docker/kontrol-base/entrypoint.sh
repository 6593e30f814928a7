#!/bin/sh
# Process 1: supervisord with the program files of /home/kontrol/supervisor, or the command that is given.
set -eu
[ $# -eq 0 ] || exec "$@"
# Every program that supervisord starts sees the variables of Kontrol as they count: with their defaults, and what
# Kubernetes tells.
variables=$(kontrol config --export)
eval "$variables"
exec supervisord -c /opt/kontrol/docker/kontrol-base/supervisord.conf
