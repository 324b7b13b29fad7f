# shellcheck shell=bash
# Shared by the scripts here: names, paths, messages, packages and processes. To be sourced, not run.
# shellcheck disable=SC2034  # what is set here is used by the scripts that source it
# Without this, a command that fails where nobody looks at it would end a script without a word.
set -E
trap 'echo "${BASH_SOURCE[0]##*/}: line $LINENO failed: $BASH_COMMAND" >&2' ERR

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
CACHE=${CLUSTER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/chaostoolkit-operator}
KIND_VERSION=v0.33.0

NAME=${CLUSTER_NAME:-ctk}
# 12 characters, because an interface name has 15 at most and the veth is called v-NAME.
if [[ ! $NAME =~ ^[a-z0-9][a-z0-9-]{0,11}$ ]]; then
  echo "CLUSTER_NAME must be 1 to 12 of a-z, 0-9 and -: $NAME" >&2; exit 1
fi
RUN=/run/chaostoolkit-operator        # short, because a unix socket's path has 107 characters at most
STATE=$RUN/$NAME                      # sockets, keys, logs, process ids
DATA=/var/lib/chaostoolkit-operator/$NAME # what can grow: /run is a small tmpfs on many machines
NETNS=chaos-$NAME
VETH=v-$NAME
PODNET=$NAME.pods                     # the dot ends the name: no other cluster's name can begin like this
NODE=node

export CLUSTER_STARTED=${CLUSTER_STARTED:-$(date +%s%N)} # a script's helpers count from its own beginning
say() { # MESSAGE: on stderr, with the seconds since the script began
  local ms=$((($(date +%s%N) - CLUSTER_STARTED) / 1000000))
  printf '%4d.%d  %s\n' $((ms / 1000)) $((ms % 1000 / 100)) "$*" >&2
}
die() { echo "$(basename "$0"): $*" >&2; exit 1; }

need() { # COMMAND-OR-FILE:PACKAGE...: install the packages of what is not there
  local pair missing=()
  for pair in "$@"; do
    if [[ $pair == /* ]]; then [ -e "${pair%%:*}" ] && continue; else command -v "${pair%%:*}" >/dev/null && continue; fi
    missing+=("${pair#*:}")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  [ "$(id -u)" = 0 ] || die "lacking (and not root, so not installed): ${missing[*]}"
  command -v apt-get >/dev/null || die "lacking (and no apt-get to install it with): ${missing[*]}"
  say "installing packages: ${missing[*]}"
  # RUNLEVEL=1 keeps packages from starting services: the registry's would listen on every address.
  if ! { apt-get update -qq && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >/dev/null 2>&1; then die "apt-get could not install: ${missing[*]}"; fi
}

# Checked here and not in mode(), which runs in subshells, where it could end nothing but itself.
[[ ${CLUSTER:-auto} =~ ^(auto|current|kind|node)$ ]] || die "CLUSTER must be auto, current, kind or node, not $CLUSTER"
mode() { # which of current, kind, node this is about
  case ${CLUSTER:-auto} in
    auto) if docker info >/dev/null 2>&1; then echo kind; else echo node; fi ;;
    *) echo "$CLUSTER" ;;
  esac
}

kind() { if [ -n "$(type -P kind)" ]; then command kind "$@"; else go run "sigs.k8s.io/kind@$KIND_VERSION" "$@"; fi; }
kind_kubeconfig() { echo "$CACHE/kind/$NAME.kubeconfig"; }
kind_registry() { echo "$NAME-registry"; }

# A process is known by its id, its start time and the boot it belongs to: an id alone may by now be somebody else's.
stat_of() { # PID: what is recorded of a running process; nothing when it is gone or a zombie
  local stat fields
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
  read -ra fields <<<"${stat##*) }" # the name, in parentheses, may hold spaces: count from behind it
  [ "${fields[0]}" != Z ] || return 0
  echo "$1 ${fields[19]} $(</proc/sys/kernel/random/boot_id)"
}
running() { # PROGRAM: its process id, if it is the process that was started
  local record
  record=$(cat "$STATE/pid/$1" 2>/dev/null) && [ "$record" = "$(stat_of "${record%% *}")" ] && echo "${record%% *}"
}
start() { # PROGRAM COMMAND...: run inside the cluster's network, detached, with a log of its own
  local program=$1; shift
  # The lock's descriptor is closed, or the program would hold the lock for as long as it runs.
  setsid nsenter --net="/run/netns/$NETNS" "$@" >"$STATE/log/$program.log" 2>&1 </dev/null 9>&- &
  stat_of $! >"$STATE/pid/$program"
}
inside() { nsenter --net="/run/netns/$NETNS" "$@"; }

wait_for() { # SECONDS PROGRAM WHAT COMMAND...: until the command succeeds; with PROGRAM's log when it does not, or when it has died
  local limit=$1 program=$2 what=$3 end; shift 3
  end=$((SECONDS + limit))
  until "$@" >/dev/null 2>&1 9>&-; do
    if ! running "$program" >/dev/null; then failed "$program" "$program has ended"; fi
    if ((SECONDS >= end)); then failed "$program" "no $what after $limit s"; fi
    sleep .1
  done
}
failed() { # PROGRAM MESSAGE
  { echo "$2; the end of $STATE/log/$1.log:"; tail -n 20 "$STATE/log/$1.log"; } >&2
  exit 1
}

# Everything that a cluster has is derived from a small number, recorded with its state.
addresses() { # INDEX
  LINK=10.200.255 HOST_IP=10.200.255.$(($1 * 4 + 1)) IP=10.200.255.$(($1 * 4 + 2)) PODS=10.$((201 + $1)).0.0/16
  API=https://$IP:6443 REGISTRY=$IP:5000 SERVICES=10.96.0.0/16
  # A proxy that this shell is set up with cannot reach the cluster.
  export NO_PROXY=${NO_PROXY:-${no_proxy:-}},$IP
  export no_proxy=$NO_PROXY
}
api() { # PATH: ask the API server as the administrator
  curl -fsS --max-time 5 --cacert "$STATE/pki/ca.crt" --cert "$STATE/pki/admin.crt" --key "$STATE/pki/admin.key" "$API$1"
}

key_of() { cat -- "$@" | sha256sum | cut -c1-12; } # FILE...: a short name for what is in them
lock() { # FILE: one at a time; released when the script ends
  exec 9>"$1"
  flock -n 9 || { say "waiting for another run to finish"; flock 9; }
}
