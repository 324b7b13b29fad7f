#!/usr/bin/env bash
# Builds the images that a cluster without access to the network needs, into the cache. Prints a line for each: its
# directory and, if the image has a second name, that name. The directory has the image's name (`name`) and the image in the
# OCI layout (`oci`), compressed. `images.sh old` makes only the image of an old Chaos Toolkit.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

images=$CACHE/images
mkdir -p "$images"
lock "$images/.lock"
rm -rf "$images"/tmp.*

image() { # NAME MAKER ARGUMENT...: builds an image from the files that the function MAKER puts into $tmp/root, unless the
  # cache has it. Sets $directory
  local name=$1 maker=$2; shift
  # The name has a hash of everything that decides the contents, and of nothing else. A change to one image rebuilds no other.
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
    mv "$tmp/image" "$images/$directory" # last, so that an interrupted run leaves nothing that looks finished
    rm -rf "$tmp"
    say "made $name"
  fi
  touch "$images/$directory" # marks it as used: see the last line
  echo "$images/$directory"
}
commit() { # NAME: builds the image from $tmp/root and $config, without a base image
  # A separate store: nothing is left in the store of a user of buildah, or taken from it.
  local buildah=(buildah --root "$tmp/store" --runroot "$tmp/run" --storage-driver vfs) container
  container=$("${buildah[@]}" from scratch)
  tar -C "$tmp/root" -cf "$tmp/root.tar" . # keeps the owners, unlike adding a directory
  rm -rf "$tmp/root"
  "${buildah[@]}" add -q "$container" "$tmp/root.tar" / >/dev/null
  "${buildah[@]}" config "${config[@]}" "$container"
  "${buildah[@]}" commit -q "$container" "$1" >/dev/null
  "${buildah[@]}" push -q "$1" "oci:$tmp/image/oci:image"
  echo "$1" >"$tmp/image/name"
}

