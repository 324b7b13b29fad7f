//! What to say of rights that the activities of a run lacked: which, and what gives them.
//!
//! The refusal of the API server names all of it. A review of rights would add nothing: the operator would have to act as the
//! account, and would see the rights of now and not those of the run.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use chaostoolkit_journal::{Forbidden, Scope};

/// The longest message, in bytes. An event has room for 1,024, and names its run besides.
const LONGEST: usize = 960;

/// What follows rules that are not all.
const MORE: &str = "\n# and more";

/// What follows the rules for the namespaces of an account that also needs rights in the whole cluster.
const ALL_RULES: &str = "spec.role.rules cannot be used with spec.role.clusterRole, so a ClusterRole that it names, with spec.role.clusterWide, needs the rules above and these";

/// How many rights are written out before the rules.
const MAX_NAMED: usize = 3;

/// Says in a few words which rights were missing: for the message of a run.
pub(super) fn sentence(forbidden: &[Forbidden]) -> Option<String> {
    let first = forbidden.first()?;
    let more = match forbidden.len() - 1 {
        0 => String::new(),
        1 => " (and lacks 1 other right)".to_owned(),
        more => format!(" (and lacks {more} other rights)"),
    };
    Some(format!("{} may not {first}{more}", first.user))
}

/// Says which rights were missing, and which rules give them: for a condition. `account` is the account of the run.
pub(super) fn advice(forbidden: &[Forbidden], account: Option<&str>) -> Option<String> {
    if forbidden.is_empty() {
        return None;
    }
    let mut text = "the API server refused requests of the run: ".to_owned();
    let mut user = "";
    for (index, right) in forbidden.iter().take(MAX_NAMED).enumerate() {
        let separator = if index == 0 { "" } else { "; " };
        // Mostly it is the same account.
        let subject = if right.user == user { String::new() } else { format!("{} may not ", right.user) };
        let _ = write!(text, "{separator}{subject}{right}");
        user = &right.user;
    }
    if forbidden.len() > MAX_NAMED {
        let _ = write!(text, "; and {} more", forbidden.len() - MAX_NAMED);
    }
    let mut holders: Vec<Holder> = Vec::new();
    for right in forbidden {
        let holder = Holder::of(right);
        if !holders.contains(&holder) {
            holders.push(holder);
        }
    }
    let is_own = |user: &str| account.is_none_or(|account| account == user);
    let mut is_complete = true;
    // Rules of a namespace come first, since a ClusterRole has to repeat them.
    holders.sort_by_key(|holder| holder.is_cluster);
    let mut before: Option<Holder> = None;
    for holder in holders {
        let rights: Vec<&Forbidden> = forbidden.iter().filter(|right| Holder::of(right) == holder).collect();
        let heading = match before {
            Some(Holder { user, .. }) if user == holder.user && is_own(user) => ALL_RULES.to_owned(),
            _ => holder.heading(&rights, account, is_own(holder.user)),
        };
        // A line of its own keeps the rules before it such that they can be copied.
        let mut heading = format!("{}{heading}:", if before.is_some() { "\n" } else { ". " });
        before = Some(holder);
        for rule in rules(&rights) {
            if text.len() + heading.len() + rule.len() > LONGEST {
                is_complete = false;
                break;
            }
            // A heading without a rule says nothing.
            text.push_str(&std::mem::take(&mut heading));
            text.push_str(&rule);
        }
    }
    if !is_complete {
        text.push_str(MORE);
    }
    let end = (0..=text.len().min(LONGEST + MORE.len())).rev().find(|end| text.is_char_boundary(*end));
    text.truncate(end.unwrap_or_default());
    Some(text)
}

/// An account, and whether it needs the rights in the whole cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Holder<'a> {
    user: &'a str,
    is_cluster: bool,
}

impl<'a> Holder<'a> {
    fn of(right: &'a Forbidden) -> Self {
        Self { user: &right.user, is_cluster: right.place == Scope::Cluster }
    }

