//! `chaostoolkit-operator render` as a process. Needs nothing.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by a panic")]

use std::io::Write;
use std::process::{Command, Output, Stdio};

use chaostoolkit_operator::commands::render::{self, Beside};
use chaostoolkit_operator::yaml;
use rstest::rstest;
use serde_json::{Value, json};

fn render(input: &str, flags: &[&str]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_chaostoolkit-operator"))
        .args(["render", "-f", "-"])
        .args(flags)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn rendered(input: &str, flags: &[&str]) -> Vec<Value> {
    let output = render(input, flags);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    yaml::parse_all(&String::from_utf8(output.stdout).unwrap()).unwrap()
}

/// A run that needs a variable.
fn with_variable() -> Value {
    let configuration = json!({"token": {"type": "env", "key": "TOKEN"}});
    let experiment = json!({"title": "t", "description": "d", "method": [], "configuration": configuration});
    json!({"kind": "ChaosToolkitExperiment", "metadata": {"name": "exp"}, "spec": {"preflight": "Fail", "experiment": experiment}})
}

#[rstest]
#[case::nobody_has_looked(&[], json!(null), false)]
#[case::there_is_none(&[("chaostoolkit-run".to_owned(), "chaostoolkit-env".to_owned())], json!(null), true)]
#[case::lacks_it(&[], json!({"OTHER": "1"}), true)]
#[case::gives_it(&[], json!({"TOKEN": "1"}), false)]
fn what_is_not_known_of_the_cluster_is_not_found(
    #[case] absent: &[(String, String)],
    #[case] variables: Value,
    #[case] is_found: bool,
) {
    let metadata = json!({"name": "chaostoolkit-env", "namespace": "chaostoolkit-run"});
    let map = json!({"kind": "ConfigMap", "metadata": metadata, "data": variables});
    let mut documents = vec![with_variable()];
    documents.extend((!variables.is_null()).then_some(map));
    let made = render::rendered(&documents, Beside { absent, ..Beside::default() }).unwrap().remove(0);
    assert_eq!(made.refusal.is_some(), is_found, "{:?}", made.refusal);
    assert_eq!(made.warnings.iter().any(|warning| warning.contains("TOKEN")), is_found);
    assert!(made.needed.1.contains("chaostoolkit-env"), "{:?}", made.needed);
}

const EXPERIMENT: &str =
    "{apiVersion: chaostoolkit.org/v1, kind: ChaosToolkitExperiment, metadata: {name: exp}}";

#[test]
fn objects_come_in_the_order_of_their_creation_and_the_uid_is_zeros() {
    let objects = rendered(EXPERIMENT, &[]);
    let kinds: Vec<&str> = objects.iter().filter_map(|object| object["kind"].as_str()).collect();
    assert_eq!(kinds, ["Namespace", "ServiceAccount", "Role", "RoleBinding", "ConfigMap", "Pod"]);
    assert_eq!(objects[5]["metadata"]["name"], "chaostoolkit-13303f6e53");
}

#[test]
fn config_maps_in_the_file_exist_as_those_on_the_command_line_do() {
    let given = "{kind: ConfigMap, metadata: {name: chaostoolkit-env, namespace: chaostoolkit-run}}";
    let kinds = |objects: &[Value]| objects.iter().filter(|object| object["kind"] == "ConfigMap").count();
    assert_eq!(kinds(&rendered(EXPERIMENT, &["--have", "configmap/chaostoolkit-env"])), 0);
    assert_eq!(kinds(&rendered(&format!("{given}\n---\n{EXPERIMENT}"), &[])), 0);
}

#[test]
fn a_schedule_without_a_value_is_that_of_an_edited_template() {
    let scheduled =
        "{kind: ChaosToolkitExperiment, metadata: {name: exp}, spec: {schedule: {kind: cronJob}}}";
    for (cron, is_taken) in [("0 3 * * *", true), ("* * * * *", false)] {
        let text = format!("{{kind: CronJob, metadata: {{name: mine}}, spec: {{schedule: \"{cron}\"}}}}");
        let templates = serde_json::json!({"chaostoolkit-cronjob.yaml": text}).to_string();
        let rendered = chaostoolkit_operator::commands::render::render(scheduled, Some(&templates), &[]);
        assert_eq!(rendered.is_ok(), is_taken, "{rendered:?}");
        if is_taken {
            assert_eq!(rendered.unwrap().last().unwrap()["spec"]["schedule"], cron);
        }
    }
}

const GENERATED: &str =
    "{kind: ChaosToolkitExperiment, metadata: {name: exp}, spec: {role: {generate: true}}}";

#[test]
fn generated_roles_come_from_the_experiment_in_the_file() {
    let map = r#"
kind: ConfigMap
metadata: {name: chaostoolkit-experiment, namespace: chaostoolkit-run}
data:
  experiment.json: |
    {"method": [{"type": "action", "name": "a", "provider": {"type": "python", "module": "chaosk8s.pod.actions",
      "func": "terminate_pods", "arguments": {"ns": "shop"}}}]}
"#;
    let objects = rendered(&format!("{GENERATED}\n---{map}"), &[]);
    let of = |kind: &str| objects.iter().filter(|object| object["kind"] == kind).cloned().collect::<Vec<_>>();
    let (roles, bindings) = (of("Role"), of("RoleBinding"));
    assert_eq!((roles.len(), bindings.len()), (1, 1));
    assert_eq!(roles[0]["metadata"]["namespace"], "shop");
    assert_eq!(
        roles[0]["rules"],
        serde_json::json!([{"apiGroups": [""], "resources": ["pods"], "verbs": ["delete", "list"]}])
    );
    assert_eq!(bindings[0]["metadata"]["namespace"], "shop");
    assert_eq!(bindings[0]["roleRef"]["name"], roles[0]["metadata"]["name"]);
}

#[rstest]
#[case("", "no document of kind ChaosToolkitExperiment")]
#[case(
    GENERATED,
    "the file has no ConfigMap chaostoolkit-run/chaostoolkit-experiment with the key experiment.json"
)]
#[case("a: [", "not YAML")]
#[case(
    "{kind: ChaosToolkitExperiment, metadata: {name: exp}, spec: {namespace: kube-system}}",
    "spec.namespace"
)]
#[case(
    "{kind: ChaosToolkitExperiment, metadata: {name: exp}, spec: {schedule: {kind: cronJob}}}",
    "spec.schedule.value"
)]
#[case(
    "{kind: ChaosToolkitExperiment, metadata: {name: exp}, spec: {pod: {template: hello}}}",
    "spec.pod.template"
)]
#[case("{kind: ChaosToolkitExperiment, metadata: {name: exp}, spec: {pod: {image: 5}}}", "spec.pod.image")]
fn an_invalid_experiment_is_exit_code_1_and_the_reason(#[case] input: &str, #[case] reason: &str) {
    let output = render(input, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains(reason), "{text}");
}
