//! `spec.targets`: which namespaces a run acts on.

use std::collections::BTreeMap;

use crate::experiment::decide::place::Place;
use crate::experiment::decide::plan::patch::metadata::{annotation_key, well_formed};
use crate::experiment::decide::plan::values::given;
use chaostoolkit_api::Spec;
use chaostoolkit_api::spec::{InvalidSpec, Mistakes};

/// How many labels, and how many annotations, a selector may name.
const MAX_ENTRIES: usize = 16;

/// How many bytes the value of an annotation may have.
const MAX_BYTES: usize = 1024;

const FIELD: &str = "spec.targets";

/// Selects namespaces by their labels and annotations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    /// The labels that a namespace needs, with their values.
    pub labels: BTreeMap<String, String>,
    /// The annotations that a namespace needs, with their values.
    pub annotations: BTreeMap<String, String>,
}

impl Selector {
    /// Returns the labels as the API server takes them. They were checked.
    #[must_use]
    pub fn of_labels(&self) -> String {
        let labels: Vec<String> = self.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        labels.join(",")
    }

    /// Whether a namespace with this metadata is selected.
    #[must_use]
    pub fn selects(
        &self,
        labels: Option<&BTreeMap<String, String>>,
        annotations: Option<&BTreeMap<String, String>>,
    ) -> bool {
        let has = |found: Option<&BTreeMap<String, String>>, wanted: &BTreeMap<String, String>| {
            wanted.iter().all(|(key, value)| found.is_some_and(|found| found.get(key) == Some(value)))
        };
        has(labels, &self.labels) && has(annotations, &self.annotations)
    }

    /// The selector in words.
    #[must_use]
    pub fn words(&self) -> String {
        let words = |what: &str, entries: &BTreeMap<String, String>| {
            let listed: Vec<String> = entries.iter().map(|(key, value)| format!("{key}={value}")).collect();
            (!listed.is_empty()).then(|| format!("the {what} {}", listed.join(", ")))
        };
        let all = [words("labels", &self.labels), words("annotations", &self.annotations)];
        all.into_iter().flatten().collect::<Vec<_>>().join(" and ")
    }
}

/// Returns the selector of a spec, if it has one.
pub fn selector(spec: &Spec, place: Place<'_>) -> Result<Option<Selector>, InvalidSpec> {
    let Some(targets) = &spec.targets else { return Ok(None) };
    let path = format!("{FIELD}.namespaceSelector");
    let mut mistakes = Mistakes::default();
    if place.own_namespace().is_some() {
        let problem = "is only for experiments in the operator's namespace; those outside of it act on their own namespace";
        return Err(InvalidSpec::forbidden(FIELD, problem));
    }
    let chosen = targets.namespace_selector.clone().unwrap_or_default();
    let selector = Selector {
        labels: chosen.match_labels.unwrap_or_default(),
        annotations: chosen.match_annotations.unwrap_or_default(),
    };
    if selector == Selector::default() {
        mistakes.add(InvalidSpec::new(&path, "needs matchLabels or matchAnnotations"));
    }
    for (field, entries) in [("matchLabels", &selector.labels), ("matchAnnotations", &selector.annotations)] {
        if entries.len() > MAX_ENTRIES {
            let problem = format!("has {} entries; at most {MAX_ENTRIES} are possible", entries.len());
            mistakes.add(InvalidSpec::new(format!("{path}.{field}"), problem));
        }
    }
    for (key, value) in selector.labels.iter().take(MAX_ENTRIES) {
        mistakes.or(well_formed(&format!("{path}.matchLabels"), key, Some(value)), ());
    }
    for (key, value) in selector.annotations.iter().take(MAX_ENTRIES) {
        let path = format!("{path}.matchAnnotations");
        mistakes.or(annotation_key(&path, key), ());
        if value.len() > MAX_BYTES {
            let problem = format!("has {} bytes; at most {MAX_BYTES} are possible", value.len());
            mistakes.add(InvalidSpec::new(format!("{path}[{key:?}]"), problem));
        }
    }
    mistakes.or(is_possible(spec), ());
    mistakes.none().map(|()| Some(selector))
}

