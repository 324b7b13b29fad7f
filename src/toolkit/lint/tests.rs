use std::collections::HashMap;
use std::fs;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use rstest::rstest;
use serde_json::json;

use super::*;
use crate::toolkit::lint::typo::distance;
use crate::toolkit::lint::warnings::{MAX_COMPARED, MAX_WARNINGS};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Returns the warnings for a valid experiment after a change, and asserts that they are the same in JSON and in YAML.
fn changed(change: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut experiment = json!({
        "version": "1.0.0",
        "title": "t",
        "description": "d",
        "tags": ["a"],
        "contributions": {"reliability": "high"},
        "configuration": {"anything": {"type": "env", "key": "K"}},
        "secrets": {"anything": {"at": {"type": "env", "key": "K"}}},
        "controls": [{"name": "c", "provider": {"type": "python", "module": "m"}}],
        "extensions": [{"name": "e", "anything": 1}],
        "runtime": {
            "hypothesis": {"strategy": "default"},
            "rollbacks": {"strategy": "always"},
            "python": {"dependencies": ["d"], "isolated": true, "version": "3.12"}
        },
        "steady-state-hypothesis": {
            "title": "t",
            "controls": [],
            "probes": [{"type": "probe", "name": "p", "tolerance": 200, "provider": {"type": "http", "url": "u"}}]
        },
        "method": [{
            "type": "action",
            "name": "a",
            "background": true,
            "pauses": {"before": 1, "after": 2},
            "provider": {"type": "python", "module": "m", "func": "f", "arguments": {"anything": 1}, "secrets": ["s"]}
        }],
        "rollbacks": [{"ref": "a"}]
    });
    change(&mut experiment);
    let warnings = lint("experiment.json", &experiment.to_string());
    assert_eq!(lint("experiment.yaml", &yaml::write(&experiment)), warnings, "the formats differ");
    warnings
}

fn at<'value>(value: &'value mut Value, pointer: &str) -> &'value mut Value {
    value.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}"))
}

#[test]
fn an_experiment_that_uses_every_known_key_is_fine() {
    assert_eq!(changed(|_| {}), [""; 0]);
}

#[rstest]
#[case("steady - state - hypothesis", Some("steady-state-hypothesis"))]
#[case("steady_state_hypothesis", Some("steady-state-hypothesis"))]
#[case("steadyStateHypothesis", Some("steady-state-hypothesis"))]
#[case("steady-state-hypotesis", Some("steady-state-hypothesis"))]
#[case("steady-state", Some("steady-state-hypothesis"))]
#[case("hypothesis", Some("steady-state-hypothesis"))]
#[case("rollback", Some("rollbacks"))]
#[case("Rollbacks", Some("rollbacks"))]
#[case("tilte", Some("title"))]
#[case("methods", Some("method"))]
#[case("config", Some("configuration"))]
#[case("extension", Some("extensions"))]
#[case("probes", None)]
#[case("e", None)]
#[case("", None)]
#[case("-", None)]
fn an_unknown_key_is_named_with_what_was_meant(#[case] key: &str, #[case] meant: Option<&str>) {
    let hint = meant.map(|meant| format!("; {meant} was probably meant")).unwrap_or_default();
    assert_eq!(
        changed(|experiment| experiment[key] = json!("hunter2")),
        [format!("the key {key:?} at the top level is unknown to the toolkit, which ignores it{hint}")]
    );
}

#[rstest]
#[case("x-anchors", json!({"a": 1}))]
#[case("$schema", json!("https://example.com"))]
#[case("dry", json!(null))]
#[case("dry", json!(false))]
fn some_keys_are_left_alone(#[case] key: &str, #[case] value: Value) {
    assert_eq!(changed(|experiment| experiment[key] = value), [""; 0]);
}

