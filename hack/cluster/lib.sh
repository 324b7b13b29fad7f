# shellcheck shell=bash
# Names, paths, messages, packages and processes for the scripts here. To be sourced, not run.
# shellcheck disable=SC2034  # the scripts that source this file use these variables
# Without the trap, a command that fails could end a script without a message.
set -E
trap 'echo "${BASH_SOURCE[0]##*/}: line $LINENO failed: $BASH_COMMAND" >&2' ERR

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
CACHE=${CLUSTER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/chaostoolkit-operator}
KIND_VERSION=v0.33.0

NAME=${CLUSTER_NAME:-ctk}
# At most 12 characters: the name of an interface has at most 15, and the veth is called v-NAME.
if [[ ! $NAME =~ ^[a-z0-9][a-z0-9-]{0,11}$ ]]; then
  echo "CLUSTER_NAME must be 1 to 12 of a-z, 0-9 and -: $NAME" >&2; exit 1
fi
RUN=/run/chaostoolkit-operator        # short: the path of a unix socket has at most 107 characters
STATE=$RUN/$NAME                      # sockets, keys, logs, process ids
DATA=/var/lib/chaostoolkit-operator/$NAME # data that can grow: /run is a small tmpfs on many machines
NETNS=chaos-$NAME
VETH=v-$NAME
PODNET=$NAME.pods                     # with a dot: no other cluster's name can begin with this
NODE=node

export CLUSTER_STARTED=${CLUSTER_STARTED:-$(date +%s%N)} # scripts that it calls count from the same start
say() { # MESSAGE: prints to stderr, with the seconds since the script started
  local ms=$((($(date +%s%N) - CLUSTER_STARTED) / 1000000))
  printf '%4d.%d  %s\n' $((ms / 1000)) $((ms % 1000 / 100)) "$*" >&2
}
die() { echo "$(basename "$0"): $*" >&2; exit 1; }

need() { # COMMAND-OR-FILE:PACKAGE...: installs the packages of missing commands and files
  local pair missing=()
  for pair in "$@"; do
    if [[ $pair == /* ]]; then [ -e "${pair%%:*}" ] && continue; else command -v "${pair%%:*}" >/dev/null && continue; fi
    missing+=("${pair#*:}")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  [ "$(id -u)" = 0 ] || die "missing packages, and only root can install them: ${missing[*]}"
  command -v apt-get >/dev/null || die "missing packages, and there is no apt-get to install them: ${missing[*]}"
  say "installing packages: ${missing[*]}"
  # With RUNLEVEL=1, packages start no services. The registry's service would listen on every address.
  if ! { apt-get update -qq && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >/dev/null 2>&1; then die "apt-get could not install: ${missing[*]}"; fi
}

# Not in mode(), which runs in subshells: there, `die` would end only the subshell.
[[ ${CLUSTER:-auto} =~ ^(auto|current|kind|node)$ ]] || die "CLUSTER must be auto, current, kind or node, not $CLUSTER"
mode() { # prints current, kind or node
  case ${CLUSTER:-auto} in
    auto) if docker info >/dev/null 2>&1; then echo kind; else echo node; fi ;;
    *) echo "$CLUSTER" ;;
  esac
}

kind() { if [ -n "$(type -P kind)" ]; then command kind "$@"; else go run "sigs.k8s.io/kind@$KIND_VERSION" "$@"; fi; }
kind_kubeconfig() { echo "$CACHE/kind/$NAME.kubeconfig"; }
kind_registry() { echo "$NAME-registry"; }

# A process is identified by its id, its start time and the boot. The id alone may belong to another process by now.
stat_of() { # PID: prints the record of a running process, or nothing if it is gone or a zombie
  local stat fields
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
  read -ra fields <<<"${stat##*) }" # starts after the name, which is in parentheses and may have spaces
  [ "${fields[0]}" != Z ] || return 0
  echo "$1 ${fields[19]} $(</proc/sys/kernel/random/boot_id)"
}
running() { # PROGRAM: prints its process id, if it is still the process that was started
  local record
  record=$(cat "$STATE/pid/$1" 2>/dev/null) && [ "$record" = "$(stat_of "${record%% *}")" ] && echo "${record%% *}"
}
start() { # PROGRAM COMMAND...: runs a command in the cluster's network, detached, with its own log
  local program=$1; shift
  # Closes the descriptor of the lock. Otherwise the program would hold the lock as long as it runs.
  setsid nsenter --net="/run/netns/$NETNS" "$@" >"$STATE/log/$program.log" 2>&1 </dev/null 9>&- &
  stat_of $! >"$STATE/pid/$program"
}
inside() { nsenter --net="/run/netns/$NETNS" "$@"; }

wait_for() { # SECONDS PROGRAM WHAT COMMAND...: waits until the command succeeds. On a timeout, or if PROGRAM has died, prints
  # PROGRAM's log and exits
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

# The addresses of a cluster follow from a small number, which is recorded with its state.
addresses() { # INDEX
  LINK=10.200.255 HOST_IP=10.200.255.$(($1 * 4 + 1)) IP=10.200.255.$(($1 * 4 + 2)) PODS=10.$((201 + $1)).0.0/16
  API=https://$IP:6443 REGISTRY=$IP:5000 SERVICES=10.96.0.0/16
  # The proxy of this shell, if it has one, cannot reach the cluster.
  export NO_PROXY=${NO_PROXY:-${no_proxy:-}},$IP
  export no_proxy=$NO_PROXY
}
api() { # PATH: sends a GET to the API server as the administrator
  curl -fsS --max-time 5 --cacert "$STATE/pki/ca.crt" --cert "$STATE/pki/admin.crt" --key "$STATE/pki/admin.key" "$API$1"
}

key_of() { cat -- "$@" | sha256sum | cut -c1-12; } # FILE...: a short hash of their contents
lock() { # FILE: waits for the lock and takes it until the script ends
  exec 9>"$1"
  flock -n 9 || { say "waiting for another run to finish"; flock 9; }
}
