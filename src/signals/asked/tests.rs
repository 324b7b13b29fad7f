use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::signals::expect::ExpectedSample;
use crate::signals::signal::{Asks, Question};
use chaostoolkit_api::spec::{GateOnError, OnClosed, StopOnError};

fn read(spec: &Value) -> Spec {
    Spec::parse(Some(spec)).unwrap().spec
}

fn gate(fields: &Value) -> Result<Gate, InvalidSpec> {
    let mut gate = json!({"name": "a"});
    gate.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    gates(&read(&json!({"gates": [gate]})), "run").map(|mut gates| gates.remove(0))
}

fn query() -> Value {
    json!({"source": "prom", "query": "up", "expect": "> 0"})
}

#[test]
fn the_example_of_the_documents_is_valid() {
    let document = include_str!("../../../docs/scheduling.md").split("## Gates\n").nth(1).unwrap();
    let example = document.split("```").nth(1).unwrap().strip_prefix("yaml\n").unwrap();
    let experiment = crate::yaml::parse(example).unwrap();
    let parsed = Spec::parse(Some(&experiment["spec"])).unwrap();
    assert_eq!(parsed.unknown, Vec::<String>::new());
    assert_eq!(
        (gates(&parsed.spec, "run").unwrap().len(), stop_conditions(&parsed.spec, "run").unwrap().len()),
        (2, 1)
    );
}

#[test]
fn a_gate_has_its_defaults() {
    let gate = gate(&json!({"prometheus": query()})).unwrap();
    assert_eq!((gate.on_closed, gate.on_error), (OnClosed::Wait, GateOnError::Closed));
    assert_eq!(gate.timeout, Some(Duration::from_secs(3600)));
    let Signal::Source(Question { source, asks: Asks::Prometheus { query, expected } }) = gate.signal else {
        panic!("{:?}", gate.signal)
    };
    assert_eq!((source.as_str(), query.as_str()), ("prom", "up"));
    assert!(matches!(expected, ExpectedSample::Compared(..)));
}

#[test]
fn what_an_author_writes_takes_the_place_of_the_defaults() {
    let gate =
        gate(&json!({"prometheus": query(), "onClosed": "Skip", "onError": "Open", "timeoutSeconds": 0}))
            .unwrap();
    assert_eq!((gate.on_closed, gate.on_error, gate.timeout), (OnClosed::Skip, GateOnError::Open, None));
}

#[test]
fn a_stop_condition_has_its_defaults() {
    let spec = read(&json!({"stopConditions": [
        {"name": "a", "prometheus": query()},
        {"name": "b", "prometheus": query(), "intervalSeconds": 5, "failureThreshold": 3, "onError": "Stop"},
    ]}));
    let conditions = stop_conditions(&spec, "run").unwrap();
    let found: Vec<(u64, u32, StopOnError)> =
        conditions.iter().map(|one| (one.interval.as_secs(), one.failure_threshold, one.on_error)).collect();
    assert_eq!(found, [(10, 1, StopOnError::Ignore), (5, 3, StopOnError::Stop)]);
}

#[test]
fn the_block_of_a_signal_means_the_same_in_both() {
    for block in [
        json!({"prometheus": query()}),
        json!({"alertmanager": {"source": "alerts", "matchers": ["severity=\"critical\""]}}),
        json!({"http": {"source": "shop", "path": "/health", "expect": 200}}),
        json!({"resource": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "condition": "Available"}}),
    ] {
        let mut entry = json!({"name": "a"});
        entry.as_object_mut().unwrap().extend(block.as_object().unwrap().clone());
        let spec = read(&json!({"gates": [entry], "stopConditions": [entry]}));
        let (gates, conditions) = (gates(&spec, "run").unwrap(), stop_conditions(&spec, "run").unwrap());
        assert_eq!(gates[0].signal, conditions[0].signal, "{block}");
    }
}

#[rstest]
#[case(json!({"apiVersion": "v1", "kind": "Node", "name": "n", "condition": "Ready"}), ("", "v1", "Ready", "True"))]
#[case(json!({"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "run", "name": "n", "condition": "Progressing = False"}), ("apps", "v1", "Progressing", "False"))]
#[case(json!({"apiVersion": "a.b/v1beta1", "kind": "K", "namespace": "", "name": "n", "condition": "a.b/c=Unknown"}), ("a.b", "v1beta1", "a.b/c", "Unknown"))]
fn a_resource_is_one_object(#[case] resource: Value, #[case] expected: (&str, &str, &str, &str)) {
    let Signal::Resource(found) = gate(&json!({"resource": resource})).unwrap().signal else { panic!() };
    assert_eq!((&*found.group, &*found.version, &*found.condition, &*found.status), expected);
}

