//! The recipes for extensions of the toolkit: that each does what docs/recipes.md says, with the versions that it names.

use std::time::Duration;

use chaostoolkit_api::condition::Type;
use chaostoolkit_api::{Outcome, Status};
use chaostoolkit_journal::frame;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::LogParams;
use serde_json::{Value, json};

use crate::common::{condition_of, eventually, kubectl, status, within};
use crate::{Example, LIMIT};

const RECIPES: &str = include_str!("../../docs/recipes.md");
const PACKAGES: &str = include_str!("../../examples/ecosystem/image/requirements.txt");

#[test]
fn the_recipes_name_the_versions_of_the_image_that_was_run() {
    for line in PACKAGES.lines() {
        let (package, version) = line.split_once("==").unwrap();
        assert!(RECIPES.contains(&format!("| {package} | {version} |")), "{line}");
    }
}

/// A recipe that was applied, with the pod that it needs beside the run.
struct Recipe(Example);

impl Recipe {
    async fn new(name: &str) -> Self {
        let example = Example::new(&format!("ecosystem/{name}")).await;
        Self(example)
    }

    /// Starts the pod beside the run, as the comment of the example says. The clusters of the tests have no names. The address
    /// of the pod stands in for the name of its Service, since a new Service takes a while to be known on a busy node.
    async fn beside(mut self, helper: &str) -> Self {
        Example::apply(&self.0.text, &[&format!("--selector=app={helper}")]);
        let runs = &self.0.install.run_namespace;
        let pod = format!("pod/{helper}");
        let ready = ["wait", "--for=condition=Ready", &pod, "--timeout=180s", "-n", runs];
        let (ready, text) = kubectl(&ready, "");
        assert!(ready, "{text}");
        let pod = self.0.install.pods().get(helper).await.unwrap();
        let address = pod.status.unwrap().pod_ip.unwrap();
        self.0.text = self.0.text.replace(&format!("http://{helper}:"), &format!("http://{address}:"));
        self
    }

    /// Applies the rest, and waits for the end of the run. Returns its status and its log.
    async fn run(&self) -> (Status, String) {
        Example::apply(&self.0.text, &[]);
        let name = &self.0.names()[0];
        let ended = async || {
            let status = status(Some(&self.0.experiment(name).await));
            Some(status).filter(Status::is_finished)
        };
        let status = within(LIMIT, &format!("{name} ends"), ended).await;
        let pod = status.run.clone().unwrap().pod_name;
        let log = self.0.install.pods().logs(&pod, &LogParams::default()).await.unwrap();
        assert!(!log.contains("ERROR"), "{log}");
        (status, log)
    }

    async fn journal(&self) -> Value {
        let name = &self.0.names()[0];
        let kept = within(Duration::from_secs(60), "the journal is kept", async || {
            status(Some(&self.0.experiment(name).await)).run?.journal?.config_map
        })
        .await;
        let maps = Api::<ConfigMap>::namespaced(self.0.install.client.clone(), &self.0.install.namespace);
        let map = maps.get(&kept).await.unwrap();
        let gzip = &map.binary_data.as_ref().unwrap()["journal.json.gz"].0;
        serde_json::from_slice(&frame::unzip(gzip, 1 << 20).unwrap()).unwrap()
    }

    /// Waits until the log of a pod has a line with all of these. Returns that line.
    async fn line_of(&self, pod: &str, wanted: &[&str]) -> String {
        eventually(&format!("{pod} has received {wanted:?}"), async || {
            let log = self.0.install.pods().logs(pod, &LogParams::default()).await.ok()?;
            log.lines().find(|line| wanted.iter().all(|part| line.contains(part))).map(str::to_owned)
        })
        .await
    }
}