    /// Says where the rules go.
    fn heading(self, rights: &[&Forbidden], account: Option<&str>, is_own: bool) -> String {
        let user = self.user;
        let namespaces: BTreeSet<&str> = rights
            .iter()
            .filter_map(|right| match &right.place {
                Scope::Namespace(namespace) => Some(namespace.as_str()),
                Scope::Cluster | Scope::Unknown => None,
            })
            .collect();
        let list = namespaces.iter().copied().collect::<Vec<_>>().join(", ");
        let place = if list.is_empty() { String::new() } else { format!(" in {list}") };
        match (is_own, self.is_cluster) {
            (true, true) => {
                "A ClusterRole that spec.role.clusterRole names, with spec.role.clusterWide, gives it"
                    .to_owned()
            }
            (true, false) => {
                let home = account.and_then(|account| account.rsplit(':').nth(1));
                let is_elsewhere =
                    namespaces.iter().any(|namespace| home.is_some_and(|home| home != *namespace));
                let binding = if is_elsewhere {
                    format!("; with spec.role.binds_to_namespaces: [{list}]")
                } else {
                    String::new()
                };
                format!(
                    "These rules in spec.role.rules (in place of the default ones{binding}), or in a Role of the account{place}, give it"
                )
            }
            (false, true) => {
                format!("{user} is not the account of the run. A ClusterRole bound to it gives it")
            }
            (false, false) => {
                format!("{user} is not the account of the run. A Role bound to it{place} gives it")
            }
        }
    }
}

/// The rules that give these rights, as YAML of three lines each.
fn rules(rights: &[&Forbidden]) -> Vec<String> {
    let mut verbs: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for Forbidden { group, resource, verb, .. } in rights {
        verbs.entry((group, resource)).or_default().insert(verb);
    }
    let rule = |((group, resource), verbs): ((&str, &str), BTreeSet<&str>)| {
        let verbs = verbs.into_iter().map(plain).collect::<Vec<_>>().join(", ");
        format!("\n- apiGroups: [\"{group}\"]\n  resources: [{}]\n  verbs: [{verbs}]", plain(resource))
    };
    verbs.into_iter().map(rule).collect()
}