/// Whether the operator binds the role, and knows which one it is in a namespace that it finds.
fn is_possible(spec: &Spec) -> Result<(), InvalidSpec> {
    let role = spec.role.clone().unwrap_or_default();
    let mut mistakes = Mistakes::default();
    if given(role.bind).is_some() {
        let problem = "cannot be used with spec.role.bind, since the operator binds no role then";
        mistakes.add(InvalidSpec::new(FIELD, problem));
    }
    if role.generate == Some(true) {
        let problem = "cannot be used with spec.role.generate, since the experiment does not name the namespaces; write the rules in spec.role.rules";
        mistakes.add(InvalidSpec::new(FIELD, problem));
    }
    mistakes.none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::decide::plan::{Facts, plan};
    use chaostoolkit_api::Experiment;
    use rstest::rstest;
    use serde_json::{Value, json};

    fn map(value: &Value) -> BTreeMap<String, String> {
        serde_json::from_value(value.clone()).unwrap()
    }

    fn planned(namespace: &str, spec: Value) -> Result<Option<Selector>, String> {
        let object = json!({"metadata": {"name": "x", "namespace": namespace}, "spec": spec});
        let experiment: Experiment = serde_json::from_value(object).map_err(|error| error.to_string())?;
        let facts = Facts { operator_namespace: "home".into(), ..Facts::default() };
        let parsed = Spec::parse(experiment.spec.as_ref()).map_err(|invalid| invalid.to_string())?;
        plan(&experiment, &parsed, &facts).map(|plan| plan.targets).map_err(|invalid| invalid.to_string())
    }

    #[rstest]
    #[case::all(json!({"a": "1", "b": "2"}), json!({"chaos": "yes"}), true)]
    #[case::another_value(json!({"a": "2"}), json!({"chaos": "yes"}), false)]
    #[case::without_the_annotation(json!({"a": "1"}), json!({}), false)]
    #[case::as_an_empty_value(json!({"a": "1"}), json!({"chaos": ""}), false)]
    #[case::the_other_way_round(json!({"chaos": "yes"}), json!({"a": "1"}), false)]
    fn a_namespace_needs_each_label_and_annotation_with_its_exact_value(
        #[case] labels: Value,
        #[case] annotations: Value,
        #[case] expected: bool,
    ) {
        let selector =
            Selector { labels: map(&json!({"a": "1"})), annotations: map(&json!({"chaos": "yes"})) };
        assert_eq!(selector.selects(Some(&map(&labels)), Some(&map(&annotations))), expected);
        assert!(!selector.selects(None, None));
    }

    #[test]
    fn an_empty_value_is_a_value() {
        let selector = Selector { annotations: map(&json!({"chaos": ""})), ..Selector::default() };
        assert!(selector.selects(None, Some(&map(&json!({"chaos": ""})))));
        assert!(
            !selector.selects(None, Some(&map(&json!({"chaos": "yes"})))) && !selector.selects(None, None)
        );
    }

    #[test]
    fn the_labels_are_a_selector_of_the_api_server() {
        let selector = planned(
            "home",
            json!({"targets": {"namespaceSelector": {"matchLabels": {"a/b": "1", "c": ""}}}}),
        );
        assert_eq!(selector.unwrap().unwrap().of_labels(), "a/b=1,c=");
        assert_eq!(planned("home", json!({})), Ok(None));
    }

    #[rstest]
    #[case::nothing(json!({}), "spec.targets.namespaceSelector: needs")]
    #[case::nothing_in_it(json!({"namespaceSelector": {"matchLabels": {}}}), "spec.targets.namespaceSelector: needs")]
    #[case::more_than_a_value(json!({"namespaceSelector": {"matchLabels": {"a": "b,c=d"}}}), "matchLabels[\"a\"]")]
    #[case::no_key(json!({"namespaceSelector": {"matchLabels": {"a b": "c"}}}), "matchLabels[\"a b\"]")]
    #[case::no_annotation(json!({"namespaceSelector": {"matchAnnotations": {"a b": "c"}}}), "matchAnnotations[\"a b\"]")]
    #[case::a_long_value(json!({"namespaceSelector": {"matchAnnotations": {"a": "x".repeat(1025)}}}), "has 1025 bytes")]
    fn what_selects_too_much_or_nothing_is_refused_with_its_path(
        #[case] targets: Value,
        #[case] expected: &str,
    ) {
        let problem = planned("home", json!({"targets": targets})).unwrap_err();
        assert!(problem.contains(expected), "{problem}");
    }

    #[test]
    fn very_many_entries_are_refused() {
        let many: BTreeMap<String, String> = (0..17).map(|at| (format!("k{at}"), String::new())).collect();
        for field in ["matchLabels", "matchAnnotations"] {
            let problem =
                planned("home", json!({"targets": {"namespaceSelector": {field: many}}})).unwrap_err();
            assert!(problem.contains(&format!("{field}: has 17 entries")), "{problem}");
        }
    }

    #[rstest]
    #[case::elsewhere("team", json!({}), "only for experiments in the operator's namespace")]
    #[case::bound_already("home", json!({"bind": "theirs"}), "spec.role.bind")]
    #[case::generated("home", json!({"generate": true}), "spec.role.generate")]
    fn a_run_whose_role_cannot_be_bound_there_is_refused(
        #[case] namespace: &str,
        #[case] role: Value,
        #[case] expected: &str,
    ) {
        let spec = json!({"role": role, "targets": {"namespaceSelector": {"matchLabels": {"a": "b"}}}});
        let problem = planned(namespace, spec).unwrap_err();
        assert!(problem.contains(expected), "{problem}");
    }
}
