//! Rights that the layer `api` of the tests does not use, each with who uses it.

use crate::granted::{Right, Role};

/// Some rights, and who uses them.
#[derive(Debug)]
pub struct Elsewhere {
    role: Role,
    verb: &'static str,
    group: &'static str,
    resources: &'static [&'static str],
    #[expect(dead_code, reason = "it is printed")]
    who: &'static str,
}

impl Elsewhere {
    pub fn is(&self, right: &Right) -> bool {
        self.role == right.role
            && self.verb == right.verb
            && self.group == right.group
            && self.resources.contains(&&*right.resource)
    }
}

const fn of(
    role: Role,
    verb: &'static str,
    group: &'static str,
    resources: &'static [&'static str],
    who: &'static str,
) -> Elsewhere {
    Elsewhere { role, verb, group, resources, who }
}

/// Used in the layer `node`.
pub const NODE: &[Elsewhere] = &[
    of(
        Role::Home,
        "delete",
        "",
        &["configmaps"],
        "tests/node.rs, the_overlay_runs_the_image_in_the_cluster_ready_idle_and_small: the journal of an experiment",
    ),
    of(Role::Home, "get", "", &["pods"], "the same test: the operator's own pod"),
    of(
        Role::Conditions,
        "get",
        "apps",
        &["deployments"],
        "tests/examples/signals.rs: a gate that reads a condition",
    ),
];

/// Used where the log does not show it.
const OTHERS: &[Elsewhere] = &[
    of(Role::Home, "list", "chaostoolkit.org", &["chaosexperiments"], NO_STREAMS),
    of(Role::Cluster, "list", "chaostoolkit.org", &["chaosexperiments"], NO_STREAMS),
    of(Role::Cluster, "list", "", &["pods"], NO_STREAMS),
    of(Role::Cluster, "list", "chaostoolkit.org", &["chaosfreezes"], NO_STREAMS),
    of(Role::Cluster, "list", "batch", &["cronjobs", "jobs"], NO_STREAMS),
    of(
        Role::Cluster,
        "patch",
        "events.k8s.io",
        &["events"],
        "an event that repeats within minutes on an experiment of a team",
    ),
    of(
        Role::OwnNamespace,
        "delete",
        "chaostoolkit.org",
        &["chaosexperiments"],
        "a time to live in a namespace of a team",
    ),
    of(
        Role::Cluster,
        "patch",
        "",
        &["pods"],
        "the deletion of a namespace after its RoleBinding; the log does not tell which role allowed the request",
    ),
];

const NO_STREAMS: &str = "an API server that does not stream lists";

pub fn all() -> impl Iterator<Item = &'static Elsewhere> {
    [NODE, OTHERS].into_iter().flatten()
}
