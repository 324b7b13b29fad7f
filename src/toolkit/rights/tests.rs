use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;

/// An activity of chaosk8s.
fn activity(module: &str, func: &str, arguments: Value) -> Value {
    json!({"type": "action", "name": func, "provider": {"type": "python", "module": module, "func": func, "arguments": arguments}})
}

fn scale(arguments: Value) -> Value {
    activity("chaosk8s.deployment.actions", "scale_deployment", arguments)
}

/// The rights in short: `namespace: verb group/resource name`.
fn short(rights: &Rights) -> Vec<String> {
    let of_need = |need: &Need| {
        let namespace = match &need.namespace {
            Namespace::Known(name) => name.clone(),
            Namespace::Unknown(_) => "?".to_owned(),
        };
        let grant = |Grant { group, resource, verb, object }: &Grant| {
            format!("{namespace}: {verb} {group}/{resource} {}", object.as_deref().unwrap_or("*"))
        };
        need.grants.iter().map(grant).collect::<Vec<_>>()
    };
    rights.needs.iter().flat_map(of_need).collect()
}

#[test]
fn activities_count_wherever_the_toolkit_takes_them_from() {
    let count =
        |ns: &str| activity("chaosk8s.pod.probes", "count_pods", json!({"label_selector": "a=b", "ns": ns}));
    let mut probe = count("hypothesis");
    probe["tolerance"] = count("tolerance");
    probe["tolerance"]["type"] = json!("probe");
    let mut dynamic = count("configuration");
    dynamic["type"] = json!("probe");
    let experiment = json!({
        "configuration": {"pods": dynamic, "ns": {"type": "env", "key": "NS"}},
        "steady-state-hypothesis": {"title": "t", "probes": [probe]},
        "method": [count("method"), {"ref": "count_pods"}],
        "rollbacks": [count("rollbacks")],
    });
    let rights = of(&experiment, false);
    assert_eq!(rights.problems, Vec::<String>::new());
    let paths: Vec<(&str, &Namespace)> =
        rights.needs.iter().map(|need| (need.path.as_str(), &need.namespace)).collect();
    let known = |name: &str| Namespace::Known(name.to_owned());
    assert_eq!(
        paths,
        [
            ("steady-state-hypothesis.probes[0].provider.arguments.ns", &known("hypothesis")),
            ("steady-state-hypothesis.probes[0].tolerance.provider.arguments.ns", &known("tolerance")),
            ("method[0].provider.arguments.ns", &known("method")),
            ("rollbacks[0].provider.arguments.ns", &known("rollbacks")),
            ("configuration.pods.provider.arguments.ns", &known("configuration")),
        ]
    );
}

#[rstest]
#[case::by_name(json!({"name": "a", "ns": "shop"}), &["shop: patch apps/deployments a"])]
#[case::default_namespace(json!({"name": "a"}), &["default: patch apps/deployments a"])]
#[case::name_of_a_variable(json!({"name": "${known}", "ns": "shop"}), &["shop: patch apps/deployments value"])]
#[case::unknown_name(json!({"name": "${other}", "ns": "shop"}), &["shop: patch apps/deployments *"])]
#[case::unknown_namespace(json!({"name": "a", "ns": "${other}"}), &["?: patch apps/deployments a"])]
#[case::no_name(json!({"ns": "shop"}), &[])]
#[case::impossible_name(json!({"name": "a/b", "ns": "shop"}), &[])]
fn names_and_namespaces_come_from_the_arguments(#[case] arguments: Value, #[case] expected: &[&str]) {
    let experiment = json!({"configuration": {"known": "value"}, "method": [scale(arguments)]});
    assert_eq!(short(&of(&experiment, false)), expected);
}

#[rstest]
#[case(json!({"name": "a"}), &["shop: list apps/deployments *", "shop: delete apps/deployments a"])]
#[case(json!({"name": null}), &["shop: list apps/deployments *", "shop: delete apps/deployments *"])]
#[case(json!({"label_selector": "a=b"}), &["shop: list apps/deployments *", "shop: delete apps/deployments *"])]
fn an_optional_name_narrows_what_is_deleted_and_not_what_is_listed(
    #[case] mut arguments: Value,
    #[case] expected: &[&str],
) {
    arguments["ns"] = json!("shop");
    let experiment =
        json!({"method": [activity("chaosk8s.deployment.actions", "delete_deployment", arguments)]});
    let mut found = short(&of(&experiment, false));
    found.sort_by_key(|right| !right.contains("list"));
    assert_eq!(found, expected);
}

