//! `spec.role.rules`: the rules that the author writes.

use serde_json::{Value, json};

use crate::experiment::decide::plan::types::Generated;
use crate::experiment::decide::plan::values::given;
use chaostoolkit_api::Spec;
use chaostoolkit_api::spec::{InvalidSpec, Mistakes, RoleSpec, RuleSpec};

/// How many rules an author may write.
pub const MAX_RULES: usize = 64;

/// How many entries a list of a rule may have.
pub const MAX_ENTRIES: usize = 64;

/// How many bytes an entry may have.
const MAX_BYTES: usize = 253;

/// The field that has the rules.
const FIELD: &str = "spec.role.rules";

/// Returns the rules of a spec, in the form that a Role has them. An empty list is one: such a run gets no Role.
pub fn written(spec: &Spec) -> Result<Option<Vec<Value>>, InvalidSpec> {
    let role = spec.role.clone().unwrap_or_default();
    let Some(rules) = &role.rules else { return Ok(None) };
    let mut mistakes = Mistakes::default();
    mistakes.or(is_possible(&role), ());
    if rules.len() > MAX_RULES {
        let problem = format!("has {} rules; at most {MAX_RULES} are possible", rules.len());
        return Err(InvalidSpec::new(FIELD, problem));
    }
    for (index, rule) in rules.iter().enumerate() {
        mistakes.or(check(rule, &format!("{FIELD}[{index}]")), ());
    }
    mistakes.none().map(|()| Some(rules.iter().map(|rule| json!(rule)).collect()))
}

/// Adds the rules that the author writes to those that follow from the experiment, in these namespaces. Without the latter,
/// they are all that the run gets.
#[must_use]
pub fn added(
    generated: Option<Generated>,
    written: Option<Vec<Value>>,
    namespaces: &[String],
) -> Option<Generated> {
    let Some(written) = written else { return generated };
    let mut all = generated.unwrap_or_else(|| Generated { is_known: true, ..Generated::default() });
    // Before the experiment was read, the run does not start anyway.
    if all.is_known && !written.is_empty() {
        all.is_written = true;
        for namespace in namespaces {
            all.rules.entry(namespace.clone()).or_default().extend(written.iter().cloned());
        }
    }
    Some(all)
}

/// Whether the operator creates the Role that gets the rules.
fn is_possible(role: &RoleSpec) -> Result<(), InvalidSpec> {
    let mut mistakes = Mistakes::default();
    let others = [
        (&role.name, "name", "names an existing Role"),
        (&role.bind, "bind", "names an existing RoleBinding"),
        (&role.cluster_role, "clusterRole", "names an existing ClusterRole"),
    ];
    for (other, field, why) in others {
        if given(other.clone()).is_some() {
            let problem = format!("cannot be used with spec.role.{field}, which {why}");
            mistakes.add(InvalidSpec::new(FIELD, problem));
        }
    }
    mistakes.none()
}