#[test]
fn an_experiment_has_passed_by_default() {
    let results = |experiment: Value| match gate(&json!({"experiment": experiment})).unwrap().signal {
        Signal::Experiment(expected) => expected.results,
        other => panic!("{other:?}"),
    };
    assert_eq!(results(json!({"name": "b"})), [chaostoolkit_api::status::RunResult::Passed]);
    assert_eq!(results(json!({"name": "b", "outcome": ["Deviated", "Error"]})).len(), 2);
    let spec = read(
        &json!({"gates": [{"name": "x", "experiment": {"name": "b"}}, {"name": "y", "prometheus": query()}]}),
    );
    assert_eq!(waits_for(&spec), BTreeSet::from(["b".to_owned()]));
}

#[rstest]
#[case(json!({}), "spec.gates[0]: has none of")]
#[case(json!({"prometheus": query(), "experiment": {"name": "b"}}), "spec.gates[0]: has 2 of")]
#[case(json!({"timeoutSeconds": -1, "prometheus": query()}), "spec.gates[0].timeoutSeconds: is -1; it must be at least 0")]
#[case(json!({"prometheus": {"source": "p?x", "query": "up", "expect": "> 0"}}), "spec.gates[0].prometheus.source: \"p?x\"")]
#[case(json!({"prometheus": {"source": "p", "query": " ", "expect": "> 0"}}), "spec.gates[0].prometheus.query: is empty")]
#[case(json!({"prometheus": {"source": "p", "query": "x".repeat(4097), "expect": "> 0"}}), "spec.gates[0].prometheus.query: has 4097 bytes")]
#[case(json!({"prometheus": {"source": "p", "query": "up", "expect": "0"}}), "spec.gates[0].prometheus.expect: \"0\" is no expectation")]
#[case(json!({"alertmanager": {"source": "a", "matchers": []}}), "spec.gates[0].alertmanager.matchers: is empty")]
#[case(json!({"alertmanager": {"source": "a", "matchers": vec!["a=\"b\""; 17]}}), "spec.gates[0].alertmanager.matchers: has 17 matchers")]
#[case(json!({"alertmanager": {"source": "a", "matchers": ["a=\"b\"", "a"]}}), "spec.gates[0].alertmanager.matchers[1]: \"a\" is no matcher")]
#[case(json!({"http": {"source": "h", "path": "//evil", "expect": "200"}}), "spec.gates[0].http.path: \"//evil\" has two slashes")]
#[case(json!({"http": {"source": "h", "path": "/", "expect": "ok"}}), "spec.gates[0].http.expect: \"ok\" is no expectation")]
#[case(json!({"resource": {"apiVersion": "apps/v1/x", "kind": "D", "name": "n", "condition": "C"}}), "spec.gates[0].resource.apiVersion: \"apps/v1\"")]
#[case(json!({"resource": {"apiVersion": "/v1", "kind": "D", "name": "n", "condition": "C"}}), "spec.gates[0].resource.apiVersion: ")]
#[case(json!({"resource": {"apiVersion": "", "kind": "D", "name": "n", "condition": "C"}}), "spec.gates[0].resource.apiVersion: ")]
#[case(json!({"resource": {"apiVersion": "v1", "kind": "", "name": "n", "condition": "C"}}), "spec.gates[0].resource.kind: ")]
#[case(json!({"resource": {"apiVersion": "v1", "kind": "D", "name": "n/status", "condition": "C"}}), "spec.gates[0].resource.name: \"n/status\"")]
#[case(json!({"resource": {"apiVersion": "v1", "kind": "D", "name": "n", "namespace": "kube-system", "condition": "C"}}), "spec.gates[0].resource.namespace: \"kube-system\" is not the namespace of the run, run")]
#[case(json!({"resource": {"apiVersion": "v1", "kind": "D", "name": "n", "condition": "C="}}), "spec.gates[0].resource.condition: \"\"")]
#[case(json!({"experiment": {"name": "A"}}), "spec.gates[0].experiment.name: \"A\"")]
#[case(json!({"experiment": {"name": "a", "outcome": []}}), "spec.gates[0].experiment.outcome: is empty")]
fn a_mistake_has_the_path_of_its_field(#[case] fields: Value, #[case] expected: &str) {
    let error = gate(&fields).unwrap_err().to_string();
    assert!(error.starts_with(expected), "{error}");
}

