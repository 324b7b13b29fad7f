//! What the operator adds to the objects of a run: it displaces nothing of the team, and carries nothing that belongs to
//! another tool.

use chaostoolkit_api::{Outcome, Phase};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{Pod, ServiceAccount};
use kube::api::{ListParams, LogParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use crate::checks::ended;
use crate::common::install::Install;
use crate::common::operator::Operator;
use crate::common::{config_map, create, experiment, set_up, wait_for_phase};
use crate::experiments::{echo, own_pod, well};
use crate::schedules::{NEVER, RUN, limit_containers, recorded, rerun, schedule};

/// Labels by which tools such as Argo CD and Flux know the objects that they own. They prune what has such a label and is
/// not in the repository.
const TRACKING: [&str; 3] =
    ["app.kubernetes.io/instance", "argocd.argoproj.io/instance", "kustomize.toolkit.fluxcd.io/name"];

const EVICTABLE: &str = "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes";

/// Creates an experiment as such a tool applies it. Its team has a label of its own on it.
async fn apply_tracked(install: &Install, name: &str, mut spec: Value) {
    spec["namespace"] = json!(install.run_namespace);
    let mut object = experiment(name, spec);
    object["metadata"]["labels"] = json!({"team": "payments"});
    for label in TRACKING {
        object["metadata"]["labels"][label] = json!("shop");
    }
    install.send(object).await.unwrap();
}

/// Waits until a single run has ended like this, and returns its pod.
async fn pod_after(install: &Install, name: &str, outcome: Outcome) -> Pod {
    let ended = ended(install, name, 180).await;
    assert_eq!(ended.outcome, Some(outcome), "{ended:#?}");
    install.pods().get(&ended.run.unwrap().pod_name).await.unwrap()
}

fn pull_secrets(pod: &Pod) -> Vec<&str> {
    let secrets = pod.spec.as_ref().unwrap().image_pull_secrets.as_deref().unwrap_or_default();
    secrets.iter().map(|secret| secret.name.as_str()).collect()
}

fn tracked<K: ResourceExt>(object: &K) -> Vec<&str> {
    TRACKING.into_iter().filter(|label| object.labels().contains_key(*label)).collect()
}

/// Kubernetes gives a pod the pull secrets of its account only if the pod names none.
#[tokio::test]
#[ignore = "needs a node"]
async fn a_run_keeps_the_pull_secrets_limits_and_labels_of_its_team() {
    let install = Install::new("added").await;
    install.with_experiment(&well(vec![echo()], vec![echo()]).to_string()).await;
    let limits = json!({"type": "Container", "min": {"cpu": "100m", "memory": "64Mi"},
        "max": {"cpu": "500m", "memory": "256Mi"}, "maxLimitRequestRatio": {"cpu": "4"}});
    limit_containers(&install, limits).await;
    let accounts = Api::<ServiceAccount>::namespaced(install.client.clone(), &install.run_namespace);
    create(&accounts, json!({"metadata": {"name": "team"}, "imagePullSecrets": [{"name": "of-the-team"}]}))
        .await;
    let _operator = Operator::start_with(&install, &["--runner-pull-secret", "of-the-operator"]).await;
    let own = json!({"cpu": "200m", "memory": "256Mi"});
    let spec = json!({"serviceaccount": {"name": "team"}, "pod": {
        "labels": {"tier": "mine"}, "annotations": {"sidecar.example/inject": "false"},
        "resources": {"requests": own, "limits": own}}});
    apply_tracked(&install, "exp", spec.clone()).await;
    let mut bare = spec;
    bare["report"] = json!({"mode": "none"});
    apply_tracked(&install, "bare", bare).await;

    let pod = pod_after(&install, "exp", Outcome::Passed).await;
    assert_eq!(pull_secrets(&pod), ["of-the-team", "of-the-operator"]);
    assert_eq!(tracked(&pod), Vec::<&str>::new());
    assert_eq!((pod.labels()["team"].as_str(), pod.labels()["tier"].as_str()), ("payments", "mine"));
    assert_eq!(pod.annotations()["sidecar.example/inject"], "false");
    assert_eq!(pod.annotations()[EVICTABLE], "chaostoolkit-runner", "of ours alone");
    let sidecar = LogParams { container: Some("journal".into()), ..LogParams::default() };
    let log = install.pods().logs(&pod.name_any(), &sidecar).await.unwrap();
    let mut lines = log.lines();
    let first = lines.next().unwrap_or_default();
    assert!(first.contains("journals of the Chaos Toolkit") && first.contains("ConfigMap"), "{first}");
    assert!(lines.next().is_some_and(|line| line.starts_with("chaostoolkit-journal ")), "{log}");

    // Without the runner, the exit code proves nothing.
    let bare = pod_after(&install, "bare", Outcome::Unknown).await;
    assert_eq!(pull_secrets(&bare), ["of-the-team"]);
    assert_eq!(tracked(&bare), Vec::<&str>::new());
    assert_eq!(bare.annotations().get(EVICTABLE), None, "the pod has no volume of ours");
}

/// A tool that finds its label on a Job would prune that Job while its run goes on.
#[tokio::test]
#[ignore = "needs a node"]
async fn the_pods_of_a_schedule_have_the_metadata_of_their_template_and_no_label_of_a_tool() {
    let (install, _operator) = set_up("metadata").await;
    let own = config_map("own", json!({"sleep.json": well(vec![echo()], vec![echo()]).to_string()}));
    create(&install.config_maps(&install.run_namespace), own).await;
    let mut spec = schedule(NEVER, own_pod(&json!({}), &json!({})));
    spec["pod"]["template"]["metadata"] = json!({"name": "own", "labels": {"app": "chaostoolkit", "tier": "mine"},
        "annotations": {"sidecar.example/inject": "false"}});
    apply_tracked(&install, "exp", spec).await;
    wait_for_phase(&install.experiments(), "exp", Phase::Scheduled).await;
    rerun(&install, "1").await;
    let run = recorded(&install, 1, RUN).await.remove(0);
    assert_eq!(run.outcome, Outcome::Passed, "{run:#?}");

    let pod = install.pods().get(&run.run.pod_name).await.unwrap();
    for (label, value) in [("app", "chaostoolkit"), ("tier", "mine"), ("team", "payments")] {
        assert_eq!(pod.labels().get(label).map(String::as_str), Some(value), "{label}");
    }
    assert_eq!(pod.annotations()["sidecar.example/inject"], "false");
    assert_eq!(pod.annotations()[EVICTABLE], "chaostoolkit-runner");
    let cron_jobs = Api::<CronJob>::namespaced(install.client.clone(), &install.run_namespace);
    let jobs = Api::<Job>::namespaced(install.client.clone(), &install.run_namespace);
    let cron_job = cron_jobs.list(&ListParams::default()).await.unwrap().items.remove(0);
    let job = jobs.get(&run.run.job_name.unwrap()).await.unwrap();
    assert_eq!([tracked(&cron_job), tracked(&job), tracked(&pod)], [const { Vec::<&str>::new() }; 3]);
}
