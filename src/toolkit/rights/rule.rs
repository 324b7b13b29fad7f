//! Rights, and the rules of a Role that gives them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

/// One right: a verb on a resource, or on one object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    /// The API group.
    pub group: String,
    /// The resource, or a subresource such as `pods/log`.
    pub resource: String,
    /// The verb.
    pub verb: &'static str,
    /// The name of the only object that it is for. Without a name, it is for all objects in the namespace.
    pub object: Option<String>,
}

/// The names of the objects that a right is for. Empty means all objects.
type Names = BTreeSet<String>;

/// Returns the rules that give these rights and no others. The same rights make the same rules.
#[must_use]
pub fn rules<'a>(grants: impl IntoIterator<Item = &'a Grant>) -> Vec<Value> {
    // A right for all objects includes that for one.
    let mut objects: BTreeMap<(&str, &str, &str), Option<Names>> = BTreeMap::new();
    for Grant { group, resource, verb, object } in grants {
        let names = objects.entry((group, resource, verb)).or_insert_with(|| Some(Names::new()));
        match (object, names.as_mut()) {
            (Some(object), Some(names)) => {
                names.insert(object.clone());
            }
            (Some(_), None) => {}
            (None, _) => *names = None,
        }
    }
    let mut verbs: BTreeMap<(&str, Names, &str), BTreeSet<&str>> = BTreeMap::new();
    for ((group, resource, verb), names) in objects {
        verbs.entry((group, names.unwrap_or_default(), resource)).or_default().insert(verb);
    }
    let mut resources: BTreeMap<(&str, Names, BTreeSet<&str>), Vec<&str>> = BTreeMap::new();
    for ((group, names, resource), verbs) in verbs {
        resources.entry((group, names, verbs)).or_default().push(resource);
    }
    let rule = |((group, names, verbs), resources): ((&str, Names, BTreeSet<&str>), Vec<&str>)| {
        let mut rule = json!({"apiGroups": [group], "resources": resources, "verbs": verbs});
        if !names.is_empty() {
            rule["resourceNames"] = json!(names);
        }
        rule
    };
    resources.into_iter().map(rule).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(resource: &str, verb: &'static str, object: Option<&str>) -> Grant {
        Grant {
            group: "apps".to_owned(),
            resource: resource.to_owned(),
            verb,
            object: object.map(str::to_owned),
        }
    }

    #[test]
    fn equal_rules_become_one_and_a_right_for_all_includes_that_for_one() {
        let grants = [
            grant("deployments", "list", None),
            grant("deployments", "delete", Some("b")),
            grant("deployments", "delete", Some("a")),
            grant("deployments", "patch", Some("a")),
            grant("deployments", "patch", None),
            grant("replicasets", "list", None),
            grant("replicasets", "patch", None),
            grant("deployments", "delete", Some("a")),
        ];
        let expected = json!([
            {"apiGroups": ["apps"], "resources": ["deployments", "replicasets"], "verbs": ["list", "patch"]},
            {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["delete"], "resourceNames": ["a", "b"]},
        ]);
        assert_eq!(json!(rules(&grants)), expected);
        assert_eq!(json!(rules(grants.iter().rev())), expected);
        assert!(rules(&[]).is_empty());
    }
}
