#!/usr/bin/env bash
# Make the images that a cluster without a way out needs, into the cache. Prints the directory that holds them:
# one directory an image, with its name (`name`) and the image in the OCI layout (`oci`), already compressed.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

images=$CACHE/images/$(key_of "${BASH_SOURCE[0]}")
mkdir -p "$images"
lock "$CACHE/images/.lock"
rm -rf "$CACHE/images"/tmp.*

finished() { [ -d "$images/$1" ]; }
begin() { # IMAGE: a place to work in, and the image's root file system below it
  say "making the image $1"
  [ "$(id -u)" = 0 ] || die "must be root to make images"
  need debootstrap buildah gcc:gcc
  tmp=$(mktemp -d "$CACHE/images/tmp.XXXXXX")
  mkdir "$tmp/root" "$tmp/image"
  chmod 755 "$tmp" "$tmp/root"
}
finish() { # DIRECTORY NAME BUILDAH-CONFIG-FLAG...: an image of $tmp/root, without any base image
  local directory=$1 name=$2 container; shift 2
  # A store of its own: nothing is left in, or taken from, the one of whoever uses buildah here.
  local buildah=(buildah --root "$tmp/store" --runroot "$tmp/run" --storage-driver vfs)
  container=$("${buildah[@]}" from scratch)
  tar -C "$tmp/root" -cf "$tmp/root.tar" . # keeps the owners, which adding a directory would not
  rm -rf "$tmp/root"
  "${buildah[@]}" add -q "$container" "$tmp/root.tar" / >/dev/null
  "${buildah[@]}" config "$@" "$container"
  "${buildah[@]}" commit -q "$container" "$name" >/dev/null
  "${buildah[@]}" push -q "$name" "oci:$tmp/image/oci:image"
  echo "$name" >"$tmp/image/name"
  mv "$tmp/image" "$images/$directory" # only now: an interrupted run must leave nothing that looks finished
  rm -rf "$tmp"
  say "made $name"
}

pause() { # what holds a pod's namespaces: it reaps what it inherits, and leaves when told to
  ! finished pause || return 0
  begin pause
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
  finish pause localhost/pause:1 --entrypoint '["/pause"]' --user 65535:65535
}

runner() { # TAG DEBIAN-RELEASE CHAOSTOOLKIT CHAOSTOOLKIT-KUBERNETES: the real Chaos Toolkit
  local tag=$1 release=$2 root
  ! finished "runner-$tag" || return 0
  begin "chaostoolkit/chaostoolkit:$tag"
  root=$tmp/root
  debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates "$release" "$root" >"$tmp/log" 2>&1 ||
    { tail -n 20 "$tmp/log" >&2; die "debootstrap failed"; }
  # pip must find and trust the package index just as this machine does.
  cp /etc/resolv.conf "$root/etc/resolv.conf"
  [ ! -e /etc/pip.conf ] || cp /etc/pip.conf "$root/etc/pip.conf"
  [ ! -e /etc/ssl/certs/ca-certificates.crt ] || cp "$root/etc/ssl/certs/ca-certificates.crt" "$tmp/own.crt"
  [ ! -e /etc/ssl/certs/ca-certificates.crt ] || cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
  chroot "$root" python3 -m venv /opt/chaos
  chroot "$root" /opt/chaos/bin/pip install -qq --no-cache-dir --disable-pip-version-check "chaostoolkit==$3" "chaostoolkit-kubernetes==$4" >&2
  chroot "$root" useradd --uid 1001 --create-home --home-dir /home/svc svc
  [ ! -e "$tmp/own.crt" ] || cp "$tmp/own.crt" "$root/etc/ssl/certs/ca-certificates.crt"
  rm -rf "$root"/etc/{resolv.conf,pip.conf} "$root"/var/{cache,log,lib/apt/lists}/* "$root"/usr/share/{doc,info,locale,man}/*
  finish "runner-$tag" "docker.io/chaostoolkit/chaostoolkit:$tag" --user 1001 --workingdir /home/svc --env HOME=/home/svc \
    --env PATH=/opt/chaos/bin:/usr/local/bin:/usr/bin:/bin --entrypoint '["chaos"]' --cmd '["--help"]'
}

pause
runner latest bookworm 1.19.0 0.39.0
echo "$images"
