//! Whether a Role or a binding gives what is wanted: pure.
//!
//! Its name does not say so. An edit of `role.name`, `serviceaccount.name` or `template.name` of a schedule asks for other rights
//! under the same names. Kubernetes does not let anybody change the role of a binding, so such an object is replaced.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::cluster::manifest::{Kind, Manifest};
use crate::experiment::children::rule::Rule;

/// Whether an object gives other rights than the wanted one, or to somebody else. Objects that give no rights never do.
#[must_use]
pub fn differ(wanted: &Manifest, found: &Value) -> bool {
    match wanted.kind {
        Kind::Role => rules(&wanted.value) != rules(found),
        Kind::RoleBinding | Kind::ClusterRoleBinding => {
            role(&wanted.value) != role(found) || subjects(&wanted.value) != subjects(found)
        }
        _ => false,
    }
}

/// The rules, each as the values of its fields, in no order.
fn rules(role: &Value) -> BTreeSet<[BTreeSet<String>; 4]> {
    let fields = |rule: Rule| [rule.groups, rule.resources, rule.names, rule.verbs];
    Rule::of(role).into_iter().map(|rule| fields(rule).map(BTreeSet::from_iter)).collect()
}

fn role(binding: &Value) -> Vec<&str> {
    texts(&binding["roleRef"], &["kind", "name"])
}

fn subjects(binding: &Value) -> BTreeSet<Vec<&str>> {
    let all = binding["subjects"].as_array().into_iter().flatten();
    all.map(|subject| texts(subject, &["kind", "name", "namespace"])).collect()
}

fn texts<'a>(value: &'a Value, fields: &[&str]) -> Vec<&'a str> {
    fields.iter().map(|field| value[*field].as_str().unwrap_or_default()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    fn with_rules(rules: Value) -> Value {
        json!({"metadata": {"name": "r", "namespace": "n"}, "rules": rules})
    }

    fn binding(role: &str, account: &str) -> Value {
        json!({"metadata": {"name": "r", "namespace": "n"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": "n"}]})
    }

    #[rstest]
    #[case::the_order_does_not_matter(
        Kind::Role,
        with_rules(json!([{"apiGroups": [""], "resources": ["pods", "services"], "verbs": ["get"]}, {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get"], "resourceNames": []}])),
        with_rules(json!([{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get"]}, {"apiGroups": [""], "resources": ["services", "pods"], "verbs": ["get"]}])),
        false
    )]
    #[case::another_verb(
        Kind::Role,
        with_rules(json!([{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}])),
        with_rules(json!([{"apiGroups": [""], "resources": ["pods"], "verbs": ["delete"]}])),
        true
    )]
    #[case::one_object_or_all(
        Kind::Role,
        with_rules(json!([{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"], "resourceNames": ["a"]}])),
        with_rules(json!([{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}])),
        true
    )]
    #[case::no_rules(Kind::Role, with_rules(json!([])), with_rules(Value::Null), false)]
    #[case::the_same(Kind::RoleBinding, binding("weak", "a"), binding("weak", "a"), false)]
    #[case::another_role(Kind::RoleBinding, binding("weak", "a"), binding("powerful", "a"), true)]
    #[case::another_account(Kind::RoleBinding, binding("weak", "a"), binding("weak", "b"), true)]
    #[case::another_role_in_the_cluster(
        Kind::ClusterRoleBinding,
        binding("weak", "a"),
        binding("powerful", "a"),
        true
    )]
    #[case::gives_no_rights(Kind::ConfigMap, with_rules(json!([1])), with_rules(json!([2])), false)]
    fn only_what_gives_other_rights_differs(
        #[case] kind: Kind,
        #[case] wanted: Value,
        #[case] found: Value,
        #[case] expected: bool,
    ) {
        assert_eq!(differ(&Manifest::new(kind, wanted), &found), expected);
    }
}