#[rstest]
#[case("", "configuration", "at the top level")]
#[case("", "secrets", "at the top level")]
#[case("", "controls", "at the top level")]
#[case("", "steady-state-hypothesis", "at the top level")]
#[case("", "rollbacks", "at the top level")]
#[case("/runtime", "hypothesis", "of runtime")]
#[case("/runtime", "rollbacks", "of runtime")]
#[case("/steady-state-hypothesis", "probes", "of steady-state-hypothesis")]
fn some_keys_need_a_value(#[case] pointer: &str, #[case] key: &str, #[case] place: &str) {
    assert_eq!(
        changed(|experiment| at(experiment, pointer)[key] = Value::Null),
        [format!("{key} {place} has no value, so the toolkit fails; it may be left out")]
    );
}

#[rstest]
#[case(json!(true))]
#[case(json!("activities"))]
#[case(json!(null))]
fn no_activity_is_dry_by_itself(#[case] dry: Value) {
    assert_eq!(
        changed(|experiment| at(experiment, "/method/0")["dry"] = dry),
        ["dry of method[0] does not make it dry, and keeps the option --dry from doing so"]
    );
}

#[rstest]
#[case("tags")]
#[case("contributions")]
#[case("extensions")]
#[case("runtime")]
fn other_keys_need_no_value(#[case] key: &str) {
    assert_eq!(changed(|experiment| experiment[key] = Value::Null), [""; 0]);
}

#[test]
fn a_dry_run_cannot_be_had_from_the_text() {
    assert_eq!(
        changed(|experiment| experiment["dry"] = json!("activities")),
        ["dry is ignored here, so the run would be real: only the option --dry counts"]
    );
}

#[rstest]
#[case("title", "title is missing or empty, so the toolkit refuses the experiment")]
#[case("description", "description is missing or empty, so the toolkit refuses the experiment")]
#[case("method", "method is missing, so the toolkit refuses the experiment; it may be an empty list")]
fn what_the_toolkit_requires_is_missed(#[case] key: &str, #[case] warning: &str) {
    assert_eq!(changed(|experiment| drop(experiment.as_object_mut().unwrap().remove(key))), [warning]);
    assert_eq!(changed(|experiment| experiment[key] = Value::Null), [warning]);
}

#[test]
fn a_method_may_be_empty() {
    assert_eq!(changed(|experiment| experiment["method"] = json!([])), [""; 0]);
}

#[rstest]
#[case(json!("default"), None)]
#[case(json!("always"), None)]
#[case(json!("never"), None)]
#[case(json!("deviated"), None)]
#[case(json!("Always"), Some("; always was probably meant"))]
#[case(json!("deviate"), Some("; deviated was probably meant"))]
#[case(json!("on-success"), Some(""))]
#[case(json!(true), Some(""))]
#[case(json!(null), Some(""))]
fn rollbacks_have_four_strategies(#[case] strategy: Value, #[case] hint: Option<&str>) {
    let text = "runtime.rollbacks.strategy is not default, always, never or deviated, so the toolkit never runs the \
                rollbacks";
    let expected: Vec<_> = hint.map(|hint| format!("{text}{hint}")).into_iter().collect();
    assert_eq!(changed(|experiment| *at(experiment, "/runtime/rollbacks/strategy") = strategy), expected);
}

#[rstest]
#[case(json!("default"), None)]
#[case(json!("before-method-only"), None)]
#[case(json!("after-method-only"), None)]
#[case(json!("during-method-only"), None)]
#[case(json!("continuously"), None)]
#[case(json!("continously"), None)]
#[case(json!("skip"), None)]
#[case(json!("continuous"), Some("; continuously was probably meant"))]
#[case(json!("before_method_only"), Some("; before-method-only was probably meant"))]
#[case(json!("always"), Some(""))]
#[case(json!(null), Some(""))]
fn hypotheses_have_six_strategies(#[case] strategy: Value, #[case] hint: Option<&str>) {
    let text = "runtime.hypothesis.strategy is not default, before-method-only, after-method-only, \
                during-method-only, continuously or skip, so the toolkit fails";
    let expected: Vec<_> = hint.map(|hint| format!("{text}{hint}")).into_iter().collect();
    assert_eq!(changed(|experiment| *at(experiment, "/runtime/hypothesis/strategy") = strategy), expected);
}