#[rstest]
#[case(json!([{"name": "A", "prometheus": query()}]), "spec.stopConditions[0].name: \"A\"")]
#[case(json!([{"name": "a", "prometheus": query()}, {"name": "a", "prometheus": query()}]), "spec.stopConditions[1].name: \"a\" is the name of another one")]
#[case(json!([{"name": "a", "intervalSeconds": 4, "prometheus": query()}]), "spec.stopConditions[0].intervalSeconds: is 4; it must be from 5 to 3600")]
#[case(json!([{"name": "a", "failureThreshold": 0, "prometheus": query()}]), "spec.stopConditions[0].failureThreshold: is 0; it must be from 1 to 100")]
#[case(json!([{"name": "a", "experiment": {"name": "b"}}]), "spec.stopConditions[0]: has none of prometheus, alertmanager, http and resource")]
#[case(Value::Array((0..17).map(|at| json!({"name": format!("a{at}"), "prometheus": query()})).collect()), "spec.stopConditions: has 17 entries")]
fn a_mistake_of_a_stop_condition_has_the_path_of_its_field(#[case] list: Value, #[case] expected: &str) {
    let error = stop_conditions(&read(&json!({"stopConditions": list})), "run").unwrap_err().to_string();
    assert!(error.starts_with(expected), "{error}");
}

#[test]
fn all_mistakes_are_named_at_once() {
    let spec = read(&json!({"gates": [
        {"name": "a", "prometheus": {"source": "P", "query": "", "expect": "1"}, "timeoutSeconds": -1},
        {"name": "a"},
    ]}));
    let invalid = gates(&spec, "run").unwrap_err();
    let paths: Vec<&str> = invalid.all().map(|one| one.path.as_str()).collect();
    let expected = [
        "spec.gates[0].timeoutSeconds",
        "spec.gates[0].prometheus.source",
        "spec.gates[0].prometheus.query",
        "spec.gates[0].prometheus.expect",
        "spec.gates[1].name",
        "spec.gates[1]",
    ];
    assert_eq!(paths, expected);
}

#[rstest]
#[case(json!({"gates": [{"name": "a", "http": {"source": "h", "path": "/"}}]}), "spec.gates[0].http")]
#[case(json!({"gates": [{"name": "a", "onClosed": "wait"}]}), "spec.gates[0].onClosed")]
#[case(json!({"gates": [{"name": "a", "experiment": {"name": "b", "outcome": ["passed"]}}]}), "spec.gates[0].experiment.outcome[0]")]
#[case(json!({"gates": {"name": "a"}}), "spec.gates")]
#[case(json!({"stopConditions": [{"name": 5}]}), "spec.stopConditions[0].name")]
#[case(json!({"stopConditions": [{"name": "a", "http": {"source": "h", "path": "/", "expect": true}}]}), "spec.stopConditions[0].http.expect")]
fn a_wrong_type_is_named_by_its_path(#[case] spec: Value, #[case] path: &str) {
    assert_eq!(Spec::parse(Some(&spec)).unwrap_err().path, path);
}

#[test]
fn unknown_fields_are_named() {
    let spec = json!({"gates": [{"name": "a", "prometeus": {}, "prometheus": {"source": "p", "query": "up", "expect": "> 0", "expects": 1}}]});
    let unknown = Spec::parse(Some(&spec)).unwrap().unknown;
    assert_eq!(unknown, ["spec.gates[0].prometeus", "spec.gates[0].prometheus.expects"]);
}

proptest! {
    #[test]
    fn any_texts_give_gates_or_errors_of_bounded_length(text in "\\PC{0,600}", other in "\\PC{0,60}|[a-z/%.=~\"]{0,9}") {
        let spec = Spec::parse(Some(&json!({"gates": [
            {"name": text, "prometheus": {"source": text, "query": text, "expect": other}},
            {"name": other, "alertmanager": {"source": other, "matchers": [text, other]}},
            {"name": "c", "http": {"source": text, "path": other, "expect": text}},
            {"name": "d", "resource": {"apiVersion": other, "kind": text, "namespace": text, "name": other, "condition": other}},
            {"name": "e", "experiment": {"name": text}},
        ]})));
        if let Err(invalid) = gates(&spec.unwrap().spec, "run") {
            let text = invalid.to_string();
            prop_assert!(text.len() < 12_000 && !text.contains(char::is_control), "{}", text);
            prop_assert!(invalid.all().all(|one| one.path.starts_with("spec.gates")));
        }
    }
}
