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
path=$name
case ${name%%/*} in *.* | *:* | localhost) path=${name#*/} ;; esac

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
  # Whatever policy on signatures this machine has, it is about images from elsewhere.
  skopeo --insecure-policy copy -q --dest-tls-verify=false "$source" "docker://$registry/$path"
fi
say "loaded $name"