#[rstest]
#[case("/runtime", "rollback", "of runtime", "; rollbacks was probably meant")]
#[case("/runtime", "dry", "of runtime", "")]
#[case("/runtime/rollbacks", "stragety", "of runtime.rollbacks", "; strategy was probably meant")]
#[case("/runtime/hypothesis", "frequency", "of runtime.hypothesis", "")]
#[case("/runtime/python", "packages", "of runtime.python", "")]
#[case("/steady-state-hypothesis", "probe", "of steady-state-hypothesis", "; probes was probably meant")]
#[case("/steady-state-hypothesis", "tolerance", "of steady-state-hypothesis", "")]
#[case("/method/0", "back ground", "of method[0]", "; background was probably meant")]
#[case("/method/0", "pause", "of method[0]", "; pauses was probably meant")]
#[case("/method/0/pauses", "After", "of method[0].pauses", "; after was probably meant")]
#[case("/method/0/provider", "argument", "of method[0].provider", "; arguments was probably meant")]
#[case("/method/0/provider", "secret", "of method[0].provider", "; secrets was probably meant")]
#[case("/rollbacks/0", "Ref", "of rollbacks[0]", "; ref was probably meant")]
#[case(
    "/steady-state-hypothesis/probes/0",
    "tolerence",
    "of steady-state-hypothesis.probes[0]",
    "; tolerance was probably meant"
)]
fn other_keys_are_named_with_their_place(
    #[case] pointer: &str,
    #[case] key: &str,
    #[case] place: &str,
    #[case] hint: &str,
) {
    assert_eq!(
        changed(|experiment| at(experiment, pointer)[key] = json!("hunter2")),
        [format!("the key {key:?} {place} is unknown to the toolkit, which ignores it{hint}")]
    );
}

#[rstest]
#[case("/method/0", "description")]
#[case("/method/0", "time")]
#[case("/method/0", "frequency")]
#[case("/method/0", "config")]
#[case("/method/0/provider", "mode")]
#[case("/method/0/provider", "args")]
#[case("/method/0/provider/arguments", "secret")]
#[case("/controls/0", "nam")]
#[case("/configuration", "titel")]
#[case("/secrets", "titel")]
#[case("/extensions/0", "nam")]
#[case("/contributions", "titel")]
fn keys_that_others_may_read_are_left_alone(#[case] pointer: &str, #[case] key: &str) {
    assert_eq!(changed(|experiment| at(experiment, pointer)[key] = json!(1)), [""; 0]);
}

#[rstest]
#[case(json!({"title": "t"}), &["probes"])]
#[case(json!({"title": "t", "probes": []}), &["probes"])]
#[case(json!({}), &["title", "probes"])]
#[case(json!({"title": "", "probes": [{"ref": "a"}]}), &["title"])]
fn a_hypothesis_has_a_title_and_probes(#[case] hypothesis: Value, #[case] missed: &[&str]) {
    let expected: Vec<_> = missed
        .iter()
        .map(|key| match *key {
            "title" => "steady-state-hypothesis.title is missing or empty, so the toolkit refuses the experiment",
            _ => "steady-state-hypothesis has no probes, so the toolkit checks nothing before or after the method",
        })
        .collect();
    assert_eq!(changed(|experiment| experiment[HYPOTHESIS] = hypothesis), expected);
}

