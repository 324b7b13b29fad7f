//! The rights of the account of a run: pure.

use std::collections::BTreeSet;

use crate::cluster::manifest::Kind;
use crate::experiment::build::resources::Resources;
use crate::experiment::decide::plan::Plan;
use crate::experiment::permit::question::Question;
use crate::experiment::permit::rights::{creates_account, existing_role};
use crate::experiment::permit::rules::Rule;
use crate::toolkit::rights::Namespace;
use crate::toolkit::rights::rule::Grant;

/// Rights, each in a namespace.
pub(super) type Rights = BTreeSet<(Namespace, Grant)>;

/// The account of a run, by what the run gives it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Account {
    /// The rights that are needed and that the run does not give.
    pub lacking: Rights,
    /// The name of an account that exists already, and may have more rights.
    pub name: Option<String>,
    /// Whether it has no rights outside of namespaces.
    pub is_bounded: bool,
}

impl Account {
    /// Looks for rights that the run does not give to its account. What an existing binding, Role or `ClusterRole` gives is not
    /// known here, and counts as given.
    pub(super) fn of(plan: &Plan, resources: &Resources, needed: Rights) -> Self {
        let name = resources.pod()["spec"]["serviceAccountName"].as_str().unwrap_or("default");
        let is_own = creates_account(resources, name);
        let is_wide = resources.owned.iter().any(|own| own.kind == Kind::ClusterRoleBinding);
        let name = (!is_own).then(|| name.to_owned());
        if !plan.rights.bind || is_wide {
            return Self { name, ..Self::default() };
        }
        let lacking = needed.into_iter().filter(|right| !is_given(resources, right)).collect();
        Self { lacking, name, is_bounded: is_own }
    }

    /// What is known if nobody can be asked.
    pub(super) fn without_questions(self) -> Self {
        if self.name.is_some() { Self { lacking: Rights::new(), ..self } } else { self }
    }
}

/// Whether the run gives a right, or may give it.
fn is_given(resources: &Resources, right: &(Namespace, Grant)) -> bool {
    let asked = question(right);
    let mut here = resources.owned.iter().filter(|own| own.namespace() == asked.namespace);
    here.any(|own| match own.kind {
        Kind::Role => Rule::of(&own.value).iter().any(|rule| rule.allows(&asked)),
        Kind::RoleBinding => existing_role(resources, own).is_some(),
        _ => false,
    })
}

/// Returns a right as a question to the API server.
pub(super) fn question((namespace, grant): &(Namespace, Grant)) -> Question {
    let Grant { group, resource, verb, object } = grant;
    let namespace = match namespace {
        Namespace::Known(name) => name.as_str(),
        Namespace::Unknown(_) => "",
    };
    let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    Question {
        subresource: subresource.to_owned(),
        name: object.clone().unwrap_or_default(),
        ..Question::new(verb, (group, resource), namespace)
    }
}

#[cfg(test)]
mod tests;
