//! Whether a spec is understood, before anything is read from the cluster: pure.

use crate::experiment::decide::fields::misplaced;
use crate::experiment::decide::plan::{Facts, patch, plan};
use chaostoolkit_api::spec::InvalidSpec;
use chaostoolkit_api::spec::read::Parsed;
use chaostoolkit_api::{Experiment, Spec};

/// Reads a spec and checks everything that needs no facts. An error names all mistakes.
pub fn understood(experiment: &Experiment, operator_namespace: &str) -> Result<Parsed, InvalidSpec> {
    let parsed = read(experiment);
    let mut mistakes = parsed.mistakes.clone();
    mistakes.or(misplaced(experiment.spec.as_ref()).none(), ());
    if let Err(invalid) = plan(experiment, &parsed, &Facts::before_any(operator_namespace)) {
        mistakes.add(invalid);
    }
    mistakes.none().map(|()| parsed)
}

/// Returns the paths of the unknown fields of a spec with mistakes, without those that are mistakes.
#[must_use]
pub fn unknown_beside(experiment: &Experiment, invalid: &InvalidSpec) -> Vec<String> {
    let mut unknown = read(experiment).unknown;
    unknown.retain(|path| invalid.all().all(|mistake| mistake.path != *path));
    unknown
}

fn read(experiment: &Experiment) -> Parsed {
    let mut parsed = Spec::read(experiment.spec.as_ref());
    parsed.unknown.extend(patch::unknown(&parsed.spec));
    parsed
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_error_names_the_mistakes_of_all_kinds() {
        let spec = json!({"namespace": "kube-system", "title": "t", "pod": {"image": 5, "template": "hello"},
            "schedule": {"kind": "timer"}, "role": {"binds_to_namespaces": ["No", "kube-public"]}});
        let experiment = Experiment { spec: Some(spec), ..Experiment::default() };
        let invalid = understood(&experiment, "the-operators").unwrap_err();
        let paths: Vec<&str> = invalid.all().map(|one| one.path.as_str()).collect();
        let expected = [
            "spec.pod.image",
            "spec.title",
            "spec.namespace",
            "spec.schedule.kind",
            "spec.role.binds_to_namespaces[0]",
            "spec.role.binds_to_namespaces[1]",
            "spec.pod.template",
        ];
        assert_eq!(paths, expected);
        assert!(invalid.has_forbidden());
    }

    #[test]
    fn fields_that_are_unknown_and_no_mistakes_are_told_besides() {
        let spec =
            json!({"title": "t", "flavour": 1, "pod": {"imagee": "x", "patch": {"spec": {"later": 1}}}});
        let experiment = Experiment { spec: Some(spec), ..Experiment::default() };
        let invalid = understood(&experiment, "the-operators").unwrap_err();
        let mut unknown = unknown_beside(&experiment, &invalid);
        unknown.sort();
        assert_eq!(unknown, ["spec.flavour", "spec.pod.imagee", "spec.pod.patch.spec.later"]);
    }
}
