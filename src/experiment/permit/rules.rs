//! Rules of Roles: what they are asked as, and what they allow, as RBAC judges it. Pure.

use crate::experiment::permit::question::Question;

pub use crate::experiment::children::rule::Rule;

const ALL: &str = "*";

impl Rule {
    /// Returns all that the rule allows in a namespace, as questions.
    pub fn questions<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = Question> + 'a {
        let no_name = [const { String::new() }];
        let names = if self.names.is_empty() { Vec::from(no_name) } else { self.names.clone() };
        let objects = self.groups.iter().flat_map(|group| self.resources.iter().map(move |one| (group, one)));
        objects.flat_map(move |(group, resource)| {
            let names = names.clone();
            self.verbs.iter().flat_map(move |verb| {
                let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
                let question = Question {
                    subresource: subresource.to_owned(),
                    ..Question::new(verb, (group, resource), namespace)
                };
                let names = names.clone().into_iter();
                names.map(move |name| Question { name, ..question.clone() })
            })
        })
    }

    /// Whether the rule allows all that a question asks for. RBAC decides so for a rule in the namespace of the question.
    #[must_use]
    pub fn allows(&self, question: &Question) -> bool {
        let has = |list: &[String], word: &str| list.iter().any(|one| one == ALL || one == word);
        has(&self.verbs, &question.verb)
            && has(&self.groups, &question.group)
            && self.resources.iter().any(|resource| is_resource(resource, question))
            && (self.names.is_empty() || self.names.contains(&question.name))
    }
}

/// Whether a resource of a rule is that of a question.
fn is_resource(resource: &str, question: &Question) -> bool {
    let is_subresource = || {
        let subresource = resource.strip_prefix("*/");
        !question.subresource.is_empty() && subresource == Some(question.subresource.as_str())
    };
    resource == ALL || resource == question.full_resource() || is_subresource()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::sample::{select, subsequence};
    use serde_json::json;

    fn texts(all: &'static [&'static str], least: usize) -> impl Strategy<Value = Vec<String>> {
        let some = subsequence(all, least..=all.len());
        some.prop_map(|some| some.into_iter().map(str::to_owned).collect())
    }

    fn rules() -> impl Strategy<Value = Vec<Rule>> {
        let rule = (
            texts(&["get", "create", "*"], 1),
            texts(&["", "apps", "*"], 1),
            texts(&["pods", "pods/log", "*/log", "pods/*", "*"], 1),
            texts(&["a", "b"], 0),
        );
        let rule =
            rule.prop_map(|(verbs, groups, resources, names)| Rule { verbs, groups, resources, names });
        proptest::collection::vec(rule, 0..4)
    }

    /// A request as it arrives at the API server: without any `*`.
    fn requests() -> impl Strategy<Value = Question> {
        let parts = (
            select(vec!["get", "create", "delete"]),
            select(vec!["", "apps", "batch"]),
            select(vec!["pods", "jobs"]),
            select(vec!["", "log", "exec"]),
            select(vec!["", "a", "b", "c"]),
        );
        parts.prop_map(|(verb, group, resource, subresource, name)| Question {
            subresource: subresource.to_owned(),
            name: name.to_owned(),
            ..Question::new(verb, (group, resource), "n")
        })
    }

    fn allow(rules: &[Rule], question: &Question) -> bool {
        rules.iter().any(|rule| rule.allows(question))
    }

    proptest! {
        #[test]
        fn whoever_has_all_that_is_asked_has_all_that_the_role_gives(
            role in rules(), author in rules(), request in requests(),
        ) {
            let has_all = role.iter().flat_map(|rule| rule.questions("n")).all(|asked| allow(&author, &asked));
            if has_all && allow(&role, &request) {
                prop_assert!(allow(&author, &request), "{request} is given by {role:?} and not held by {author:?}");
            }
        }

        #[test]
        fn a_role_holds_what_is_asked_for_it(role in rules()) {
            for asked in role.iter().flat_map(|rule| rule.questions("n")) {
                prop_assert!(allow(&role, &asked), "{asked}");
            }
        }
    }

    #[test]
    fn each_right_is_asked_for() {
        let role = json!({"rules": [
            {"apiGroups": ["", "apps"], "resources": ["pods", "pods/log"], "verbs": ["get", "*"]},
            {"apiGroups": ["*"], "resources": ["*"], "verbs": ["list"], "resourceNames": ["x", "y"]},
            {"nonResourceURLs": ["/healthz"], "verbs": ["get"]},
            {"apiGroups": [7], "resources": "pods", "verbs": null}, "odd",
        ]});
        let asked: Vec<String> = Rule::of(&role)
            .iter()
            .flat_map(|rule| rule.questions("n").map(|asked| asked.to_string()).collect::<Vec<_>>())
            .collect();
        let expected = [
            "get pods",
            "* pods",
            "get pods/log",
            "* pods/log",
            "get pods.apps",
            "* pods.apps",
            "get pods/log.apps",
            "* pods/log.apps",
            "list *.* \"x\"",
            "list *.* \"y\"",
        ]
        .map(|words| format!("{words} in namespace n"));
        assert_eq!(asked, expected);
    }
}
