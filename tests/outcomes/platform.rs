//! Runs whose node is lost, and journals that are lost on their way.

use std::time::Duration;

use chaostoolkit_api::condition::Type;
use chaostoolkit_api::{Outcome, Phase};
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::Api;
use kube::api::LogParams;
use serde_json::{Value, json};

use crate::checks::ended;
use crate::common::install::Install;
use crate::common::operator::Operator;
use crate::common::{
    audit, condition_of, config_map, create, delete, edit, kubectl, pod_of, report_container, running,
    set_up, status_of, wait, wait_for_phase, wait_until_gone, within,
};
use crate::experiments::{echo, inline, own_pod, process, well};

/// A node without a kubelet. Only pods that ask for it are put on it.
struct NodeWithoutKubelet(String);

impl NodeWithoutKubelet {
    async fn new(install: &Install) -> Self {
        let name = format!("gone-{}", install.namespace);
        let taint = json!({"key": "tests", "effect": "NoSchedule"});
        let node = json!({"metadata": {"name": name}, "spec": {"unschedulable": true, "taints": [taint]}});
        create(&Api::<Node>::all(install.client.clone()), node).await;
        Self(name)
    }
}

impl Drop for NodeWithoutKubelet {
    fn drop(&mut self) {
        kubectl(&["delete", "node", &self.0, "--ignore-not-found", "--wait=false"], "");
    }
}

/// The node is deleted during the run. The pod garbage collector of Kubernetes looks every 20 seconds, and waits 40
/// seconds before it believes that a node is gone.
#[tokio::test]
#[ignore = "needs a node"]
async fn a_run_whose_node_is_gone_is_an_error_and_never_run_again() {
    let install = Install::new("nodelost").await;
    install.with_experiment("{}").await;
    let slow = well(vec![process("sleep", json!(["600"]))], vec![echo()]).to_string();
    create(&install.config_maps(&install.run_namespace), config_map("own", json!({"sleep.json": slow})))
        .await;
    let node = NodeWithoutKubelet::new(&install).await;
    let _operator = Operator::start(&install).await;
    install.apply_experiment("exp", own_pod(&json!({"nodeName": node.0}), &json!({}))).await;
    let pod = pod_of(&install, "exp").await;
    report_container(&install.pods(), &pod, running()).await;
    wait_for_phase(&install.experiments(), "exp", Phase::Running).await;

    delete(&Api::<Node>::all(install.client.clone()), &node.0).await;
    let ended = ended(&install, "exp", 180).await;
    let found = (ended.phase, ended.outcome, ended.reason.as_deref(), ended.conclusive);
    assert_eq!(
        found,
        (Some(Phase::Failed), Some(Outcome::Error), Some("NodeLost"), Some(false)),
        "{ended:#?}"
    );
    assert_eq!(condition_of(&ended, Type::Finished), "True/NodeLost");
    assert_eq!(condition_of(&ended, Type::Succeeded), "False/NodeLost");
    assert_eq!(condition_of(&ended, Type::RolledBack), "Unknown/NoJournal");
    assert!(ended.message.as_deref().unwrap_or_default().contains(&pod), "{:?}", ended.message);
    let run = ended.run.unwrap();
    assert!(run.started_at.is_some() && run.finished_at.is_some() && run.exit_code.is_none(), "{run:#?}");
    let (_, text) = kubectl(&["-n", &install.namespace, "get", "ctk", "exp", "--output", "wide"], "");
    assert!(["Failed", "Error", "NodeLost"].into_iter().all(|word| text.contains(word)), "{text}");

    // The pod is released, and no later pass creates it again.
    wait_until_gone(&install.pods(), &pod).await;
    edit(&install, "exp", json!({"metadata": {"labels": {"touched": "yes"}}})).await;
    install.apply_experiment("next", json!({"pod": {"chaosArgs": ["run", "/nowhere.json"]}})).await;
    pod_of(&install, "next").await;
    assert_eq!(audit::pods_created_in(&install.run_namespace), 2, "each experiment has one pod");
    let after = status_of(&install, "exp").await;
    assert_eq!(after.reason.as_deref(), Some("NodeLost"));
}