/// Checks a rule, as the API server checks those of a Role, and that it is not too long.
fn check(rule: &RuleSpec, path: &str) -> Result<(), InvalidSpec> {
    let mut mistakes = Mistakes::default();
    let lists = [
        ("apiGroups", &rule.api_groups, "needs an API group; the core group is \"\""),
        ("resources", &rule.resources, "needs a resource, such as pods"),
        ("verbs", &rule.verbs, "needs a verb, such as get"),
        ("resourceNames", &rule.resource_names, ""),
    ];
    for (field, list, needed) in lists {
        let path = format!("{path}.{field}");
        if list.is_empty() && !needed.is_empty() {
            mistakes.add(InvalidSpec::new(path, needed));
            continue;
        }
        if list.len() > MAX_ENTRIES {
            let problem = format!("has {} entries; at most {MAX_ENTRIES} are possible", list.len());
            mistakes.add(InvalidSpec::new(path, problem));
            continue;
        }
        for (index, entry) in list.iter().enumerate() {
            let problem = if entry.is_empty() && field != "apiGroups" {
                "is empty".to_owned()
            } else if entry.len() > MAX_BYTES {
                format!("has {} bytes; at most {MAX_BYTES} are possible", entry.len())
            } else {
                continue;
            };
            mistakes.add(InvalidSpec::new(format!("{path}[{index}]"), problem));
        }
    }
    mistakes.none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::decide::plan::{Facts, Plan, plan};
    use chaostoolkit_api::Experiment;
    use rstest::rstest;

    fn planned(spec: Value) -> Result<Plan, InvalidSpec> {
        let experiment = Experiment { spec: Some(spec), ..Experiment::default() };
        let facts = Facts { operator_namespace: "the-operators".into(), ..Facts::default() };
        plan(&experiment, &Spec::parse(experiment.spec.as_ref())?, &facts)
    }

    fn rule(resource: &str) -> Value {
        json!({"apiGroups": ["apps"], "resources": [resource], "verbs": ["get"]})
    }

    /// The rules of the run, by namespace.
    fn rules(spec: Value) -> Value {
        let generated = planned(spec).unwrap().rights.generated;
        json!(generated.map(|generated| generated.rules))
    }

    /// An experiment that scales a Deployment in the namespace `shop`.
    fn experiment() -> Value {
        json!({"method": [{"type": "action", "name": "a", "provider": {"type": "python",
            "module": "chaosk8s.deployment.actions", "func": "scale_deployment",
            "arguments": {"name": "web", "replicas": 1, "ns": "shop"}}}]})
    }

    #[rstest]
    #[case::in_the_namespace_of_the_run(json!({}), json!({"chaostoolkit-run": [rule("deployments")]}))]
    #[case::in_further_ones(
        json!({"binds_to_namespaces": ["a", "b", "chaostoolkit-run"]}),
        json!({"a": [rule("deployments")], "b": [rule("deployments")], "chaostoolkit-run": [rule("deployments")]})
    )]
    #[case::none(json!({"rules": []}), json!({}))]
    fn the_rules_are_those_of_the_run(#[case] mut role: Value, #[case] expected: Value) {
        if role.get("rules").is_none() {
            role["rules"] = json!([rule("deployments")]);
        }
        assert_eq!(rules(json!({"role": role})), expected);
    }

    #[test]
    fn with_generated_ones_they_are_added_where_the_author_asks_for_rights() {
        let patch = json!({"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["patch"], "resourceNames": ["web"]});
        let role = json!({"generate": true, "rules": [rule("statefulsets")], "binds_to_namespaces": ["a"]});
        let expected = json!({
            "chaostoolkit-run": [rule("statefulsets")],
            "a": [patch, rule("statefulsets")],
            "shop": [patch],
        });
        assert_eq!(rules(json!({"role": role, "experiment": experiment()})), expected);
    }

    #[test]
    fn they_do_not_count_before_the_experiment_was_read() {
        let spec = json!({"role": {"generate": true, "rules": [rule("deployments")]}});
        assert_eq!(planned(spec).unwrap().rights.generated, Some(Generated::default()));
    }

    #[rstest]
    #[case::with_a_role(json!({"name": "theirs"}), &["spec.role.rules: cannot be used with spec.role.name"])]
    #[case::with_a_binding(json!({"bind": "theirs"}), &["spec.role.rules: cannot be used with spec.role.bind"])]
    #[case::without_verbs(json!({"rules": [rule("a"), {"apiGroups": [""], "resources": ["pods"]}]}), &["spec.role.rules[1].verbs: needs a verb"])]
    #[case::without_anything(
        json!({"rules": [{}]}),
        &["spec.role.rules[0].apiGroups: needs", "spec.role.rules[0].resources: needs", "spec.role.rules[0].verbs: needs"]
    )]
    #[case::with_empty_words(
        json!({"rules": [{"apiGroups": [""], "resources": [""], "verbs": ["get", ""], "resourceNames": [""]}]}),
        &["spec.role.rules[0].resources[0]: is empty", "spec.role.rules[0].verbs[1]: is empty", "spec.role.rules[0].resourceNames[0]: is empty"]
    )]
    #[case::with_long_words(json!({"rules": [{"apiGroups": ["x".repeat(254)], "resources": ["a"], "verbs": ["get"]}]}), &["spec.role.rules[0].apiGroups[0]: has 254 bytes"])]
    #[case::with_many_words(json!({"rules": [{"apiGroups": [""], "resources": ["a"], "verbs": vec!["get"; 65]}]}), &["spec.role.rules[0].verbs: has 65 entries"])]
    #[case::with_many_rules(json!({"rules": vec![rule("a"); 65]}), &["spec.role.rules: has 65 rules; at most 64"])]
    fn what_cannot_be_a_role_is_refused_with_its_path(#[case] mut role: Value, #[case] expected: &[&str]) {
        if role.get("rules").is_none() {
            role["rules"] = json!([rule("deployments")]);
        }
        let invalid = planned(json!({"role": role})).unwrap_err();
        let all: Vec<String> = invalid.all().map(|one| format!("{}: {}", one.path, one.problem)).collect();
        assert_eq!(all.len(), expected.len(), "{all:?}");
        for (found, expected) in all.iter().zip(expected) {
            assert!(found.starts_with(expected), "{found}");
        }
    }

    #[test]
    fn as_many_rules_as_the_reference_says_are_possible() {
        let widest = json!({"apiGroups": vec![""; 64], "resources": vec!["a"; 64], "verbs": vec!["x".repeat(253); 64]});
        assert!(planned(json!({"role": {"rules": vec![rule("a"); MAX_RULES]}})).is_ok());
        assert!(planned(json!({"role": {"rules": [widest]}})).is_ok());
    }
}