#[tokio::test]
#[ignore = "needs a node"]
async fn a_safeguard_ends_the_run_and_the_rollbacks_are_played() {
    let recipe = Recipe::new("safeguards").await;
    let (status, log) = recipe.run().await;
    assert_eq!(status.outcome, Some(Outcome::Interrupted), "{status:?} {log}");
    assert_eq!(condition_of(&status, Type::RolledBack), "True/RollbacksPlayed");
    assert!(log.contains("Safeguard 'no-alarm-meanwhile' triggered the end of the experiment"), "{log}");
    assert!(log.contains("Rollback: stop-the-alarm") && !log.contains("Action: never-reached"), "{log}");
    assert_eq!(recipe.journal().await["status"], "interrupted");
}

#[tokio::test]
#[ignore = "needs a node"]
async fn controls_repeat_an_activity_and_leave_out_another() {
    let recipe = Recipe::new("repeat-and-bypass").await;
    let (status, log) = recipe.run().await;
    assert_eq!(status.outcome, Some(Outcome::Passed), "{status:?} {log}");
    assert_eq!(log.matches("Action: say-hello").count(), 3, "{log}");
    let journal = recipe.journal().await;
    let bypassed: Vec<&Value> = journal["run"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|run| run["activity"]["name"] == "say-goodbye")
        .collect();
    // `false` fails, so it did not run.
    assert_eq!((bypassed.len(), &bypassed[0]["status"]), (1, &json!("succeeded")), "{journal:#}");
}

#[tokio::test]
#[ignore = "needs a node"]
async fn a_hypothesis_asks_prometheus_and_the_answer_is_in_the_journal() {
    let recipe = Recipe::new("prometheus").await.beside("prometheus").await;
    let (status, log) = recipe.run().await;
    assert_eq!((status.outcome, status.conclusive), (Some(Outcome::Passed), Some(true)), "{status:?} {log}");
    let journal = recipe.journal().await;
    for when in ["before", "after"] {
        let output = &journal["steady_states"][when]["probes"][0]["output"];
        assert_eq!(output["status"], "success", "{when}: {output:#}");
        assert_eq!(output["data"]["result"][0]["value"][1], "1", "{when}: {output:#}");
    }
    let targets = &journal["run"][0]["output"]["data"]["result"];
    assert_eq!(targets[0]["metric"]["job"], "itself", "Prometheus has measured something: {targets:#}");
}

#[tokio::test]
#[ignore = "needs a node"]
async fn a_webhook_gets_the_events_of_the_toolkit_and_the_messages_of_the_experiment() {
    let recipe = Recipe::new("webhook").await.beside("webhook-receiver").await;
    let (status, log) = recipe.run().await;
    assert_eq!(status.outcome, Some(Outcome::Passed), "{status:?} {log}");
    for text in ["The experiment begins", "The experiment is over"] {
        let line = recipe.line_of("webhook-receiver", &["/slack", text]).await;
        let message: Value = serde_json::from_str(line.strip_prefix("/slack ").unwrap()).unwrap();
        assert_eq!(message, json!({"text": text}), "Slack takes nothing else");
    }
    recipe.line_of("webhook-receiver", &["/notifications", r#""name": "run-started""#]).await;
    let line = recipe.line_of("webhook-receiver", &["/notifications", r#""name": "run-completed""#]).await;
    let event: Value = serde_json::from_str(line.strip_prefix("/notifications ").unwrap()).unwrap();
    assert_eq!(event["payload"]["status"], "completed", "the event has the journal: {event:#}");
    assert!(!line.contains("webhook-receiver:8080/slack") && !log.contains("/slack"), "{line} {log}");
}

#[tokio::test]
#[ignore = "needs a node"]
async fn a_collector_gets_a_span_for_each_part_of_the_run() {
    let recipe = Recipe::new("tracing").await.beside("tracing-receiver").await;
    let (status, log) = recipe.run().await;
    assert_eq!(status.outcome, Some(Outcome::Passed), "{status:?} {log}");
    assert!(log.contains("Open Telemetry tracer created"), "{log}");
    for span in ["activity: say-hello", "activity: greeting", "chaostoolkit.experiment.status"] {
        recipe.line_of("tracing-receiver", &["/v1/traces", span]).await;
    }
}
