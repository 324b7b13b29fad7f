//! Fields of a spec that do not do what their author means: pure.

use serde_json::Value;

use crate::experiment::decide::known_fields::known;
use crate::experiment::decide::plan::is_empty;
use crate::toolkit::lint::{experiment_keys, is_experiment_key, meant, plain};
use chaostoolkit_api::spec::{InvalidSpec, Mistakes};

/// The keys of an experiment that decide on what runs. Under `spec` they have no effect, so something else would run.
pub const OF_THE_EXPERIMENT: [&str; 8] = [
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

/// The maximum number of unknown fields that an error holds. Its message names fewer.
const MAX_REFUSED: usize = 100;

/// The maximum number of characters of the path of an unknown field in a message.
const MAX_SHOWN: usize = 128;

/// What is wrong with an unknown field where it is refused.
const UNKNOWN: &str = "the operator does not know this field, and refuses it (--unknown-fields refuse)";

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

/// Returns the other keys of an experiment that no field of the spec resembles. They are unknown under `spec`.
#[must_use]
pub fn other_keys_of_the_experiment() -> Vec<&'static str> {
    let fields = known(&[]);
    let is_other = |key: &&str| !OF_THE_EXPERIMENT.contains(key) && meant(key, &fields).is_none();
    experiment_keys().iter().copied().filter(is_other).collect()
}

/// Returns the error for unknown fields where they are refused.
pub fn refused(unknown: &[String]) -> Result<(), InvalidSpec> {
    let mut mistakes = Mistakes::default();
    for path in unknown.iter().take(MAX_REFUSED) {
        let problem = match hint(path) {
            Some(hint) => format!("{UNKNOWN} ({hint})"),
            None => UNKNOWN.to_owned(),
        };
        mistakes.add(InvalidSpec::new(short(path), problem));
    }
    mistakes.none()
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
    match hint(path) {
        Some(hint) => format!("{} ({hint})", short(path)),
        None => short(path),
    }
}

/// The fields of `spec.pod` whose content is as in a pod. What the operator does not know in them goes into the pod.
const AS_IN_A_POD: [&str; 8] = [
    "patch",
    "tolerations",
    "imagePullSecrets",
    "resources",
    "securityContext",
    "volumes",
    "volumeMounts",
    "envFrom",
];

/// Whether an unknown field, as it is described, goes into the pod all the same.
#[must_use]
pub fn is_of_a_pod(described: &str) -> bool {
    let field = described.strip_prefix("spec.pod.").and_then(|rest| rest.split(['.', '[', ' ']).next());
    field.is_some_and(|field| AS_IN_A_POD.contains(&field))
}

fn short(path: &str) -> String {
    path.chars().take(MAX_SHOWN).collect()
}

/// Says what was probably meant by an unknown field.
fn hint(path: &str) -> Option<String> {
    let mut parents: Vec<&str> = path.split('.').skip(1).collect();
    let key = parents.pop().unwrap_or_default();
    match meant(key, &known(&parents)) {
        Some(meant) => Some(format!("{meant} was probably meant")),
        None if parents.is_empty() && is_experiment_key(key) => {
            Some("it belongs under spec.experiment".to_owned())
        }
        None => None,
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

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case("spec.pod.patch.spec.nodeSelektor", true)]
    #[case("spec.pod.tolerations[0].later", true)]
    #[case("spec.pod.resources.later", true)]
    #[case("spec.pod.volumeMount (volumeMounts was probably meant)", false)]
    #[case("spec.pod.files[0].secret.keys (key was probably meant)", false)]
    #[case("spec.patch", false)]
    fn what_a_pod_has_besides_goes_into_it(#[case] path: &str, #[case] expected: bool) {
        assert_eq!(is_of_a_pod(path), expected);
    }

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
    #[case("spec.pod.files[1].configmap", "spec.pod.files[1].configmap (configMap was probably meant)")]
    #[case("spec.pod.files[0].secret.keys", "spec.pod.files[0].secret.keys (key was probably meant)")]
    #[case(
        "spec.pod.experiment.artifact.refrence",
        "spec.pod.experiment.artifact.refrence (reference was probably meant)"
    )]
    #[case(
        "spec.pod.experiment.headers[2].nam",
        "spec.pod.experiment.headers[2].nam (name was probably meant)"
    )]
    #[case("spec.pod.proxy.no_proxy", "spec.pod.proxy.no_proxy (noProxy was probably meant)")]
    #[case("spec.pod.proxy.caBundle.keyy", "spec.pod.proxy.caBundle.keyy (key was probably meant)")]
    #[case("spec.pod.nodeSelectors", "spec.pod.nodeSelectors (nodeSelector was probably meant)")]
    #[case("spec.role.rules[12].verb", "spec.role.rules[12].verb (verbs was probably meant)")]
    #[case("spec.role.clusterrole", "spec.role.clusterrole (clusterRole was probably meant)")]
    #[case("spec.gate", "spec.gate (gates was probably meant)")]
    #[case("spec.gates[0].prometeus", "spec.gates[0].prometeus (prometheus was probably meant)")]
    #[case(
        "spec.gates[3].alertmanager.matcher",
        "spec.gates[3].alertmanager.matcher (matchers was probably meant)"
    )]
    #[case(
        "spec.stopConditions[1].http.expects",
        "spec.stopConditions[1].http.expects (expect was probably meant)"
    )]
    #[case("spec.stopConditions[0].experiment", "spec.stopConditions[0].experiment")]
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

    #[test]
    fn a_refusal_names_the_paths_and_what_was_meant() {
        assert_eq!(refused(&[]), Ok(()));
        let unknown = ["spec.pod.imagee", "spec.flavour"].map(str::to_owned);
        let message = refused(&unknown).unwrap_err().to_string();
        let expected =
            format!("spec.pod.imagee: {UNKNOWN} (image was probably meant); spec.flavour: {UNKNOWN}");
        assert_eq!(message, expected);
        let unknown: Vec<String> = (0..30_000).map(|number| format!("spec.{number}")).collect();
        assert!(refused(&unknown).unwrap_err().to_string().len() < 2000);
    }

    #[rstest]
    #[case(json!({"title": "t", "method": [], "description": "d", "namespace": "a"}), &["spec.method", "spec.title"])]
    #[case(json!({"steadyStateHypothesis": {}, "experiment": {}}), &["spec.steadyStateHypothesis"])]
    #[case(json!({"experiment": {"title": "t", "method": []}, "rollbacks": null}), &[])]
    #[case(json!("x"), &[])]
    fn an_experiment_belongs_under_its_own_field(#[case] spec: Value, #[case] paths: &[&str]) {
        let found = misplaced(Some(&spec)).none().err();
        let found = found.iter().flat_map(InvalidSpec::all);
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
