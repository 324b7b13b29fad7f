//! What the author of a run has to be allowed to do: pure.
//!
//! The author needs what the run will be able to do, and what the operator does for the author beyond that. The account, the
//! Role and the binding of a run in its own namespace only lend the author's rights to the run, so they are not asked for.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::cluster::manifest::{Kind, Manifest};
use crate::experiment::build::resources::Resources;
use crate::experiment::permit::question::Question;
use crate::experiment::permit::rules::Rule;
use chaostoolkit_api::Text;

/// How many rights are asked for.
pub const MOST: usize = 512;

/// In how many namespaces besides its own, and besides those that were found for it, a run may have rights.
const MOST_NAMESPACES: usize = 8;

const RBAC: &str = "rbac.authorization.k8s.io";

/// The rights that an author needs for a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// The author needs all of these. Each is in the list once.
    pub all: Vec<Question>,
    /// The existing Roles that the run gets.
    pub roles: Vec<Existing>,
}

/// An existing Role that the operator binds. The author needs the right to bind it, or all rights that it gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Existing {
    /// The right to bind it.
    pub bind: Question,
    /// Its namespace and name, if it is a Role. The operator cannot read a `ClusterRole`, so only the right to bind it counts.
    pub role: Option<(String, String)>,
}

/// The run has more rights than are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany;

/// Lists the rights that the author needs. `creates_namespace`: the namespace of the run does not exist, and is not the
/// default one.
pub fn needed(resources: &Resources, creates_namespace: bool) -> Result<Rights, TooMany> {
    let namespace = resources.workload.namespace();
    let mut asked = Asked::default();
    if creates_namespace {
        asked.add(Question::new("create", ("", "namespaces"), ""))?;
    }
    asked.add(Question::new("create", ("", "pods"), namespace))?;
    if resources.is_scheduled() {
        asked.add(Question::new("create", ("batch", "cronjobs"), namespace))?;
        asked.add(Question::new("create", ("batch", "jobs"), namespace))?;
    }
    let mut others = BTreeSet::new();
    let mut roles = Vec::new();
    for manifest in &resources.owned {
        let place = manifest.namespace();
        if place != namespace && manifest.kind.is_namespaced() {
            others.insert(place);
        }
        match manifest.kind {
            Kind::Role => asked.add_role(&manifest.value, place)?,
            Kind::RoleBinding | Kind::ClusterRoleBinding => {
                let existing = existing_role(resources, manifest);
                if place != namespace || existing.is_some() || !binds_own_account(resources, manifest) {
                    let plural = manifest.kind.api_resource().plural;
                    asked.add(Question::new("create", (RBAC, &plural), place))?;
                }
                roles.extend(existing);
            }
            _ => {}
        }
    }
    let found = resources.targets.as_ref().map_or(0, |targets| targets.namespaces.len());
    if others.len() > MOST_NAMESPACES + found {
        return Err(TooMany);
    }
    Ok(Rights { all: asked.list, roles })
}

/// Lists the rights that a Role gives in a namespace, each once.
pub fn of_role(role: &Value, namespace: &str) -> Result<Vec<Question>, TooMany> {
    let mut asked = Asked::default();
    asked.add_role(role, namespace)?;
    Ok(asked.list)
}

/// Questions without repetitions, in their order.
#[derive(Default)]
struct Asked {
    list: Vec<Question>,
    known: BTreeSet<Question>,
    looked_at: usize,
}

impl Asked {
    fn add(&mut self, question: Question) -> Result<(), TooMany> {
        if self.known.insert(question.clone()) {
            if self.list.len() == MOST {
                return Err(TooMany);
            }
            self.list.push(question);
        }
        Ok(())
    }

    fn add_role(&mut self, role: &Value, namespace: &str) -> Result<(), TooMany> {
        for rule in Rule::of(role) {
            for question in rule.questions(namespace) {
                // A rule may repeat its words, and each repetition multiplies.
                self.looked_at += 1;
                if self.looked_at > 16 * MOST {
                    return Err(TooMany);
                }
                self.add(question)?;
            }
        }
        Ok(())
    }
}

/// Returns the Role of a binding if the run does not create it.
#[must_use]
pub fn existing_role(resources: &Resources, binding: &Manifest) -> Option<Existing> {
    let (place, role) = (binding.namespace(), &binding.value["roleRef"]);
    let name = role["name"].as_str().unwrap_or_default();
    let is_role = role["kind"] == Kind::Role.as_str();
    let is_created =
        |own: &Manifest| own.kind == Kind::Role && own.namespace() == place && own.name() == name;
    if is_role && resources.owned.iter().any(is_created) {
        return None;
    }
    let plural = if is_role { "roles" } else { "clusterroles" };
    Some(Existing {
        bind: Question { name: name.to_owned(), ..Question::new("bind", (RBAC, plural), place) },
        role: is_role.then(|| (place.to_owned(), name.to_owned())),
    })
}

/// Whether a binding gives its Role to the account that the run creates, and to nobody else.
#[must_use]
pub fn binds_own_account(resources: &Resources, binding: &Manifest) -> bool {
    let is_own = |subject: &Value| {
        subject["kind"] == Kind::ServiceAccount.as_str()
            && subject["namespace"] == resources.workload.namespace()
            && creates_account(resources, subject["name"].as_str().unwrap_or_default())
    };
    let subjects = binding.value["subjects"].as_array();
    subjects.is_some_and(|subjects| subjects.iter().all(is_own))
}

/// Whether the run creates a service account of this name.
#[must_use]
pub fn creates_account(resources: &Resources, name: &str) -> bool {
    resources.owned.iter().any(|own| own.kind == Kind::ServiceAccount && own.name() == name)
}