/// A word in YAML. Few words are something else without quotation marks.
fn plain(word: &str) -> String {
    let is_word = word.starts_with(|letter: char| letter.is_ascii_lowercase());
    let is_other = matches!(word, "null" | "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n");
    if is_word && !is_other { word.to_owned() } else { format!("\"{word}\"") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::rbac::v1::PolicyRule;
    use proptest::prelude::*;

    const ACCOUNT: &str = "system:serviceaccount:chaos:run";

    fn right(verb: &str, group: &str, resource: &str, place: Scope) -> Forbidden {
        let [verb, group, resource] = [verb, group, resource].map(str::to_owned);
        Forbidden { user: ACCOUNT.to_owned(), verb, group, resource, name: None, place }
    }

    fn namespace(name: &str) -> Scope {
        Scope::Namespace(name.to_owned())
    }

    #[test]
    fn one_right_in_the_namespace_of_the_run_takes_three_lines() {
        let rights = [right("list", "", "pods", namespace("chaos"))];
        assert_eq!(
            advice(&rights, Some(ACCOUNT)).unwrap(),
            "the API server refused requests of the run: system:serviceaccount:chaos:run may not list pods in namespace chaos. \
             These rules in spec.role.rules (in place of the default ones), or in a Role of the account in chaos, give it:\n\
             - apiGroups: [\"\"]\n  resources: [pods]\n  verbs: [list]"
        );
        assert_eq!(
            sentence(&rights).unwrap(),
            "system:serviceaccount:chaos:run may not list pods in namespace chaos"
        );
    }

    #[test]
    fn another_namespace_has_to_be_bound() {
        let rights = [
            right("list", "", "pods", namespace("shop")),
            right("delete", "", "pods", namespace("shop")),
            right("patch", "apps", "deployments", namespace("shop")),
            right("get", "", "pods/log", namespace("shop")),
        ];
        assert_eq!(
            advice(&rights, Some(ACCOUNT)).unwrap(),
            "the API server refused requests of the run: system:serviceaccount:chaos:run may not list pods in namespace shop; \
             delete pods in namespace shop; patch deployments.apps in namespace shop; and 1 more. \
             These rules in spec.role.rules (in place of the default ones; with spec.role.binds_to_namespaces: [shop]), or in a Role of the account in shop, give it:\n\
             - apiGroups: [\"\"]\n  resources: [pods]\n  verbs: [delete, list]\n\
             - apiGroups: [\"\"]\n  resources: [pods/log]\n  verbs: [get]\n\
             - apiGroups: [\"apps\"]\n  resources: [deployments]\n  verbs: [patch]"
        );
        assert_eq!(
            sentence(&rights).unwrap(),
            "system:serviceaccount:chaos:run may not list pods in namespace shop (and lacks 3 other rights)"
        );
    }

    #[test]
    fn nodes_need_a_cluster_role() {
        let said = advice(&[right("list", "", "nodes", Scope::Cluster)], Some(ACCOUNT)).unwrap();
        assert!(said.contains("may not list nodes in the whole cluster. A ClusterRole that spec.role.clusterRole names, with spec.role.clusterWide, gives it:\n- "), "{said}");
    }

    #[test]
    fn a_run_that_needs_both_is_told_that_one_cluster_role_has_all_rules() {
        let rights =
            [right("list", "", "nodes", Scope::Cluster), right("list", "", "pods", namespace("chaos"))];
        let said = advice(&rights, Some(ACCOUNT)).unwrap();
        let (_, after) = said.split_once("give it:\n").unwrap();
        assert_eq!(
            after,
            "- apiGroups: [\"\"]\n  resources: [pods]\n  verbs: [list]\n\
             spec.role.rules cannot be used with spec.role.clusterRole, so a ClusterRole that it names, with spec.role.clusterWide, needs the rules above and these:\n\
             - apiGroups: [\"\"]\n  resources: [nodes]\n  verbs: [list]"
        );
    }

    #[test]
    fn another_account_is_named_and_gets_no_advice_about_the_role_of_the_run() {
        let other =
            Forbidden { user: "jane@example.com".to_owned(), ..right("list", "", "pods", namespace("shop")) };
        let said = advice(&[other], Some(ACCOUNT)).unwrap();
        assert!(
            said.contains(
                "jane@example.com is not the account of the run. A Role bound to it in shop gives it:\n- "
            ),
            "{said}"
        );
        assert!(!said.contains("spec.role"), "{said}");
    }

    #[test]
    fn nothing_is_said_of_a_run_that_lacked_nothing() {
        assert_eq!((sentence(&[]), advice(&[], Some(ACCOUNT))), (None, None));
    }

    fn any_right() -> impl Strategy<Value = Forbidden> {
        let place =
            prop_oneof![Just(Scope::Cluster), Just(Scope::Unknown), "[a-z]{1,63}".prop_map(Scope::Namespace)];
        ("[a-zä@:]{1,253}", "[a-z]{1,12}|no|null", "[a-z.]{0,60}", "[a-z0-9./-]{1,60}|null|1e3", place)
            .prop_map(|(user, verb, group, resource, place)| Forbidden {
                user,
                verb,
                group,
                resource,
                name: None,
                place,
            })
    }

    proptest! {
        #[test]
        fn the_rules_are_yaml_that_gives_the_rights(right in any_right()) {
            let said = advice(std::slice::from_ref(&right), None).unwrap();
            let (_, yaml) = said.split_once(":\n- ").unwrap();
            let rules: Vec<PolicyRule> = serde_saphyr::from_str(&format!("- {yaml}")).unwrap();
            prop_assert_eq!(rules.len(), 1);
            prop_assert_eq!(&rules[0].verbs, &[right.verb]);
            prop_assert_eq!(rules[0].resources.as_ref().unwrap(), &[right.resource]);
            prop_assert_eq!(rules[0].api_groups.as_ref().unwrap(), &[right.group]);
        }

        #[test]
        fn what_is_said_is_bounded(rights in prop::collection::vec(any_right(), 1..9)) {
            let said = advice(&rights, Some(ACCOUNT)).unwrap();
            prop_assert!(said.len() <= LONGEST + MORE.len(), "{}: {said}", said.len());
        }
    }
}