/// Half of the sidecar's log is gone when the operator reads it, as on a full disk. The verdict stands, since it is in
/// the pod's status. The journal is given up, and the status says why.
#[tokio::test]
#[ignore = "needs a node"]
async fn a_log_that_was_cut_short_on_the_node_costs_the_journal_and_not_the_verdict() {
    let (install, operator) = set_up("cutlog").await;
    // Random bytes cannot be compressed, so that the journal takes many lines.
    let noise = process("python3", json!(["-c", "import os; print(os.urandom(60000).hex())"]));
    let slow = process("sleep", json!(["5"]));
    install.apply_experiment("exp", inline(&well(vec![noise, slow], vec![echo()]))).await;
    let pod = pod_of(&install, "exp").await;
    operator.kill();
    let over = within(Duration::from_secs(120), "the run is over", async || {
        let pod = install.pods().get(&pod).await.unwrap();
        (pod.status.as_ref()?.phase.as_deref() == Some("Succeeded")).then_some(pod)
    })
    .await;
    let whole = log_of_sidecar(&install, &pod).await;
    assert!(whole.contains("chaostoolkit-journal-end") && whole.len() > 30_000, "{} bytes", whole.len());
    cut_on_the_node(&install, &over).await;
    let cut = log_of_sidecar(&install, &pod).await;
    assert!(cut.len() < whole.len() && whole.starts_with(cut.trim_end()), "{} bytes", cut.len());

    let _operator = Operator::start(&install).await;
    let first = ended(&install, "exp", 60).await;
    assert_eq!((first.phase, first.outcome), (Some(Phase::Completed), Some(Outcome::Passed)));
    assert_eq!(condition_of(&first, Type::RolledBack), "True/RollbacksPlayed");
    let (sha256, problem) = within(Duration::from_secs(180), "the journal is given up", async || {
        let status = status_of(&install, "exp").await;
        let journal = status.run?.journal?;
        Some((journal.sha256, journal.problem?))
    })
    .await;
    assert!(problem.contains("cut short"), "{problem}");
    assert_eq!(sha256.len(), 64, "the fingerprint is known anyway");
    let last = ended(&install, "exp", 1).await;
    assert_eq!((last.phase, last.outcome), (first.phase, first.outcome));
    // The pod is held until then, and no longer.
    delete(&install.pods(), &pod).await;
    wait_until_gone(&install.pods(), &pod).await;
    assert_eq!(audit::pods_created_in(&install.run_namespace), 2, "the run and the one that cut its log");
}

async fn log_of_sidecar(install: &Install, pod: &str) -> String {
    let parameters = LogParams { container: Some("journal".into()), ..LogParams::default() };
    install.pods().logs(pod, &parameters).await.unwrap()
}

/// Removes the second half of the sidecar's log, with a pod that mounts the kubelet's directory of logs.
async fn cut_on_the_node(install: &Install, pod: &Pod) {
    let of = |field: &Option<String>| field.clone().unwrap();
    let node = of(&pod.spec.as_ref().unwrap().node_name);
    let (_, text) = kubectl(&["get", "--raw", &format!("/api/v1/nodes/{node}/proxy/configz")], "");
    let config: Value = serde_json::from_str(&text).unwrap();
    let (namespace, name, uid) = (of(&pod.metadata.namespace), of(&pod.metadata.name), of(&pod.metadata.uid));
    let log = format!("/logs/{namespace}_{name}_{uid}/journal/0.log");
    let program = format!("import os; os.truncate({log:?}, os.stat({log:?}).st_size // 2)");
    let cutter = json!({"metadata": {"name": "cutter"}, "spec": {
        "restartPolicy": "Never", "nodeName": node,
        "volumes": [{"name": "logs", "hostPath": {"path": config["kubeletconfig"]["podLogsDir"]}}],
        "containers": [{"name": "cutter", "image": "chaostoolkit/chaostoolkit", "imagePullPolicy": "IfNotPresent",
            "command": ["python3", "-c", program], "securityContext": {"runAsUser": 0},
            "volumeMounts": [{"name": "logs", "mountPath": "/logs"}]}]}});
    create(&install.pods(), cutter).await;
    wait(&install.pods(), "cutter", "done", |pod: Option<&Pod>| {
        pod.and_then(|pod| pod.status.as_ref()?.phase.as_deref()) == Some("Succeeded")
    })
    .await;
}
