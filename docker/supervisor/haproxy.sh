#!/bin/sh
# haproxy.sh HAPROXY FOLDER [ARGUMENT...]: the program "haproxy" of supervisord. It runs HAProxy as a master with the files in
# that folder, such that
#   - a start beside one that serves takes its place: the new one is handed the listeners, then the former finishes what
#     it has. So "supervisorctl restart haproxy" refuses nobody, although supervisord ends a program before it starts it;
#   - "supervisorctl stop haproxy" returns at once, and so does the end of supervisord; HAProxy drains in the background.
set -u

# How long the next start may take to come after a stop: with it, the stop was half of a restart.
successor_within=5
drain=${KONTROL_DRAIN:-30}

binary=$1 folder=$2
shift 2
# By this word the control tier knows it too.
socket=$folder/master.sock,mode,600,level,admin
set -- -W -db -S "$socket" -f "$folder/base.cfg" -f "$folder/haproxy.cfg" -f "$folder/peers.cfg" "$@"

# Pids of the masters with our master socket, their workers left out.
masters() {
  family=' '
  for file in $(grep -slzxF -e "$socket" /proc/[0-9]*/cmdline); do
    process=${file%/cmdline}
    # The same path in another container is another folder; mounts of its own alone make no container.
    [ "$process/root$folder" -ef "$folder" ] && family="$family${process#/proc/} "
  done
  for pid in $family; do
    parent=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$pid/status" 2>/dev/null)
    case $family in *" $parent "*) ;; *) echo "$pid" ;; esac
  done
}

# Words for "env" that keep from HAProxy what it is not given: the rules of src/platform/process/haproxy-environment.ts.
# A line of a value that looks like a name does no harm.
withheld() {
  named=,${KONTROL_HAPROXY_ENV:-},
  case $named in *[[:space:]]*) named=$(printf %s "$named" | tr -d '[:space:]') ;; esac
  case $named in *[!,]*) listed=yes ;; *) listed=no ;; esac
  # No process for each name: every start waits for this. By bytes: a value need not be text in the language set.
  for name in $(env | LC_ALL=C sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p'); do
    case $named in *",$name,"*) continue ;; esac
    case $listed,$name in
      no,AWS_REGION | no,AWS_DEFAULT_REGION) ;;
      no,NODE_* | no,npm_* | no,SUPERVISOR_* | no,KONTROL_ETCD* | no,KONTROL_*TOKEN_FILE | no,AWS_*) echo "-u $name" ;;
      no,* | yes,PATH | yes,HOME | yes,USER | yes,LOGNAME | yes,PWD | yes,TMPDIR | yes,TZ | yes,TZDIR | yes,LANG | yes,LANGUAGE) ;;
      yes,LC_* | yes,HAPROXY_* | yes,NOTIFY_SOCKET | yes,OPENSSL_* | yes,SSL_CERT_* | yes,LD_* | yes,MALLOC_*) ;;
      yes,GLIBC_TUNABLES | yes,LUA_* | yes,RES_OPTIONS | yes,LOCALDOMAIN | yes,HOSTALIASES) ;;
      *) echo "-u $name" ;;
    esac
  done
}

# Tells it once a second, as one that is about to begin, or to reload, forgets what it was told.
end_within() {
  signal=$1 seconds=$2
  while [ "$seconds" -gt 0 ] && masters | grep -qx "$haproxy"; do
    kill "-$signal" "$haproxy" 2>/dev/null
    sleep 1
    seconds=$((seconds - 1))
  done
}

# Tries to ask a supervisord that is busy whether it was a stop.
unanswered=60

# "stop" and "restart" look the same from here. Nobody waits for this one, so it must end by itself.
drain_unless_restarted() {
  trap '' USR1 TERM INT HUP USR2
  # No start comes from a supervisord that has ended.
  for _ in $(seq "$successor_within"); do
    kill -0 "$PPID" 2>/dev/null && sleep 1
  done
  while kill -0 "$PPID" 2>/dev/null; do
    case $(supervisorctl -s "${SUPERVISOR_SERVER_URL:-}" status "${SUPERVISOR_PROCESS_NAME:-haproxy}") in
      *STOPPED*) break ;;
      # A successor that cannot load its files leaves the former one in its place.
      *STARTING* | *RUNNING* | *BACKOFF* | *EXITED* | *FATAL*) exit ;;
    esac
    # Who gives no answer has not said that it is to end.
    unanswered=$((unanswered - 1))
    [ "$unanswered" -gt 0 ] || exit
    sleep 1
  done
  end_within USR1 "$drain"
  end_within TERM 2
  end_within KILL 2
}

stop() {
  drain_unless_restarted >/dev/null 2>&1 &
  exit 0
}

former=$(masters)
# Unquoted: a pid each.
[ -z "$former" ] || set -- "$@" -x "$folder/admin.sock" -sf $former
# One process: "env" becomes HAProxy.
env $(withheld) "$binary" "$@" &
haproxy=$!
trap stop USR1
trap 'kill -TERM "$haproxy"' TERM INT
trap 'kill -USR2 "$haproxy"' HUP USR2

# A signal ends "wait" as well.
while wait "$haproxy"; code=$?; kill -0 "$haproxy" 2>/dev/null; do :; done
exit "$code"
