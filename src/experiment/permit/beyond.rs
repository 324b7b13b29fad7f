//! What a run has beyond the default one: the run in the default namespace, with account and Role of the default templates.
//! Pure.

use serde_json::Value;

use crate::cluster::manifest::{Kind, Manifest};
use crate::experiment::build::resources::Resources;
use crate::experiment::permit::rights;
use crate::experiment::permit::rules::Rule;
use chaostoolkit_api::{Experiment, names};

/// What a run has beyond the default one, in words that continue "the run".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beyond {
    /// It takes place in another namespace.
    pub place: Option<String>,
    /// It has rights in further namespaces, or in the whole cluster.
    pub reach: Option<String>,
    /// It uses an account that was not created for it, or gives rights to one.
    pub account: Option<String>,
    /// It gets a Role that was not created for it.
    pub role: Option<String>,
    /// Its Role gives more than that of the default templates.
    pub rules: Option<String>,
}

impl Beyond {
    /// Compares a run with the default one. `default_role` is the Role of the default templates, unless the run's is made from
    /// it.
    #[must_use]
    pub fn of(resources: &Resources, default_role: Option<&Value>) -> Self {
        let namespace = resources.workload.namespace();
        let owned = |kind| resources.owned.iter().filter(move |own| own.kind == kind);
        let place = (namespace != names::DEFAULT_RUN_NAMESPACE)
            .then(|| format!("takes place in namespace {namespace}"));
        let bindings = || owned(Kind::RoleBinding).chain(owned(Kind::ClusterRoleBinding));
        let is_far = |own: &&Manifest| own.kind.is_namespaced() && own.namespace() != namespace;
        let far = resources.owned.iter().find(is_far);
        let reach = far.map(|far| format!("has rights in namespace {}", far.namespace()));
        let wide =
            owned(Kind::ClusterRoleBinding).next().map(|_| "has rights in the whole cluster".to_owned());
        let account = resources.pod()["spec"]["serviceAccountName"].as_str().unwrap_or_default();
        let foreign = bindings().any(|one| !rights::binds_own_account(resources, one));
        let existing = bindings().find_map(|one| rights::existing_role(resources, one));
        let more = default_role.and_then(|default| owned(Kind::Role).find_map(|role| more(role, default)));
        Self {
            place,
            reach: wide.or(reach),
            account: if rights::creates_account(resources, account) {
                foreign.then(|| "gives its rights to an existing account".to_owned())
            } else {
                Some(format!("uses the existing account {account:?}"))
            },
            role: existing.map(|existing| format!("gets the existing role {:?}", existing.bind.name)),
            rules: more,
        }
    }

    /// Whether the run is the default one.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.first().is_none()
    }

    /// Whether the run has no Role but one within that of the default templates, bound in its namespace alone, as far as its
    /// templates decide that.
    #[must_use]
    pub const fn is_within_templates(&self) -> bool {
        self.rules.is_none() && self.reach.is_none()
    }

    /// The first thing that the run has beyond the default one.
    #[must_use]
    pub fn first(&self) -> Option<&str> {
        let all = [&self.place, &self.reach, &self.account, &self.role, &self.rules];
        all.into_iter().find_map(Option::as_deref)
    }
}

/// Names a right that a Role gives and that the default one does not give.
fn more(role: &Manifest, default: &Value) -> Option<String> {
    let defaults = Rule::of(default);
    let Ok(given) = rights::of_role(&role.value, role.namespace()) else {
        return Some("has a Role with very many rights".to_owned());
    };
    let more = given.iter().find(|given| !defaults.iter().any(|default| default.allows(given)))?;
    Some(format!("may {more}, unlike one with the Role of the default templates"))
}

/// Whether the Role of an experiment's runs is not simply that of the default templates.
#[must_use]
pub fn has_own_role(experiment: &Experiment) -> bool {
    let is_default = |name: &str| matches!(name, "" | names::TEMPLATES);
    let template = given(experiment, "/template/name");
    template.is_some_and(|name| !name.as_str().is_some_and(is_default))
        || has_generated_role(experiment)
        || given(experiment, "/role/rules").is_some()
}

/// Whether the Role of an experiment's runs follows from its activities, which no policy can read.
#[must_use]
pub fn has_generated_role(experiment: &Experiment) -> bool {
    given(experiment, "/role/generate").is_some_and(|value| *value != Value::Bool(false))
}

/// Whether an experiment has namespaces found for its runs, which no policy can know at the request.
#[must_use]
pub fn has_targets(experiment: &Experiment) -> bool {
    given(experiment, "/targets").is_some()
}

/// Whether the author chooses a `ClusterRole`, which the owner of the experiment's namespace may not know.
#[must_use]
pub fn has_cluster_role(experiment: &Experiment) -> bool {
    given(experiment, "/role/clusterRole").is_some_and(|name| name.as_str() != Some(""))
}

fn given<'a>(experiment: &'a Experiment, path: &str) -> Option<&'a Value> {
    experiment.spec.as_ref()?.pointer(path).filter(|value| !value.is_null())
}
