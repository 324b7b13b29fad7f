#!/usr/bin/env bash
# Make the images that a cluster without a way out needs, into the cache. Prints the directories that hold them:
# each has its image's name (`name`) and the image in the OCI layout (`oci`), already compressed.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

images=$CACHE/images
mkdir -p "$images"
lock "$images/.lock"
rm -rf "$images"/tmp.*

image() { # NAME MAKER ARGUMENT...: the image of what the function MAKER puts into $tmp/root, unless it is there. Says which $directory it is in
  local name=$1 maker=$2; shift
  # Named after all that decides what is in it, and nothing else: another image, or a change to one, leaves the rest as they are.
  directory=${name##*/}
  directory=${directory/:/-}-$({ declare -f commit as_toolkit "$maker"; echo "$name $*"; } | key_of -)
  if [ ! -d "$images/$directory" ]; then
    say "making the image $name"
    [ "$(id -u)" = 0 ] || die "must be root to make images"
    need debootstrap buildah gcc:gcc
    tmp=$(mktemp -d "$images/tmp.XXXXXX")
    mkdir "$tmp/root" "$tmp/image"
    chmod 755 "$tmp" "$tmp/root"
    "$@"
    commit "$name"
    mv "$tmp/image" "$images/$directory" # only now: an interrupted run must leave nothing that looks finished
    rm -rf "$tmp"
    say "made $name"
  fi
  touch "$images/$directory" # it is in use: see the end
  echo "$images/$directory"
}
commit() { # NAME: the image of $tmp/root with $config, without any base image
  # A store of its own: nothing is left in, or taken from, the one of whoever uses buildah here.
  local buildah=(buildah --root "$tmp/store" --runroot "$tmp/run" --storage-driver vfs) container
  container=$("${buildah[@]}" from scratch)
  tar -C "$tmp/root" -cf "$tmp/root.tar" . # keeps the owners, which adding a directory would not
  rm -rf "$tmp/root"
  "${buildah[@]}" add -q "$container" "$tmp/root.tar" / >/dev/null
  "${buildah[@]}" config "${config[@]}" "$container"
  "${buildah[@]}" commit -q "$container" "$1" >/dev/null
  "${buildah[@]}" push -q "$1" "oci:$tmp/image/oci:image"
  echo "$1" >"$tmp/image/name"
}

pause() { # what holds a pod's namespaces: it reaps what it inherits, and leaves when told to
  cat >"$tmp/pause.c" <<'C'
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>
static void leave(int signal) { _exit(signal & 0); }
static void reap(int signal) { while (signal && waitpid(-1, NULL, WNOHANG) > 0) {} }
int main(void) {
  struct sigaction on_leave = {.sa_handler = leave}, on_child = {.sa_handler = reap, .sa_flags = SA_NOCLDSTOP};
  sigaction(SIGTERM, &on_leave, NULL);
  sigaction(SIGINT, &on_leave, NULL);
  sigaction(SIGCHLD, &on_child, NULL);
  for (;;) pause();
}
C
  gcc -static -Os -s -o "$tmp/root/pause" "$tmp/pause.c"
  config=(--entrypoint '["/pause"]' --user 65535:65535)
}

toolkit() { # DEBIAN-RELEASE CHAOSTOOLKIT CHAOSTOOLKIT-KUBERNETES: the real Chaos Toolkit
  local root=$tmp/root
  debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates "$1" "$root" >"$tmp/log" 2>&1 ||
    { tail -n 20 "$tmp/log" >&2; die "debootstrap failed"; }
  # pip must find and trust the package index just as this machine does.
  cp /etc/resolv.conf "$root/etc/resolv.conf"
  [ ! -e /etc/pip.conf ] || cp /etc/pip.conf "$root/etc/pip.conf"
  [ ! -e /etc/ssl/certs/ca-certificates.crt ] || cp "$root/etc/ssl/certs/ca-certificates.crt" "$tmp/own.crt"
  [ ! -e /etc/ssl/certs/ca-certificates.crt ] || cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
  chroot "$root" python3 -m venv /opt/chaos
  chroot "$root" /opt/chaos/bin/pip install -qq --no-cache-dir --disable-pip-version-check "chaostoolkit==$2" "chaostoolkit-kubernetes==$3" >&2
  chroot "$root" useradd --uid 1001 --create-home --home-dir /home/svc svc
  [ ! -e "$tmp/own.crt" ] || cp "$tmp/own.crt" "$root/etc/ssl/certs/ca-certificates.crt"
  rm -rf "$root"/etc/{resolv.conf,pip.conf} "$root"/var/{cache,log,lib/apt/lists}/* "$root"/usr/share/{doc,info,locale,man}/*
  as_toolkit
}
as_toolkit() {
  config=(--user 1001 --workingdir /home/svc --env HOME=/home/svc --env PATH=/opt/chaos/bin:/usr/local/bin:/usr/bin:/bin
    --entrypoint '["chaos"]' --cmd '["--help"]')
}

without_shell() { # DIRECTORY: what is in that image, but for the shells
  # Its one layer is the only big file. Owners are numbers, since their names may be other users' on this machine.
  find "$images/$1/oci/blobs" -size +1M -exec tar -C "$tmp/root" --numeric-owner -xzf {} \;
  # Found, and not named through the root's own links: an absolute one would lead to this machine's shells.
  find "$tmp/root" -regextype posix-extended -regex '.*/s?bin/(r?bash|d?ash|m?k?sh|t?csh|zsh|fish|busybox)' ! -type d -delete
  as_toolkit
}

image localhost/pause:1 pause
image docker.io/chaostoolkit/chaostoolkit:latest toolkit bookworm 1.19.0 0.39.0
image docker.io/chaostoolkit/chaostoolkit:no-shell without_shell "$directory"
image docker.io/chaostoolkit/chaostoolkit:1.21.4 toolkit trixie 1.21.4 0.39.0
# What nobody has asked for in two weeks; another checkout, or a cluster that is just being brought up, may want other images than these.
find "$images" -mindepth 1 -maxdepth 1 -type d -mtime +14 -exec rm -rf {} +