#[rstest]
#[case("e.json", "", r#""e.json" cannot be read as JSON: EOF while parsing a value at line 1 column 0"#)]
#[case("e.json", "{\n\"hunter2\",}", r#""e.json" cannot be read as JSON: expected `:` at line 2 column 10"#)]
#[case("e.json", "\u{feff}{}", r#""e.json" cannot be read as JSON: expected value at line 1 column 1"#)]
#[case("e.json", "[]", r#""e.json" is no mapping at its top level, so the toolkit fails"#)]
#[case("e.json", "null", r#""e.json" is no mapping at its top level, so the toolkit fails"#)]
#[case("e.yaml", "", r#""e.yaml" is no mapping at its top level, so the toolkit fails"#)]
#[case("e.yml", "hunter2", r#""e.yml" is no mapping at its top level, so the toolkit fails"#)]
#[case(
    "e.yml",
    "a: b: hunter2",
    r#""e.yml" cannot be read as YAML: mapping values are not allowed in this context at line 1 column 5"#
)]
#[case(
    "e.yaml",
    "a: !!int hunt\"er2",
    r#""e.yaml" cannot be read as YAML: "…" is not an integer of 64 bits at line 1 column 10"#
)]
#[case(
    "e.yaml",
    "a: !hunter2 b",
    r#""e.yaml" cannot be read as YAML: the tag "…" is not supported here at line 1 column 13"#
)]
#[case(
    "e.yaml",
    "a: [- b]",
    r#""e.yaml" cannot be read as YAML: "-" is only valid inside a block at line 1 column 5"#
)]
#[case("e.toml", "", r#""e.toml" does not end in .json, .yaml or .yml, so the toolkit refuses it"#)]
#[case("e.JSON", "{}", r#""e.JSON" does not end in .json, .yaml or .yml, so the toolkit refuses it"#)]
#[case(".json", "{}", r#"".json" does not end in .json, .yaml or .yml, so the toolkit refuses it"#)]
#[case("json", "{}", r#""json" does not end in .json, .yaml or .yml, so the toolkit refuses it"#)]
fn what_is_no_experiment_gets_one_warning(#[case] file: &str, #[case] text: &str, #[case] warning: &str) {
    assert_eq!(lint(file, text), [warning]);
}

#[rstest]
#[case("method", json!(0), true)]
#[case("method", json!(false), true)]
#[case("method", json!({"type": "regex", "pattern": "hunter2"}), true)]
#[case("rollbacks", json!(200), true)]
#[case("method", json!(null), false)]
fn a_tolerance_outside_the_hypothesis_decides_nothing(
    #[case] place: &str,
    #[case] tolerance: Value,
    #[case] is_told: bool,
) {
    let warnings = changed(|experiment| {
        let probe = json!({"type": "probe", "name": "p", "tolerance": tolerance, "provider": {"type": "http", "url": "u"}});
        experiment[place].as_array_mut().unwrap().push(probe);
    });
    let text = format!(
        "tolerance of {place}[1] decides nothing: only probes of steady-state-hypothesis decide the outcome"
    );
    assert_eq!(warnings, if is_told { vec![text] } else { Vec::new() });
}

#[test]
fn an_authors_words_are_short_and_on_one_line() {
    let warnings = changed(|experiment| experiment[format!("a\n\u{202e}{}", "b".repeat(100))] = json!(1));
    let key = format!("\"a\\n\\u{{202e}}{}\"…", "b".repeat(61));
    assert_eq!(
        warnings,
        [format!("the key {key} at the top level is unknown to the toolkit, which ignores it")]
    );
}

#[test]
fn the_last_warning_says_how_many_there_are_besides() {
    let warnings = changed(|experiment| {
        for index in 0..30 {
            experiment[format!("key{index}")] = json!(1);
        }
    });
    assert_eq!(warnings.len(), MAX_WARNINGS);
    assert_eq!(warnings[MAX_WARNINGS - 1], "there are 21 more warnings");
}

#[test]
fn only_so_many_keys_are_compared() {
    let change = |count| {
        move |experiment: &mut Value| {
            for index in 0..count {
                at(experiment, "/method/0")[format!("{index}")] = json!(1);
            }
            at(experiment, "/rollbacks/0")["Ref"] = json!(1);
        }
    };
    assert_eq!(changed(change(MAX_COMPARED - 1)).len(), 1);
    assert_eq!(changed(change(MAX_COMPARED)).len(), 0);
}

#[test]
fn experiments_of_real_journals_are_fine() {
    let mut seen = 0;
    for entry in fs::read_dir(format!("{ROOT}/tests/journals")).unwrap() {
        let path = entry.unwrap().path();
        let run: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        if let Some(experiment) = run.pointer("/journal/experiment") {
            assert_eq!(lint("experiment.json", &experiment.to_string()), [""; 0], "{}", path.display());
            seen += 1;
        }
    }
    assert!(seen >= 60, "{seen} experiments");
}

