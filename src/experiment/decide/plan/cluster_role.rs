//! `spec.role.clusterRole` and `spec.role.clusterWide`: an existing `ClusterRole`, and where it is bound.

use crate::experiment::decide::plan::types::ClusterRole;
use crate::experiment::decide::plan::values::given;
use chaostoolkit_api::spec::{InvalidSpec, Mistakes};
use chaostoolkit_api::{Spec, names};

/// The field that names it.
const FIELD: &str = "spec.role.clusterRole";

/// The field that has it bound in the whole cluster.
const WIDE: &str = "spec.role.clusterWide";

/// Returns the `ClusterRole` that a spec names, if it names one. The run has rights in these further namespaces.
pub fn chosen(spec: &Spec, namespaces: &[String]) -> Result<Option<ClusterRole>, InvalidSpec> {
    let role = spec.role.clone().unwrap_or_default();
    let is_wide = role.cluster_wide.unwrap_or(false);
    let mut mistakes = Mistakes::default();
    let mut wrong = |path: &str, problem: String| mistakes.add(InvalidSpec::new(path, problem));
    let Some(name) = given(role.cluster_role) else {
        if is_wide {
            wrong(WIDE, format!("needs {FIELD}, which names the ClusterRole to bind in the whole cluster"));
        }
        return mistakes.none().map(|()| None);
    };
    if let Err(problem) = names::check_path_segment(&name) {
        wrong(FIELD, problem);
    }
    // The rules of the spec say so themselves.
    let others = [
        (given(role.name).is_some(), "name, which names an existing Role"),
        (given(role.bind).is_some(), "bind, which names an existing RoleBinding"),
        (role.generate == Some(true), "generate, which makes a Role"),
    ];
    for (_, other) in others.iter().filter(|(is_given, _)| *is_given) {
        wrong(FIELD, format!("cannot be used with spec.role.{other}"));
    }
    if is_wide && !namespaces.is_empty() {
        let problem =
            "cannot be used with spec.role.binds_to_namespaces, since the whole cluster has these namespaces";
        wrong(WIDE, problem.to_owned());
    }
    mistakes.none().map(|()| Some(ClusterRole { name, is_wide }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::decide::plan::{Facts, plan};
    use chaostoolkit_api::Experiment;
    use rstest::rstest;
    use serde_json::{Value, json};

    fn planned(role: &Value) -> Result<Option<ClusterRole>, InvalidSpec> {
        let experiment = Experiment { spec: Some(json!({"role": role})), ..Experiment::default() };
        let facts = Facts { operator_namespace: "the-operators".into(), ..Facts::default() };
        let parsed = Spec::parse(experiment.spec.as_ref())?;
        plan(&experiment, &parsed, &facts).map(|plan| plan.rights.cluster_role)
    }

    #[rstest]
    #[case::none(json!({}), None)]
    #[case::empty(json!({"clusterRole": "", "clusterWide": false}), None)]
    #[case::in_namespaces(json!({"clusterRole": "view", "binds_to_namespaces": ["a"]}), Some(("view", false)))]
    #[case::in_the_cluster(json!({"clusterRole": "system:node-reader", "clusterWide": true}), Some(("system:node-reader", true)))]
    #[case::in_the_cluster_and_nowhere_else(json!({"clusterRole": "view", "clusterWide": true, "binds_to_namespaces": [null, "chaostoolkit-run"]}), Some(("view", true)))]
    fn a_spec_may_name_a_cluster_role(#[case] role: Value, #[case] expected: Option<(&str, bool)>) {
        let expected = expected.map(|(name, is_wide)| ClusterRole { name: name.to_owned(), is_wide });
        assert_eq!(planned(&role).unwrap(), expected);
    }

    #[rstest]
    #[case::with_a_role(json!({"clusterRole": "view", "name": "theirs"}), &["spec.role.clusterRole: cannot be used with spec.role.name"])]
    #[case::with_a_binding(json!({"clusterRole": "view", "bind": "theirs"}), &["spec.role.clusterRole: cannot be used with spec.role.bind"])]
    #[case::with_generated_rules(json!({"clusterRole": "view", "generate": true}), &["spec.role.clusterRole: cannot be used with spec.role.generate"])]
    #[case::with_rules(json!({"clusterRole": "view", "rules": []}), &["spec.role.rules: cannot be used with spec.role.clusterRole"])]
    #[case::without_a_name(json!({"clusterWide": true}), &["spec.role.clusterWide: needs spec.role.clusterRole"])]
    #[case::with_a_role_instead(json!({"name": "theirs", "clusterWide": true}), &["spec.role.clusterWide: needs spec.role.clusterRole"])]
    #[case::in_the_cluster_and_in_namespaces(json!({"clusterRole": "view", "clusterWide": true, "binds_to_namespaces": ["a"]}), &["spec.role.clusterWide: cannot be used with spec.role.binds_to_namespaces"])]
    #[case::with_a_name_that_none_has(json!({"clusterRole": "../view"}), &["spec.role.clusterRole: \"../view\" must consist of"])]
    fn what_cannot_be_bound_is_refused_with_its_path(#[case] role: Value, #[case] expected: &[&str]) {
        let invalid = planned(&role).unwrap_err();
        let all: Vec<String> = invalid.all().map(|one| format!("{}: {}", one.path, one.problem)).collect();
        assert_eq!(all.len(), expected.len(), "{all:?}");
        for (found, expected) in all.iter().zip(expected) {
            assert!(found.starts_with(expected), "{found}");
        }
    }
}
