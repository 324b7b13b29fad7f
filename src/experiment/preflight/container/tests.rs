use super::*;
use crate::cluster::manifest::Manifest;
use rstest::rstest;
use serde_json::json;

/// A run with this container, and with a `ConfigMap` of its own.
fn run(container: Value) -> Resources {
    let of = |kind, value| Manifest::new(kind, value);
    let named = |name: &str| json!({"metadata": {"name": name, "namespace": "n"}});
    let mut own = named("own");
    own["data"] = json!({"OWN": "1"});
    let mut pod = named("p");
    pod["spec"] = json!({"containers": [container]});
    Resources::new(of(Kind::Namespace, named("n")), vec![of(Kind::ConfigMap, own)], of(Kind::Pod, pod))
}

fn maps() -> Maps {
    let keys = |keys: &[&str]| Some(keys.iter().map(|key| (*key).to_owned()).collect());
    Maps::from([("known".to_owned(), keys(&["A", "B"])), ("gone".to_owned(), None)])
}

fn reference(name: &str, key: &str, optional: bool) -> Value {
    json!({"name": "V", "valueFrom": {"configMapKeyRef": {"name": name, "key": key, "optional": optional}}})
}

#[rstest]
#[case::value(json!({"env": [{"name": "V", "value": "1"}]}), Some("V"))]
#[case::of_a_secret(json!({"env": [{"name": "V", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]}), Some("V"))]
#[case::key(json!({"env": [reference("known", "Z", false)]}), Some("V"))]
#[case::optional_key(json!({"env": [reference("known", "A", true)]}), Some("V"))]
#[case::optional_key_that_is_not_there(json!({"env": [reference("known", "Z", true)]}), Some(""))]
#[case::optional_key_of_what_is_not_there(json!({"env": [reference("gone", "A", true)]}), Some(""))]
#[case::optional_key_of_what_is_not_known(json!({"env": [reference("other", "A", true)]}), Some("V"))]
#[case::own(json!({"envFrom": [{"configMapRef": {"name": "own"}}]}), Some("OWN"))]
#[case::known(json!({"envFrom": [{"configMapRef": {"name": "known"}}]}), Some("A B"))]
#[case::prefix(json!({"envFrom": [{"prefix": "X_", "configMapRef": {"name": "known"}}]}), Some("X_A X_B"))]
#[case::gone(json!({"envFrom": [{"configMapRef": {"name": "gone"}}]}), None)]
#[case::may_be_gone(json!({"envFrom": [{"configMapRef": {"name": "gone", "optional": true}}]}), Some(""))]
#[case::not_known(json!({"envFrom": [{"configMapRef": {"name": "other", "optional": true}}]}), None)]
#[case::secret(json!({"envFrom": [{"secretRef": {"name": "s"}}]}), None)]
#[case::odd(json!({"env": [1, {}], "envFrom": [null, {}, {"configMapRef": null}]}), Some(""))]
fn the_variables_are_known_if_all_their_sources_are(
    #[case] container: Value,
    #[case] expected: Option<&str>,
) {
    let found = variables(&run(container), &maps());
    let found = found.map(|found| found.into_iter().collect::<Vec<_>>().join(" "));
    assert_eq!(found.as_deref(), expected);
}

#[test]
fn only_what_decides_on_variables_is_read() {
    let container = json!({
        "envFrom": [{"configMapRef": {"name": "from"}}, {"configMapRef": {"name": "own"}}, {"configMapRef": {"name": "../x"}}],
        "env": [reference("optional", "k", true), reference("has-to-be-there", "k", false)],
    });
    assert_eq!(config_maps(&run(container)).into_iter().collect::<Vec<_>>(), ["from", "optional"]);
}

#[rstest]
#[case(json!({"command": ["chaos"]}), true)]
#[case(json!({"command": ["/chaostoolkit-runner/chaos-runner", "run", "/x", "--", "/home/svc/.venv/bin/chaos"]}), true)]
#[case(json!({"command": ["sh", "-c", "export A=1; chaos run"]}), false)]
#[case(json!({"command": ["with-variables.sh"]}), false)]
#[case(json!({}), false)]
fn only_the_toolkit_itself_is_known(#[case] container: Value, #[case] expected: bool) {
    assert_eq!(runs_chaos(&run(container)), expected);
}

#[rstest]
#[case("known", "A", &[])]
#[case("known", "Z", &["the pod, named by the environment of container \"c\": ConfigMap \"known\" has no key \"Z\""])]
#[case("gone", "A", &["the pod, named by the environment of container \"c\": ConfigMap \"gone\" does not exist"])]
#[case("other", "A", &[])]
fn a_key_that_the_pod_cannot_start_without_is_found(
    #[case] name: &str,
    #[case] key: &str,
    #[case] expected: &[&str],
) {
    let mut found = Findings::default();
    missing_keys(&run(json!({"name": "c", "env": [reference(name, key, false)]})), &maps(), &mut found);
    assert_eq!(found.list.len(), expected.len(), "{found:?}");
    for (finding, beginning) in found.list.iter().zip(expected) {
        assert!(finding.to_string().starts_with(beginning), "{finding}");
    }
}
