use std::collections::BTreeSet;

use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::toolkit::rights::Namespace;

fn texts(all: &[&str]) -> BTreeSet<String> {
    all.iter().map(|text| (*text).to_owned()).collect()
}

fn python(module: &str, func: &str, arguments: Value) -> Value {
    json!({"type": "action", "name": "a", "provider": {"type": "python", "module": module, "func": func, "arguments": arguments}})
}

fn told(experiment: &Value, known: &Known<'_>) -> Vec<String> {
    findings(experiment, known).list.iter().map(ToString::to_string).collect()
}

#[rstest]
#[case::spelled(json!({"steady-state-hypothesis": {}, "method": [], "rollbacks": []}), None)]
#[case::typo(json!({"steady-state-hypotesis": {}}), Some("steady-state-hypothesis"))]
#[case::underscores(json!({"steady_state_hypothesis": {}}), Some("steady-state-hypothesis"))]
#[case::spaces(json!({"steady - state - hypothesis": {}}), Some("steady-state-hypothesis"))]
#[case::singular(json!({"rollback": []}), Some("rollbacks"))]
#[case::plural(json!({"methods": []}), Some("method"))]
#[case::case(json!({"Method": []}), Some("method"))]
#[case::what_decides_nothing(json!({"tag": []}), None)]
#[case::other(json!({"x-team": 1, "owner": 2}), None)]
fn a_misspelled_key_that_decides_is_found(#[case] experiment: Value, #[case] meant: Option<&str>) {
    let found = findings(&experiment, &Known::default());
    let expected: Vec<String> = meant.into_iter().map(|meant| format!("; write {meant}")).collect();
    assert_eq!(found.list.len(), expected.len(), "{found:?}");
    for (finding, end) in found.list.iter().zip(expected) {
        assert!(finding.kind == Kind::KeyMisspelled && finding.message.ends_with(&end), "{finding}");
    }
    assert!(found.warnings().is_empty(), "the check of the keys says so already");
    assert_eq!(found.refusal().is_some(), meant.is_some());
}

#[rstest]
#[case::there("chaosk8s.pod.actions", false)]
#[case::missing("chaosaws.ec2.actions", true)]
#[case::begins_alike("chaosk8s_wsc.pod", true)]
#[case::of_python("os.path", false)]
#[case::of_the_toolkit("chaoslib.tests", false)]
#[case::of_the_author("actions.mine", false)]
#[case::none("", false)]
fn an_extension_that_the_image_is_known_not_to_have_is_found(#[case] module: &str, #[case] is_found: bool) {
    let packages = texts(&["chaosk8s"]);
    let known = Known { image: "shop/chaos:1", packages: Some(&packages), ..Known::default() };
    let experiment = json!({"method": [python(module, "f", json!({}))]});
    let found = findings(&experiment, &known);
    assert_eq!(found.refusal().is_some(), is_found);
    if let [finding] = &found.list[..] {
        let message = finding.to_string();
        assert!(message.starts_with("method[0].provider.module: the image \"shop/chaos:1\" has no package"));
    }
    assert_eq!(told(&experiment, &Known { packages: None, ..known }), Vec::<String>::new(), "nobody knows");
}

#[test]
fn modules_are_found_wherever_the_toolkit_calls_them() {
    let call = || python("chaosaws.a", "f", json!({}));
    let mut probe = call();
    probe["tolerance"] = call();
    let experiment = json!({
        "configuration": {"c": {"type": "probe", "provider": call()["provider"]}},
        "steady-state-hypothesis": {"probes": [probe]},
        "method": [{"provider": {"type": "process", "path": "x", "module": "chaosaws"}}],
        "rollbacks": [call()],
    });
    let packages = BTreeSet::new();
    let found = findings(&experiment, &Known { packages: Some(&packages), ..Known::default() });
    let paths: Vec<&str> = found.list.iter().map(|finding| finding.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "steady-state-hypothesis.probes[0].provider.module",
            "steady-state-hypothesis.probes[0].tolerance.provider.module",
            "rollbacks[0].provider.module",
            "configuration.c.provider.module",
        ]
    );
}

#[rstest]
#[case("chaosaws.ec2.actions", true)]
#[case("chaosaws", true)]
#[case("chaosaws.rds", false)]
#[case("chaosaw", false)]
fn what_the_last_run_did_not_find_is_a_warning_and_no_refusal(
    #[case] not_found: &str,
    #[case] is_found: bool,
) {
    let experiment = json!({"method": [python("chaosaws.ec2.actions", "f", json!({}))]});
    let found = findings(&experiment, &Known { not_found: Some(not_found), ..Known::default() });
    assert_eq!((found.warnings().len(), found.refusal()), (usize::from(is_found), None));
    // What an administrator says of the image counts more.
    let packages = texts(&["chaosaws"]);
    let known = Known { not_found: Some(not_found), packages: Some(&packages), ..Known::default() };
    assert_eq!(findings(&experiment, &known), Findings::default());
}