pause() { # the program that holds a pod's namespaces: it reaps orphaned processes, and exits on SIGTERM and SIGINT
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

toolkit() { # DEBIAN-RELEASE ARGUMENT...: the real Chaos Toolkit, as `pip install ARGUMENT...` brings it
  local root=$tmp/root release=$1; shift
  debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates "$release" "$root" >"$tmp/log" 2>&1 ||
    { tail -n 20 "$tmp/log" >&2; die "debootstrap failed"; }
  # pip must find and trust the package index as this machine does.
  cp /etc/resolv.conf "$root/etc/resolv.conf"
  [ ! -e /etc/pip.conf ] || cp /etc/pip.conf "$root/etc/pip.conf"
  [ ! -e /etc/ssl/certs/ca-certificates.crt ] || cp "$root/etc/ssl/certs/ca-certificates.crt" "$tmp/own.crt"
  [ ! -e /etc/ssl/certs/ca-certificates.crt ] || cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
  chroot "$root" python3 -m venv /opt/chaos
  chroot "$root" /opt/chaos/bin/pip install -qq --no-cache-dir --disable-pip-version-check "$@" >&2
  chroot "$root" useradd --uid 1001 --create-home --home-dir /home/svc svc
  [ ! -e "$tmp/own.crt" ] || cp "$tmp/own.crt" "$root/etc/ssl/certs/ca-certificates.crt"
  rm -rf "$root"/etc/{resolv.conf,pip.conf} "$root"/var/{cache,log,lib/apt/lists}/* "$root"/usr/share/{doc,info,locale,man}/*
  as_toolkit
}
as_toolkit() {
  config=(--user 1001 --workingdir /home/svc --env HOME=/home/svc --env PATH=/opt/chaos/bin:/usr/local/bin:/usr/bin:/bin
    --entrypoint '["chaos"]' --cmd '["--help"]')
}

without_shell() { # DIRECTORY: the image in that directory, without its shells
  # The image's only layer is the only big file. Owners are numbers: a name may belong to another user on this machine.
  find "$images/$1/oci/blobs" -size +1M -exec tar -C "$tmp/root" --numeric-owner -xzf {} \;
  # `find` does not follow the links in the root. An absolute link would lead to this machine's shells.
  find "$tmp/root" -regextype posix-extended -regex '.*/s?bin/(r?bash|d?ash|m?k?sh|t?csh|zsh|fish|busybox)' ! -type d -delete
  as_toolkit
}

prometheus() { # DEBIAN-RELEASE: Debian's Prometheus, which needs nothing but the C library, as the public image has it
  local debs=$tmp/debs deb
  debootstrap --variant=minbase --include=prometheus --download-only "$1" "$debs" >"$tmp/log" 2>&1 ||
    { tail -n 20 "$tmp/log" >&2; die "debootstrap failed"; }
  for deb in "$debs"/var/cache/apt/archives/{libc6,prometheus}_*.deb; do dpkg-deb --extract "$deb" "$tmp/root"; done
  rm -rf "$debs" "$tmp/root"/usr/share
  mkdir -p "$tmp/root/bin"
  ln -s ../usr/bin/prometheus "$tmp/root/bin/prometheus"
  config=(--user 65534 --workingdir /prometheus --entrypoint '["/bin/prometheus"]')
}

git_client() { # DEBIAN-RELEASE: Debian's git, with a shell and `git daemon`
  debootstrap --variant=minbase --include=git,ca-certificates "$1" "$tmp/root" >"$tmp/log" 2>&1 ||
    { tail -n 20 "$tmp/log" >&2; die "debootstrap failed"; }
  rm -rf "$tmp/root"/var/{cache,log,lib/apt/lists}/* "$tmp/root"/usr/share/{doc,info,locale,man}/*
  config=(--entrypoint '["git"]' --cmd '["help"]')
}

experiment() { # experiments and nothing else, for an image volume: that of an example, and one that kills its toolkit
  cat >"$tmp/root/experiment.json" <<'JSON'
{
  "version": "1.0.0",
  "title": "A greeting from an image",
  "description": "Says hello, which should always be possible.",
  "method": [
    {"type": "action", "name": "say-hello", "provider": {"type": "process", "path": "echo", "arguments": "hello"}}
  ],
  "rollbacks": []
}
JSON
  cat >"$tmp/root/killed.yaml" <<'YAML'
version: 1.0.0
title: Killed before its rollbacks
description: The toolkit is killed, so another pod has to play the rollback.
method:
- type: action
  name: kill-the-toolkit
  provider: {type: process, path: sh, arguments: [-c, "kill -9 $PPID"]}
rollbacks:
- type: action
  name: mend
  provider: {type: process, path: echo, arguments: mended}
YAML
  config=(--workingdir /)
}

if [ "${1:-}" = old ]; then
  # Only some tests need it. Its own requirements ask for a PyYAML that current tools cannot build any more.
  image docker.io/chaostoolkit/chaostoolkit:1.9.4 toolkit bookworm --no-deps chaostoolkit==1.9.4 chaostoolkit-lib==1.28.0 \
    PyYAML==6.0.2 click==8.0.4 click-plugins==1.1.1 logzero==1.7.0 requests==2.31.0 urllib3==2.2.3 idna==3.10 certifi \
    charset-normalizer==3.4.0 python-json-logger==2.0.7 importlib-metadata==4.13.0 zipp==3.21.0 setuptools==69.5.1
  exit
fi
if [ "${1:-}" = extensions ]; then
  # Only some examples need these: the recipes in examples/ecosystem, whose Dockerfile makes the first image from the same
  # list, and those with an experiment from elsewhere.
  mapfile -t packages <"$ROOT/examples/ecosystem/image/requirements.txt"
  image registry.example/you/chaostoolkit:extensions toolkit trixie "${packages[@]}"
  image docker.io/prom/prometheus:v2.42.0 prometheus bookworm
  image localhost/git:1 git_client trixie
  image registry.example/experiments:1 experiment
  exit
fi
image localhost/pause:1 pause
image docker.io/chaostoolkit/chaostoolkit:latest toolkit bookworm chaostoolkit==1.19.0 chaostoolkit-kubernetes==0.39.0
# The examples that need the extension for Kubernetes ask for this name. The image has that extension.
echo "$images/$directory docker.io/chaostoolkit/chaostoolkit:full"
image docker.io/chaostoolkit/chaostoolkit:no-shell without_shell "$directory"
image docker.io/chaostoolkit/chaostoolkit:1.21.4 toolkit trixie chaostoolkit==1.21.4 chaostoolkit-kubernetes==0.39.0
# Removes images that nobody has used for two weeks. Newer ones may belong to another checkout, or to a cluster that is starting.
find "$images" -mindepth 1 -maxdepth 1 -type d -mtime +14 -exec rm -rf {} +
