#!/usr/bin/env bash
# Puts an image into the cluster's registry, under its own name or NAME: load.sh WHAT [NAME]
# WHAT is an image archive as `docker save` writes it, a directory of images.sh, or the name of an image of Docker or buildah.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

[ $# -gt 0 ] || die "usage: load.sh ARCHIVE|DIRECTORY|IMAGE [NAME]"
from=$1 name=${2:-}
archive_name() { tar -xOf "$1" manifest.json | sed -n 's/.*"RepoTags":\["\([^"]*\)".*/\1/p'; }
[ -n "$name" ] || if [ -d "$from" ]; then name=$(<"$from/name"); elif [ -f "$from" ]; then name=$(archive_name "$from"); else name=$from; fi
[ -n "$name" ] || die "$from has no name: give one as the second argument"
# This registry stands in for the registry in the name. A first part that looks like a host is the registry, not the path.
path=$name full=docker.io/$name # the name in containerd
case ${name%%/*} in *.* | *:* | localhost) path=${name#*/} full=$name ;; esac
[[ ${name##*/} == *:* ]] || full=$full:latest

case $(mode) in
  current) registry=${CLUSTER_REGISTRY:-} ;;
  kind) registry=$(docker port "$(kind_registry)" 5000/tcp | head -n 1) ;;
  node)
    [ -f "$STATE/index" ] || die "the cluster $NAME is not up"
    addresses "$(<"$STATE/index")"
    registry=$REGISTRY ;;
esac
[ -n "$registry" ] || die "there is no registry for $name: push it yourself, or set CLUSTER_REGISTRY"

if [ "$(mode)" = kind ] && [ ! -e "$from" ]; then
  docker tag "$from" "$registry/$path"
  docker push -q "$registry/$path" >/dev/null
else
  need skopeo:skopeo
  if [ -d "$from" ]; then source=oci:$from/oci:image
  elif [ -f "$from" ]; then source=docker-archive:$from
  elif docker image inspect "$from" >/dev/null 2>&1; then source=docker-daemon:$from
  else source=containers-storage:$from; fi
  digest=$(mktemp)
  trap 'rm -f "$digest"' EXIT
  # A policy on signatures on this machine is about images from elsewhere.
  skopeo --insecure-policy copy -q --dest-tls-verify=false --digestfile "$digest" "$source" "docker://$registry/$path"
fi

# With the pull policy IfNotPresent, a node would keep using an older image of this name. Without that image it pulls the new one.
# Running containers keep their image.
case $(mode) in
  kind) # even the same image: pulling that again takes no time
    for node in $(kind get nodes --name "$NAME"); do docker exec "$node" ctr -n k8s.io images rm "$full" >/dev/null 2>&1 || true; done ;;
  node)
    on_node() { PATH=$(paste -sd: "$STATE/programs"):$PATH ctr --address "$STATE/containerd.sock" -n k8s.io "$@" 2>/dev/null; }
    old=$([ ! -S "$STATE/containerd.sock" ] || on_node images ls | awk -v name="$full" '$1 == name {print $3}') || true
    if [ -n "$old" ] && [ "$old" != "$(<"$digest")" ] && on_node images rm "$full" >/dev/null; then say "removed an older $name from the node"; fi ;;
esac
say "loaded $name"