#[rstest]
#[case::missing(json!({"type": "env", "key": "TOKEN"}), true)]
#[case::given(json!({"type": "env", "key": "GIVEN"}), false)]
#[case::default(json!({"type": "env", "key": "TOKEN", "default": ""}), false)]
#[case::no_default(json!({"type": "env", "key": "TOKEN", "default": null}), true)]
#[case::of_every_pod(json!({"type": "env", "key": "HOSTNAME"}), false)]
#[case::of_the_cluster(json!({"type": "env", "key": "KUBERNETES_SERVICE_HOST"}), false)]
#[case::of_a_service(json!({"type": "env", "key": "SHOP_PORT_80_TCP_ADDR"}), false)]
#[case::literal(json!("TOKEN"), false)]
#[case::vault(json!({"type": "vault", "key": "TOKEN"}), false)]
#[case::no_key(json!({"type": "env"}), false)]
fn a_variable_that_nothing_gives_is_found(#[case] entry: Value, #[case] is_found: bool) {
    let experiment =
        json!({"configuration": {"token": entry}, "secrets": {"shop": {"token": entry}, "odd": entry}});
    let known = Known { variables: Some(texts(&["GIVEN"])), ..Known::default() };
    let found = findings(&experiment, &known);
    let paths: Vec<&str> = found.list.iter().map(|finding| finding.path.as_str()).collect();
    let expected: &[&str] = if is_found { &["configuration.token", "secrets.shop.token"] } else { &[] };
    assert_eq!(paths, expected);
    assert_eq!(findings(&experiment, &Known::default()), Findings::default(), "nobody knows");
    assert_eq!(asked(&experiment).contains("TOKEN"), is_found);
}

#[test]
fn a_right_that_the_account_lacks_is_found_at_its_activity() {
    let experiment = json!({"method": [
        python("chaosk8s.pod.actions", "terminate_pods", json!({"ns": "shop"})),
        python("chaosk8s.deployment.actions", "scale_deployment", json!({"name": "web", "ns": "shop"})),
        python("chaosk8s.pod.actions", "terminate_pods", json!({"ns": "other"})),
        python("chaosk8s.pod.actions", "terminate_pods", json!({"ns": "${unknown}"})),
    ]});
    let needed = needed(&experiment, false);
    assert_eq!(needed.len(), 5, "{needed:?}");
    let is_lacking = |verb: &str, namespace: &Namespace| {
        verb != "list" && *namespace == Namespace::Known("shop".to_owned())
    };
    let lacking = needed.into_iter().filter(|(namespace, grant)| is_lacking(grant.verb, namespace)).collect();
    let found = told(&experiment, &Known { lacking, ..Known::default() });
    let remedy = "spec.role.generate or spec.role.rules gives it the right";
    assert_eq!(
        found,
        [
            format!(
                "method[0].provider.func: the account of the run may not delete pods in namespace shop; {remedy}"
            ),
            format!(
                "method[1].provider.func: the account of the run may not patch deployments.apps web in namespace shop; {remedy}"
            ),
        ]
    );
    assert_eq!(told(&experiment, &Known::default()), Vec::<String>::new());
}

#[test]
fn rights_in_the_whole_cluster_are_lacking_if_the_account_has_none_there() {
    let experiment = json!({"rollbacks": [python("chaosk8s.node.actions", "uncordon_node", json!({}))]});
    let found = findings(&experiment, &Known { is_bounded: true, ..Known::default() });
    assert_eq!(found.list.len(), 1, "{found:?}");
    assert_eq!(found.list[0].path, "rollbacks[0].provider.func");
    assert_eq!(findings(&experiment, &Known::default()), Findings::default());
}

#[test]
fn findings_are_counted_beyond_the_limit() {
    let method: Vec<Value> = (0..15).map(|_| python("chaosaws", "f", json!({}))).collect();
    let packages = BTreeSet::new();
    let found =
        findings(&json!({"method": method}), &Known { packages: Some(&packages), ..Known::default() });
    assert_eq!((found.list.len(), found.left_out), (MOST, 5));
    assert_eq!(found.warnings().last().unwrap(), "preflight: and 5 more");
    assert!(found.refusal().unwrap().ends_with("; and 5 more"));
}

fn value() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        prop::sample::select(vec![
            "python",
            "env",
            "chaosk8s.pod.actions",
            "terminate_pods",
            "chaosaws",
            "TOKEN"
        ])
        .prop_map(str::to_owned),
        ".{0,300}",
    ];
    let leaf = prop_oneof![Just(Value::Null), any::<i64>().prop_map(Value::from), word.prop_map(Value::from)];
    let key = prop_oneof![
        prop::sample::select(vec![
            "method",
            "rollbacks",
            "configuration",
            "secrets",
            "provider",
            "type",
            "module",
            "func",
            "arguments",
            "ns",
            "key",
            "default",
            "tolerance",
            "steady_state_hypothesis",
        ])
        .prop_map(str::to_owned),
        ".{0,300}",
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..15).prop_map(Value::from),
            prop::collection::hash_map(key.clone(), inner, 0..6).prop_map(Value::from_iter),
        ]
    })
}

proptest! {
    #[test]
    fn any_experiment_has_few_short_findings_on_one_line(experiment in value()) {
        let packages = BTreeSet::new();
        let known = Known {
            image: "an image",
            packages: Some(&packages),
            variables: Some(BTreeSet::new()),
            lacking: needed(&experiment, false),
            is_bounded: true,
            ..Known::default()
        };
        let found = findings(&experiment, &known);
        prop_assert!(found.list.len() <= MOST);
        for finding in &found.list {
            let text = finding.to_string();
            prop_assert!(text.chars().count() < 1200 && !text.contains(char::is_control), "{text:?}");
        }
    }
}
