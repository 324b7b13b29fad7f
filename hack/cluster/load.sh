#!/usr/bin/env bash
# Put an image into the cluster's registry, under its own name: load.sh WHAT [NAME]
# WHAT is an image archive (as `docker save` makes them), a directory made by images.sh, or the name of an image of Docker's or buildah's.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

[ $# -gt 0 ] || die "usage: load.sh ARCHIVE|DIRECTORY|IMAGE [NAME]"
from=$1 name=${2:-}
archive_name() { tar -xOf "$1" manifest.json | sed -n 's/.*"RepoTags":\["\([^"]*\)".*/\1/p'; }
[ -n "$name" ] || if [ -d "$from" ]; then name=$(<"$from/name"); elif [ -f "$from" ]; then name=$(archive_name "$from"); else name=$from; fi
[ -n "$name" ] || die "$from does not say its name: give it as the second argument"
# The registry stands in for the one in the name: that part, which is the first if it looks like a host, is not part of the path.
path=$name full=docker.io/$name # as containerd calls it
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
[ -n "$registry" ] || die "there is no registry to put $name into: push it yourself, or set CLUSTER_REGISTRY"

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
  # Whatever policy on signatures this machine has, it is about images from elsewhere.
  skopeo --insecure-policy copy -q --dest-tls-verify=false --digestfile "$digest" "$source" "docker://$registry/$path"
fi

# A node that has another image of this name would go on with it wherever the pull policy is IfNotPresent. It pulls what it does not have.
# Containers that run already keep what they have.
case $(mode) in
  kind) # also what is the same already: it takes no time to pull that again
    for node in $(kind get nodes --name "$NAME"); do docker exec "$node" ctr -n k8s.io images rm "$full" >/dev/null 2>&1 || true; done ;;
  node)
    on_node() { PATH=$(paste -sd: "$STATE/programs"):$PATH ctr --address "$STATE/containerd.sock" -n k8s.io "$@" 2>/dev/null; }
    old=$([ ! -S "$STATE/containerd.sock" ] || on_node images ls | awk -v name="$full" '$1 == name {print $3}') || true
    if [ -n "$old" ] && [ "$old" != "$(<"$digest")" ] && on_node images rm "$full" >/dev/null; then say "took another $name off the node"; fi ;;
esac
say "loaded $name"
