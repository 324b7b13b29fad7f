//! The rules of a Role, as they are read: pure.

use serde_json::Value;

/// A rule of a Role. A field that is no list of texts counts as empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// The verbs.
    pub verbs: Vec<String>,
    /// The API groups.
    pub groups: Vec<String>,
    /// The resources, with their subresources.
    pub resources: Vec<String>,
    /// The names of the objects. Without any, all objects.
    pub names: Vec<String>,
}

impl Rule {
    /// Reads the rules of a Role. Rules without resources give nothing in a namespace, and are left out.
    #[must_use]
    pub fn of(role: &Value) -> Vec<Self> {
        let texts = |rule: &Value, field: &str| {
            let texts = rule[field].as_array().into_iter().flatten().filter_map(Value::as_str);
            texts.map(str::to_owned).collect()
        };
        let rules = role["rules"].as_array().into_iter().flatten().map(|rule| Self {
            verbs: texts(rule, "verbs"),
            groups: texts(rule, "apiGroups"),
            resources: texts(rule, "resources"),
            names: texts(rule, "resourceNames"),
        });
        rules.filter(|rule| !rule.resources.is_empty()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn no_role_is_too_odd() {
        for role in
            [json!(null), json!({"rules": {}}), json!({"rules": [null, 1, [], {"resources": [["x"]]}]})]
        {
            assert_eq!(Rule::of(&role), []);
        }
    }
}
