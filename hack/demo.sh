#!/usr/bin/env bash
# The operator in a real cluster, from its image to an experiment's end and clean-up. IMAGE as for image.sh, CLUSTER as for cluster/up.sh.
set -euo pipefail
. "$(dirname "$0")/cluster/lib.sh"
cd "$ROOT"

ns=chaostoolkit-crd run_ns=chaostoolkit-run experiment=my-chaos-exp example=examples/basic.yaml
show() { printf '\n$ %s\n' "$*"; "$@"; }
begin() { printf '\n'; say "$*"; }

tmp=
finish() {
  local code=$?
  [ -z "$tmp" ] || rm -rf "$tmp"
  [ $code -ne 0 ] || return 0
  if [ -n "${cluster_is_up:-}" ]; then
    printf '\nThe demo has failed. What the cluster says:\n'
    show kubectl get pods --all-namespaces --output wide || true
    show kubectl get events --all-namespaces --sort-by=.lastTimestamp | tail -n 30 || true
    show kubectl -n $ns get ctk $experiment --output yaml || true
    show kubectl -n $ns logs deployment/$ns --tail=50 || true
  fi >&2
  exit $code
}
trap finish EXIT

image=$(hack/image.sh --name)
built=$(hack/image.sh)
hack/cluster/up.sh
variables=$(hack/cluster/env.sh)
eval "$variables"
cluster_is_up=1

digest= # of what is in the registry: an image made anew has the same name as before
if [ -n "${CLUSTER_REGISTRY:-}" ]; then
  hack/cluster/load.sh "$built" "$image"
  path=$image
  case ${image%%/*} in *.* | *:* | localhost) path=${image#*/} ;; esac
  digest=$(curl -fsSI --noproxy '*' "http://$CLUSTER_REGISTRY/v2/${path%:*}/manifests/${path##*:}" \
    -H 'Accept: application/vnd.docker.distribution.manifest.v2+json' -H 'Accept: application/vnd.oci.image.manifest.v1+json' |
    tr -d '\r' | sed -n 's/^docker-content-digest: //Ip')
else
  say "no registry of ours: the cluster must be able to pull $image"
fi

begin "installing the operator"
overlay=manifests/overlays/generic-rbac
if [ "$image" != "$(IMAGE='' hack/image.sh --name)" ]; then
  mkdir -p target
  tmp=$(mktemp -d target/demo.XXXXXX)
  cat >"$tmp/kustomization.yaml" <<YAML
resources: [../../$overlay]
images: [{name: chaostoolkit/chaostoolkit-operator, newName: "${image%:*}", newTag: "${image##*:}"}]
YAML
  overlay=$tmp
fi
before=$(kubectl -n $ns get deployment $ns --ignore-not-found --output name 2>/dev/null || true)
show kubectl apply -k "$overlay"
if [ -n "$before" ]; then
  running=$(kubectl -n $ns get pods --field-selector=status.phase=Running --output 'jsonpath={.items[*].status.containerStatuses[*].imageID}')
  if [ -z "$digest" ] || [[ $running != *"$digest"* ]]; then show kubectl -n $ns rollout restart deployment/$ns; fi
fi
show kubectl -n $ns rollout status deployment/$ns --timeout=120s
show kubectl -n $ns wait --for=condition=Available deployment/$ns --timeout=60s
kubectl wait --for=condition=Established crd/chaosexperiments.chaostoolkit.org --timeout=30s >/dev/null

if [ -n "$(kubectl -n $ns get ctk $experiment --ignore-not-found --output name)" ]; then
  begin "removing the experiment that an interrupted demo left"
  show kubectl delete -f $example --timeout=120s
fi
begin "running the experiment"
show kubectl apply -f $example
show kubectl -n $ns wait --for=condition=Finished ctk/$experiment --timeout=180s
show kubectl -n $ns get ctk
pod=$(kubectl -n $ns get ctk $experiment --output 'jsonpath={.status.run.podName}')
phase=$(kubectl -n $ns get ctk $experiment --output 'jsonpath={.status.phase}')
[ -n "$pod" ] || die "the experiment's status names no pod"
log=$(kubectl -n $run_ns logs "$pod")
printf '\n$ kubectl -n %s logs %s\n%s\n' $run_ns "$pod" "$log"
show kubectl -n $ns describe ctk $experiment

# Before the clean-up, so that there is something left to look at.
[ "$phase" = Completed ] || die "the experiment's phase is $phase, not Completed"
grep -F 'Experiment ended with status: completed' <<<"$log" >/dev/null || die "the toolkit's log does not say that the experiment was completed"

uid=$(kubectl -n $ns get ctk $experiment --output 'jsonpath={.metadata.uid}')
[ -n "$uid" ] || die "the experiment has no uid"
begin "cleaning up after the experiment"
show kubectl delete -f $example --timeout=120s
# Of this experiment alone: tests, say, may have left others in the cluster.
left() { kubectl get pods,configmaps,serviceaccounts,roles,rolebindings --all-namespaces --selector "chaostoolkit.org/experiment-uid=$uid" --output name; }
end=$((SECONDS + 30))
until [ -z "$(left)" ] || ((SECONDS >= end)); do sleep .5; done
printf '\n$ kubectl get pods,configmaps,serviceaccounts,roles,rolebindings -A -l chaostoolkit.org/experiment-uid=%s\n' "$uid"
left
printf '%d objects left\n\n' "$(left | wc -l)"

[ -z "$(left)" ] || die "the experiment left something behind"
say "the experiment was completed and left nothing behind"
echo "The cluster stays up: eval \"\$(hack/cluster/env.sh)\" to use it, make cluster-down to stop it." >&2
