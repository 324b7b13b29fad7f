#!/usr/bin/env bash
# Runs two experiments with the operator in a real cluster, from the operator's image to the clean-up. Fails if an outcome is
# not the expected one, or if an experiment leaves an object behind. Takes the options of cluster/up.sh, such as --fresh.
# IMAGE is described in image.sh, CLUSTER in cluster/README.md.
set -euo pipefail
. "$(dirname "$0")/cluster/lib.sh"
cd "$ROOT"

ns=chaostoolkit-crd run_ns=chaostoolkit-run
small=my-chaos-exp kill=pod-kill # the experiments in the examples
examples=(-f examples/basic.yaml -f examples/pod-kill.yaml)
show() { printf '\n$ %s\n' "$*"; "$@"; }
begin() { printf '\n'; say "$*"; }
of() { kubectl -n $ns get ctk "$1" --output "jsonpath=$2"; } # EXPERIMENT JSONPATH
seconds_since() { awk -v ns="$(($(date +%s%N) - $1))" 'BEGIN {printf "%.1f", ns / 1e9}'; } # NANOSECONDS

tmp='' watch=''
finish() {
  local code=$?
  [ -z "$tmp" ] || rm -rf "$tmp"
  [ -z "$watch" ] || kill "$watch" 2>/dev/null || true
  [ $code -ne 0 ] || return 0
  if [ -n "${up_at:-}" ]; then
    printf '\nThe demo has failed. The state of the cluster:\n'
    show kubectl get pods --all-namespaces --output wide || true
    show kubectl get events --all-namespaces --sort-by=.lastTimestamp | tail -n 30 || true
    show kubectl -n $ns get ctk $small $kill --ignore-not-found --output yaml || true
    show kubectl -n $run_ns logs --selector app=chaostoolkit --prefix --tail=30 || true
    show kubectl -n $ns logs deployment/$ns --tail=50 || true
  fi >&2
  exit $code
}
trap finish EXIT

image=$(hack/image.sh --name)
built=$(hack/image.sh)
hack/cluster/up.sh "$@"
variables=$(hack/cluster/env.sh)
eval "$variables"
up_at=$(date +%s%N)

digest='' # of the image in the registry: a new build has the name of the one before it
if [ -n "${CLUSTER_REGISTRY:-}" ]; then
  hack/cluster/load.sh "$built" "$image"
  path=$image
  case ${image%%/*} in *.* | *:* | localhost) path=${image#*/} ;; esac
  digest=$(curl -fsSI --noproxy '*' "http://$CLUSTER_REGISTRY/v2/${path%:*}/manifests/${path##*:}" \
    -H 'Accept: application/vnd.docker.distribution.manifest.v2+json' -H 'Accept: application/vnd.oci.image.manifest.v1+json' |
    tr -d '\r' | sed -n 's/^docker-content-digest: //Ip')
else
  say "there is no registry of ours: the cluster has to pull $image from elsewhere"
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
kubectl wait --for=condition=Established crd/chaosexperiments.chaostoolkit.org --timeout=30s >/dev/null
rollout() { show kubectl -n $ns rollout status deployment/$ns --timeout=120s; }
[ -z "$before" ] || rollout # or the operator of an earlier demo would run these experiments

if [ -n "$(kubectl get "${examples[@]}" --ignore-not-found --output name)" ]; then
  begin "deleting the experiments of an interrupted demo"
  show kubectl delete "${examples[@]}" --ignore-not-found --timeout=120s
fi

begin "running the smallest experiment, and one that kills a pod of a Deployment"
show kubectl apply "${examples[@]}"
[ -n "$before" ] || rollout # the node pulls the image of the toolkit at the same time
printf '\n$ kubectl -n %s get ctk --watch\n' $ns
exec {rows}< <(exec kubectl -n $ns get ctk --watch)
watch=$!
unfinished=" $small $kill "
while [ -n "${unfinished// /}" ] && IFS= read -r -t 120 -u "$rows" row; do
  printf '%s\n' "$row"
  read -r name phase _ <<<"$row"
  case $phase in Completed | Failed | Aborted) unfinished=${unfinished/ $name / } ;; esac
done
kill "$watch" 2>/dev/null || true
watch=''
exec {rows}<&-
# The condition decides, not the rows.
show kubectl -n $ns wait --for=condition=Finished ctk/$small ctk/$kill --timeout=5s
to_outcomes=$(seconds_since "$up_at")

for name in $small $kill; do
  show kubectl -n $ns get events --field-selector "involvedObject.uid=$(of "$name" '{.metadata.uid}')" \
    --sort-by=.metadata.creationTimestamp --output custom-columns=EXPERIMENT:.involvedObject.name,REASON:.reason,MESSAGE:.message
done
show kubectl -n $run_ns logs "$(of $kill '{.status.run.podName}')" --container chaostoolkit
show kubectl -n $kill get deployments,pods

# Before the clean-up: if a check fails, the objects are still there.
check() { # EXPERIMENT EXPECTED
  local found log
  found=$(of "$1" '{.status.phase} {.status.outcome} {.status.conclusive}')
  [ "$found" = "$2" ] || die "the experiment $1 has ended as '$found', not as '$2' (phase, outcome, conclusive)"
  log=$(kubectl -n $run_ns logs "$(of "$1" '{.status.run.podName}')" --container chaostoolkit)
  [[ $log == *'Experiment ended with status: completed'* ]] || die "the log of $1 does not say that the experiment is completed"
}
check $small 'Completed Passed false' # without a hypothesis, the outcome answers no question
check $kill 'Completed Passed true'
uids=$(of $small '{.metadata.uid}'),$(of $kill '{.metadata.uid}')

begin "cleaning up"
show kubectl delete "${examples[@]}" --timeout=120s
# Only the objects of these experiments: tests may have left others in the cluster.
theirs=('pods,configmaps,serviceaccounts,roles,rolebindings' --all-namespaces --selector "chaostoolkit.org/experiment-uid in ($uids)")
kubectl wait --for=delete "${theirs[@]}" --timeout=30s >/dev/null 2>&1 || true # the next command says what is left
left=$(kubectl get "${theirs[@]}" --output name)
printf '\n$ kubectl get %s %s %s "%s"\n%s\n\n' "${theirs[@]}" "${left:-No resources found}"
[ -z "$left" ] || die "the experiments left these objects behind"

say "both experiments passed and left nothing behind"
say "with the cluster up, it took $to_outcomes s to both outcomes, and $(seconds_since "$up_at") s with the clean-up"
echo "The cluster stays up: eval \"\$(hack/cluster/env.sh)\" to use it, make cluster-down to stop it." >&2