#[test]
fn experiments_of_the_examples_are_fine() {
    let mut seen = 0;
    let directories = ["", "/ecosystem"].map(|name| fs::read_dir(format!("{ROOT}/examples{name}")).unwrap());
    for entry in directories.into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        for object in yaml::parse_all(&fs::read_to_string(&path).unwrap()).unwrap() {
            let data = object.get("data").and_then(Value::as_object);
            let files = data.into_iter().flatten().filter(|(file, _)| file.starts_with("experiment"));
            for (file, text) in files {
                assert_eq!(lint(file, text.as_str().unwrap()), [""; 0], "{}", path.display());
                seen += 1;
            }
        }
    }
    assert!(seen >= 5, "{seen} experiments");
}

/// A word that is in every value and in no key.
const SECRET: &str = "hunter2";

fn key() -> impl Strategy<Value = String> {
    let known = [EXPERIMENT, STEADY_STATE, RUNTIME, STRATEGY, ACTIVITY, PROVIDER, PAUSES].concat();
    let known = select(known).prop_map(str::to_owned);
    prop_oneof![4 => known, 1 => "\\PC{0,80}", 1 => any::<String>()]
}

fn value() -> impl Strategy<Value = Value> {
    let secret = any::<String>().prop_map(|text| json!(format!("{text}{SECRET}")));
    let leaf = prop_oneof![secret, Just(Value::Null), any::<bool>().prop_map(Value::from)];
    let object = |entries: HashMap<String, Value>| Value::Object(entries.into_iter().collect());
    leaf.prop_recursive(5, 80, 8, move |inner| {
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            3 => prop::collection::hash_map(key(), inner, 0..12).prop_map(object),
        ]
    })
}

/// Keys in which one wrong letter counts as a typo. In shorter keys, it does not.
fn long_keys() -> Vec<&'static str> {
    EXPERIMENT.iter().copied().filter(|key| key.len() >= 4).collect()
}

fn assert_limits(warnings: &[String]) {
    assert!(warnings.len() <= MAX_WARNINGS, "{warnings:?}");
    for warning in warnings {
        assert!(warning.chars().count() <= 1000, "{warning}");
        assert!(!warning.contains(char::is_control) && !warning.contains(SECRET), "{warning:?}");
    }
}

proptest! {
    #[test]
    fn whatever_is_read_the_limits_hold(
        file in "(\\PC{0,80})?(\\.json|\\.yaml|\\.yml)?",
        text in any::<String>(),
    ) {
        assert_limits(&lint(&file, &text));
    }

    #[test]
    fn whatever_an_experiment_holds_the_limits_hold_and_no_value_is_told(value in value(), cut in any::<Index>()) {
        let (json, yaml) = (value.to_string(), yaml::write(&value));
        let whole = lint("experiment.json", &json);
        assert_limits(&whole);
        assert_limits(&lint("experiment.yaml", &yaml));
        let cuts: Vec<_> = yaml.char_indices().map(|(at, _)| at).chain([yaml.len()]).collect();
        assert_limits(&lint("experiment.yaml", &yaml[..*cut.get(&cuts)]));
    }

    #[test]
    fn a_slip_of_one_letter_is_understood(known in select(long_keys()), at in any::<Index>()) {
        let mut letters: Vec<char> = plain(known).chars().collect();
        letters.remove(at.index(letters.len()));
        let slip: String = letters.into_iter().collect();
        prop_assert_eq!(nearest(&slip, EXPERIMENT), Some(known));
    }

    #[test]
    fn a_distance_is_the_same_from_either_side(left in "[a-d]{0,8}", right in "[a-d]{0,8}") {
        let (left, right): (Vec<_>, Vec<_>) = (left.chars().collect(), right.chars().collect());
        let found = distance(&left, &right);
        prop_assert_eq!(found, distance(&right, &left));
        prop_assert!(found >= left.len().abs_diff(right.len()) && found <= left.len().max(right.len()));
        prop_assert_eq!(found == 0, left == right);
    }
}