#[rstest]
#[case::kind(json!({"group": "example.com", "version": "v1", "plural": "widgets", "name": "a", "ns": "shop"}), &["shop: delete example.com/widgets a"])]
#[case::all_groups(json!({"group": "*", "version": "v1", "plural": "widgets", "name": "a", "ns": "shop"}), &[])]
#[case::all_kinds(json!({"group": "example.com", "version": "v1", "plural": "*", "name": "a", "ns": "shop"}), &[])]
#[case::subresource(json!({"group": "example.com", "version": "v1", "plural": "widgets/status", "name": "a", "ns": "shop"}), &[])]
#[case::unknown(json!({"group": "${group}", "version": "v1", "plural": "widgets", "name": "a", "ns": "shop"}), &[])]
#[case::none(json!({"version": "v1", "plural": "widgets", "name": "a", "ns": "shop"}), &[])]
fn a_kind_of_the_arguments_is_one_kind(#[case] arguments: Value, #[case] expected: &[&str]) {
    let experiment = json!({"method": [activity("chaosk8s.crd.actions", "delete_custom_object", arguments)]});
    let rights = of(&experiment, false);
    assert_eq!(short(&rights), expected);
    assert_eq!(rights.problems.is_empty(), !expected.is_empty(), "{:?}", rights.problems);
}

#[rstest]
#[case("apiVersion: example.com/v1\nkind: Policy\nmetadata: {namespace: shop}", &["shop: create example.com/policies *"])]
#[case("{apiVersion: example.com/v1, kind: Widget}", &["default: create example.com/widgets *"])]
#[case("{apiVersion: example.com/v1, kind: Widget, metadata: {namespace: [a]}}", &["?: create example.com/widgets *"])]
#[case("{apiVersion: v1, kind: Pod}", &[])]
#[case("{apiVersion: '*/v1', kind: '*'}", &[])]
#[case("a: [", &[])]
#[case("${object}", &[])]
fn an_object_in_a_text_tells_its_kind(#[case] resource: &str, #[case] expected: &[&str]) {
    let experiment = json!({"method": [activity("chaosk8s.crd.actions", "apply_from_yaml", json!({"resource": resource}))]});
    assert_eq!(short(&of(&experiment, false)), expected);
}

#[rstest]
#[case::unknown(activity("chaosk8s.pod.actions", "explode", json!({})), "method[0].provider.func: \"pod.actions.explode\" of chaosk8s is not known")]
#[case::of_the_package(activity("chaosk8s", "discover", json!({})), "method[0].provider.func: \"discover\" of chaosk8s is not known")]
#[case::nodes(activity("chaosk8s.node.actions", "drain_nodes", json!({})), "method[0].provider.func: node.actions.drain_nodes of chaosk8s needs rights in the whole cluster, which no Role can give")]
#[case::namespace(scale(json!({"name": "a", "ns": "${x}"})), "method[0].provider.arguments.ns: the namespace cannot be derived, since it has a variable whose value is not in the experiment")]
#[case::null(scale(json!({"name": "a", "ns": null})), "method[0].provider.arguments.ns: the namespace cannot be derived, since it has no value")]
#[case::no_mapping(scale(json!("${all}")), "method[0].provider.arguments.ns: the namespace cannot be derived, since the arguments are not a mapping")]
#[case::name(scale(json!({"ns": "a"})), "method[0].provider.arguments.name: the rights cannot be derived, since it is missing")]
#[case::process(json!({"provider": {"type": "process", "path": "kubectl"}}), "method[0].provider: the rights that kubectl needs cannot be derived")]
#[case::control(json!({"controls": [{"name": "c"}]}), "method[0].controls[0]: the rights that a control needs cannot be derived")]
fn what_cannot_be_derived_is_named(#[case] activity: Value, #[case] expected: &str) {
    assert_eq!(of(&json!({"method": [activity]}), false).problems, [expected]);
}

