use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;

use super::*;

#[rstest]
#[case(None)]
#[case(Some(json!(null)))]
#[case(Some(json!({})))]
#[case(Some(json!({"pod": null, "namespace": null})))]
fn absent_and_empty_are_the_same(#[case] raw: Option<Value>) {
    let parsed = ChaosToolkitExperimentSpec::parse(raw.as_ref()).unwrap();
    assert_eq!(parsed.spec, ChaosToolkitExperimentSpec::default());
    assert_eq!(parsed.unknown, Vec::<String>::new());
}

#[rstest]
#[case(json!({"namespace": 5}), "spec.namespace")]
#[case(json!({"namespace": ["a"]}), "spec.namespace")]
#[case(json!({"pod": "x"}), "spec.pod")]
#[case(json!({"pod": {"env": {"configMapName": {}}}}), "spec.pod.env.configMapName")]
#[case(json!({"pod": {"chaosArgs": ["run", []]}}), "spec.pod.chaosArgs")]
#[case(json!({"pod": {"image": 3}}), "spec.pod.image")]
#[case(json!({"pod": {"env": ["x"]}}), "spec.pod.env")]
#[case(json!({"schedule": {"suspend": "x"}}), "spec.schedule.suspend")]
#[case(json!({"schedule": {"stopAfter": {"failed": -0.5}}}), "spec.schedule.stopAfter.failed")]
#[case(json!({"calendar": {"windows": {}}}), "spec.calendar.windows")]
#[case(json!({"calendar": {"windows": [{"from": "09:00", "to": "17:00"}, {"from": 900, "to": "17:00"}]}}), "spec.calendar.windows[1].from")]
#[case(json!({"calendar": {"windows": [{"from": "09:00"}]}}), "spec.calendar.windows[0]")]
#[case(json!({"calendar": {"windows": [{"days": "Mon", "from": "09:00", "to": "17:00"}]}}), "spec.calendar.windows[0].days")]
#[case(json!({"calendar": {"exclude": [{"to": "2026-12-24"}]}}), "spec.calendar.exclude[0]")]
#[case(json!({"calendar": {"holidays": [{"configMapName": "a"}]}}), "spec.calendar.holidays[0]")]
#[case(json!([]), "spec")]
#[case(json!("hello"), "spec")]
fn a_wrong_type_is_named_by_its_path(#[case] raw: Value, #[case] path: &str) {
    assert_eq!(ChaosToolkitExperimentSpec::parse(Some(&raw)).unwrap_err().path, path);
}

#[test]
fn all_wrong_fields_are_named_at_once() {
    let raw = json!({"namespace": 5, "verbose": true, "pod": {"image": 3, "chaosArgs": ["run", []], "env": {"configMapName": {}}},
        "schedule": {"suspend": "x", "value": "* * * * *"}});
    let parsed = ChaosToolkitExperimentSpec::read(Some(&raw));
    let invalid = parsed.mistakes.none().unwrap_err();
    let paths: Vec<&str> = invalid.all().map(|one| one.path.as_str()).collect();
    let expected = [
        "spec.namespace",
        "spec.pod.chaosArgs",
        "spec.pod.env.configMapName",
        "spec.pod.image",
        "spec.schedule.suspend",
    ];
    assert_eq!(paths, expected);
    assert!(invalid.to_string().contains("; spec.pod.image: "), "{invalid}");
    assert_eq!(parsed.spec.verbose, Some(true), "the rest is read");
    assert_eq!(parsed.spec.schedule.unwrap().value.as_deref(), Some("* * * * *"));
}

#[test]
fn a_message_names_few_mistakes_and_each_once() {
    let mut mistakes = Mistakes::default();
    for number in (0..15).chain(0..15) {
        mistakes.add(InvalidSpec::new(format!("spec.f{number}"), "is wrong"));
    }
    mistakes.add(InvalidSpec::forbidden("spec.namespace", "is forbidden"));
    let invalid = mistakes.none().unwrap_err();
    assert!(invalid.to_string().ends_with("; spec.f9: is wrong; and 6 more"), "{invalid}");
    assert!(invalid.has_forbidden() && !invalid.is_forbidden);
}

#[test]
fn unknown_fields_are_named_and_do_no_harm() {
    let raw = json!({"namespace": "a", "naemspace": "b", "pod": {"imagee": 1, "env": {"x": {}}}});
    let parsed = ChaosToolkitExperimentSpec::parse(Some(&raw)).unwrap();
    assert_eq!(parsed.spec.namespace.as_deref(), Some("a"));
    assert_eq!(parsed.unknown, ["spec.naemspace", "spec.pod.env.x", "spec.pod.imagee"]);
}

#[test]
fn what_was_cut_off_where_it_arrived_is_too_deep() {
    let raw = json!({"namespace": 7, "pod": {"template": ["\0nested too deeply"]}});
    let error = ChaosToolkitExperimentSpec::parse(Some(&raw)).unwrap_err();
    assert_eq!(error.to_string(), "spec.pod.template[0]: the object is nested deeper than 120 levels");
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    let key = prop_oneof![
        Just("namespace"),
        Just("pod"),
        Just("env"),
        Just("image"),
        Just("chaosArgs"),
        Just("role"),
        Just("generate"),
        Just("settings"),
        Just("experiment"),
        Just("name"),
        Just("enabled"),
        Just("template"),
        Just("other"),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(key.clone().prop_map(str::to_owned), inner, 0..5)
                .prop_map(Value::from_iter),
        ]
    })
}

proptest! {
    #[test]
    fn any_value_gives_a_spec_or_a_path(raw in json_value()) {
        match ChaosToolkitExperimentSpec::parse(Some(&raw)) {
            Ok(parsed) => prop_assert!(parsed.unknown.iter().all(|path| path.starts_with("spec."))),
            Err(invalid) => prop_assert!(invalid.path.starts_with("spec")),
        }
    }
}
