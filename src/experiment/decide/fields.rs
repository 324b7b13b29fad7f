//! Fields of a spec that do not do what their author means: pure.

use std::sync::LazyLock;

use serde_json::Value;

use crate::experiment::decide::plan::is_empty;
use crate::toolkit::lint::{is_experiment_key, meant, plain};
use chaostoolkit_api::spec::{InvalidSpec, Mistakes};

/// The keys of an experiment that decide on what runs. Under `spec` they have no effect, so something else would run.
const OF_THE_EXPERIMENT: [&str; 8] = [
    "title",
    "method",
    "steady-state-hypothesis",
    "rollbacks",
    "configuration",
    "secrets",
    "controls",
    "runtime",
];

/// The maximum number of unknown fields that a message names.
const MAX_NAMED: usize = 20;

/// The maximum number of characters of the path of an unknown field in a message.
const MAX_SHOWN: usize = 128;

/// The schema of the spec.
static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    let crd = serde_json::to_value(chaostoolkit_api::crd()).unwrap_or_default();
    crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"].clone()
});

/// Finds the keys of an experiment that stand straight under `spec`.
#[must_use]
pub fn misplaced(spec: Option<&Value>) -> Mistakes {
    let mut mistakes = Mistakes::default();
    let known = known(&[]);
    for (key, value) in spec.and_then(Value::as_object).into_iter().flatten() {
        let is_misplaced = OF_THE_EXPERIMENT.iter().any(|wanted| plain(wanted) == plain(key));
        if is_misplaced && !value.is_null() && !known.contains(&key.as_str()) {
            let problem =
                "belongs under spec.experiment, which holds the experiment itself; it would not run here";
            mistakes.add(InvalidSpec::new(format!("spec.{key}"), problem));
        }
    }
    mistakes
}

/// Describes unknown fields by their paths, with the fields that were probably meant.
#[must_use]
pub fn described(unknown: &[String]) -> Vec<String> {
    let mut described: Vec<String> = unknown.iter().take(MAX_NAMED).map(|path| describe(path)).collect();
    if unknown.len() > MAX_NAMED {
        described.push(format!("and {} more", unknown.len() - MAX_NAMED));
    }
    described
}

fn describe(path: &str) -> String {
    let mut parents: Vec<&str> = path.split('.').skip(1).collect();
    let key = parents.pop().unwrap_or_default();
    let shown: String = path.chars().take(MAX_SHOWN).collect();
    match meant(key, &known(&parents)) {
        Some(meant) => format!("{shown} ({meant} was probably meant)"),
        None if parents.is_empty() && is_experiment_key(key) => {
            format!("{shown} (it belongs under spec.experiment)")
        }
        None => shown,
    }
}

/// Describes the fields that have no effect beside `pod.template`.
#[must_use]
pub fn without_effect(spec: Option<&Value>) -> Vec<String> {
    let pod = spec.and_then(|spec| spec["pod"].as_object());
    let Some(pod) = pod.filter(|pod| pod.get("template").is_some_and(|template| !is_empty(template))) else {
        return Vec::new();
    };
    let known = known(&["pod"]);
    let is_given = |key: &str, value: &Value| key != "template" && known.contains(&key) && !value.is_null();
    let fields =
        pod.iter().filter(|(key, value)| is_given(key, value)).map(|(key, _)| format!("spec.pod.{key}"));
    let is_verbose = spec.is_some_and(|spec| spec["verbose"] == true);
    let fields: Vec<String> = fields.chain(is_verbose.then(|| "spec.verbose".to_owned())).collect();
    let verb = if fields.len() == 1 { "has" } else { "have" };
    let all = (!fields.is_empty())
        .then(|| format!("{} {verb} no effect, since spec.pod.template is the whole pod", fields.join(", ")));
    all.into_iter().collect()
}

/// Returns the known fields of the mapping at a path below `spec`.
fn known(parents: &[&str]) -> Vec<&'static str> {
    let schema: &'static Value = &SCHEMA;
    let mapping = parents.iter().fold(schema, |schema, parent| &schema["properties"][*parent]);
    mapping["properties"].as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case("spec.naemspace", "spec.naemspace (namespace was probably meant)")]
    #[case("spec.pod.imagee", "spec.pod.imagee (image was probably meant)")]
    #[case("spec.pod.env.configmapname", "spec.pod.env.configmapname (configMapName was probably meant)")]
    #[case("spec.serviceAccount", "spec.serviceAccount (serviceaccount was probably meant)")]
    #[case(
        "spec.keepResourcesOnDelete",
        "spec.keepResourcesOnDelete (keep_resources_on_delete was probably meant)"
    )]
    #[case("spec.description", "spec.description (it belongs under spec.experiment)")]
    #[case("spec.flavour", "spec.flavour")]
    #[case("spec.pod.nothing.like.it", "spec.pod.nothing.like.it")]
    fn a_misspelt_field_has_a_hint(#[case] path: &str, #[case] described: &str) {
        assert_eq!(super::described(&[path.to_owned()]), [described]);
    }

    #[test]
    fn a_message_names_few_unknown_fields_and_none_at_length() {
        let unknown: Vec<String> =
            (0..30).map(|number| format!("spec.{number}{}", "x".repeat(1000))).collect();
        let described = super::described(&unknown);
        assert_eq!(described.len(), 21);
        assert_eq!(described[20], "and 10 more");
        assert!(described.iter().all(|one| one.len() <= MAX_SHOWN));
    }

    #[rstest]
    #[case(json!({"title": "t", "method": [], "description": "d", "namespace": "a"}), &["spec.method", "spec.title"])]
    #[case(json!({"steadyStateHypothesis": {}, "experiment": {}}), &["spec.steadyStateHypothesis"])]
    #[case(json!({"experiment": {"title": "t", "method": []}, "rollbacks": null}), &[])]
    #[case(json!("x"), &[])]
    fn an_experiment_belongs_under_its_own_field(#[case] spec: Value, #[case] paths: &[&str]) {
        let found = misplaced(Some(&spec)).none().err();
        let found = found.iter().flat_map(|first| std::iter::once(first).chain(&first.more));
        assert_eq!(found.map(|one| one.path.as_str()).collect::<Vec<_>>(), paths);
    }

    #[rstest]
    #[case(json!({"pod": {"template": "kind: Pod", "image": "i", "env": null}}), &["spec.pod.image has no effect, since spec.pod.template is the whole pod"])]
    #[case(json!({"verbose": true, "pod": {"template": {"spec": {}}, "chaosArgs": [], "other": 1}}), &["spec.pod.chaosArgs, spec.verbose have no effect, since spec.pod.template is the whole pod"])]
    #[case(json!({"verbose": false, "pod": {"template": {"spec": {}}}}), &[])]
    #[case(json!({"verbose": true, "pod": {"template": "", "image": "i"}}), &[])]
    fn what_has_no_effect_is_named(#[case] spec: Value, #[case] expected: &[&str]) {
        assert_eq!(without_effect(Some(&spec)), expected);
    }
}