#[rstest]
#[case(activity("chaosaws.ec2.actions", "stop_instance", json!({})))]
#[case(activity("chaosk8s_wsc.pod.actions", "terminate_pods", json!({})))]
#[case(activity("chaosk8s.pod.probes", "should_be_found_in_logs", json!({"pattern": "a"})))]
#[case(json!({"provider": {"type": "http", "url": "http://shop/"}}))]
#[case(json!({"provider": {"type": "process", "path": "curl"}}))]
fn what_needs_no_rights_gets_none_and_is_not_named(#[case] activity: Value) {
    assert_eq!(of(&json!({"method": [activity]}), false), Rights::default());
}

#[test]
fn controls_are_named_wherever_they_are() {
    let one = json!([{"name": "c"}]);
    let experiment = json!({"controls": [{}, {}], "steady-state-hypothesis": {"controls": one, "probes": [{"controls": one}]}, "rollbacks": [{"controls": one}]});
    let problems = of(&experiment, false).problems;
    let paths: Vec<&str> =
        problems.iter().filter_map(|problem| problem.split_once(':')).map(|(path, _)| path).collect();
    assert_eq!(
        paths,
        [
            "controls[0]",
            "controls[1]",
            "steady-state-hypothesis.controls[0]",
            "steady-state-hypothesis.probes[0].controls[0]",
            "rollbacks[0].controls[0]",
        ]
    );
}

#[test]
fn a_text_that_cannot_be_read_is_named() {
    for (file, text) in [("a.json", "{"), ("a.yaml", "a: ["), ("a.txt", "{}")] {
        let rights = rights(file, text, false);
        assert!(rights.needs.is_empty());
        assert_eq!(rights.problems, ["the experiment cannot be read, so no rights are derived"]);
    }
    assert_eq!(rights("a.json", "[]", false), Rights::default());
}

#[test]
fn rights_and_problems_are_bounded() {
    let many = (0..300).map(|number| scale(json!({"name": format!("d{number}")})));
    // Those that others have as well do not count.
    let many: Vec<Value> = (0..300).map(|_| scale(json!({"name": "d0"}))).chain(many).collect();
    let found = of(&json!({"method": many}), false);
    assert_eq!(short(&found).into_iter().collect::<BTreeSet<_>>().len(), MOST_RIGHTS);
    assert_eq!(found.problems.len(), MOST_PROBLEMS + 1);
    assert_eq!(found.problems[0], "method[556].provider: the experiment needs more than 256 rights");
    assert_eq!(found.problems[MOST_PROBLEMS], "and 34 more");
}

/// Values that look like parts of an experiment.
fn value() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        Just("chaosk8s.pod.actions".to_owned()),
        Just("chaosk8s.crd.actions".to_owned()),
        Just("chaosk8s".to_owned()),
        Just("python".to_owned()),
        Just("process".to_owned()),
        Just("probe".to_owned()),
        Just("${ns}".to_owned()),
        prop::sample::select(functions().filter_map(|name| name.rsplit('.').next()).collect::<Vec<_>>())
            .prop_map(str::to_owned),
        ".{0,80}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        word.prop_map(Value::from),
    ];
    let key = prop_oneof![
        prop::sample::select(vec![
            "method",
            "rollbacks",
            "steady-state-hypothesis",
            "probes",
            "configuration",
            "secrets",
            "controls",
            "provider",
            "type",
            "module",
            "func",
            "arguments",
            "ns",
            "name",
            "group",
            "plural",
            "resource",
            "path",
            "tolerance",
            "ref",
        ])
        .prop_map(str::to_owned),
        ".{0,80}",
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(key.clone(), inner, 0..6).prop_map(Value::from_iter),
        ]
    })
}

proptest! {
    #[test]
    fn any_experiment_has_few_rights_and_few_short_problems(experiment in value(), is_overridden: bool) {
        let rights = of(&experiment, is_overridden);
        prop_assert!(short(&rights).into_iter().collect::<BTreeSet<_>>().len() <= MOST_RIGHTS);
        prop_assert!(rights.problems.len() <= MOST_PROBLEMS + 1);
        for problem in &rights.problems {
            prop_assert!(problem.chars().count() < 400 && !problem.contains(char::is_control), "{problem:?}");
        }
        for rule in rule::rules(rights.needs.iter().flat_map(|need| &need.grants)) {
            prop_assert!(!rule.to_string().contains('*'), "{rule}");
        }
    }
}
