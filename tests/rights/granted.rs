//! What the manifests grant to the operator.

use std::collections::BTreeSet;
use std::fmt::{self, Display};

use serde_json::Value;

use crate::common::install::{cluster_wide, documents, kustomize};

/// Where a role of the operator applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The Role in the operator's namespace.
    Home,
    /// The `ClusterRole` that is bound in the whole cluster.
    Cluster,
    /// The `ClusterRole` for the operator's own work in namespaces of runs.
    RunObjects,
    /// The `ClusterRole` of the overlay `multi-tenant` for namespaces with experiments of their own.
    OwnNamespace,
    /// The `ClusterRole` of the component `cluster-wide`, which is bound in the whole cluster and which no overlay has.
    ClusterWide,
    /// The Role of an example, which stands for what an administrator lets gates read.
    Conditions,
}

impl Role {
    /// Its kind and name in the manifests.
    fn object(self) -> [&'static str; 2] {
        match self {
            Self::Home => ["Role", "chaostoolkit-crd"],
            Self::Cluster => ["ClusterRole", "chaostoolkit-crd"],
            Self::RunObjects => ["ClusterRole", "chaostoolkit-crd-run-objects"],
            Self::OwnNamespace => ["ClusterRole", "chaostoolkit-crd-own-namespace"],
            Self::ClusterWide => ["ClusterRole", "chaostoolkit-crd-cluster-bindings"],
            Self::Conditions => ["Role", "chaostoolkit-conditions"],
        }
    }
}

/// One right of a role. The subresource is part of the resource, such as `pods/log`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    pub role: Role,
    pub verb: String,
    pub group: String,
    pub resource: String,
    /// The only object that the right is for.
    pub name: Option<String>,
}

impl Display for Right {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [kind, name] = self.role.object();
        write!(formatter, "{kind} {name}: {} {:?} {}", self.verb, self.group, self.resource)?;
        self.name.iter().try_for_each(|name| write!(formatter, " {name}"))
    }
}

/// Returns the rights of the operator in an overlay, except those that it holds only to give them to runs. The component
/// `cluster-wide` and what an example has the administrator add go with each overlay.
pub fn with_components(overlay: &str) -> BTreeSet<Right> {
    let example = include_str!("../../examples/gate-resource.yaml");
    let mut rights = by(overlay);
    for (role, objects) in [(Role::ClusterWide, cluster_wide()), (Role::Conditions, documents(example))] {
        rights.extend(of(role, named(&objects, role.object())));
    }
    rights
}

/// The same without any component.
pub fn by(overlay: &str) -> BTreeSet<Right> {
    let objects = rendered(overlay);
    let mut roles = vec![Role::Home, Role::Cluster, Role::RunObjects];
    roles.extend((overlay == "multi-tenant").then_some(Role::OwnNamespace));
    roles.into_iter().flat_map(|role| of(role, named(&objects, role.object()))).collect()
}

/// Returns the objects of an overlay.
pub fn rendered(overlay: &str) -> Vec<Value> {
    documents(&kustomize(&format!("{}/manifests/overlays/{overlay}", env!("CARGO_MANIFEST_DIR"))))
}

/// Returns the object of a kind and a name.
pub fn named<'a>(objects: &'a [Value], [kind, name]: [&str; 2]) -> &'a Value {
    let is_it = |object: &&Value| object["kind"] == kind && object["metadata"]["name"] == name;
    objects.iter().find(is_it).unwrap_or_else(|| panic!("there is no {kind} {name}"))
}

/// Returns the rights in the rules of a role.
pub fn of(role: Role, object: &Value) -> Vec<Right> {
    let mut rights = Vec::new();
    for rule in object["rules"].as_array().unwrap() {
        assert!(rule.get("nonResourceURLs").is_none(), "not modelled here: {rule}");
        let texts = |key: &str| -> Vec<String> { serde_json::from_value(rule[key].clone()).unwrap() };
        let names = match rule.get("resourceNames") {
            Some(_) => texts("resourceNames").into_iter().map(Some).collect(),
            None => vec![None],
        };
        for (group, resource) in pairs(&texts("apiGroups"), &texts("resources")) {
            for (verb, name) in pairs(&texts("verbs"), &names) {
                let [group, resource] = [&group, &resource].map(Clone::clone);
                rights.push(Right { role, verb, group, resource, name });
            }
        }
    }
    rights
}

fn pairs<A: Clone, B: Clone>(first: &[A], second: &[B]) -> Vec<(A, B)> {
    first.iter().flat_map(|one| second.iter().map(move |other| (one.clone(), other.clone()))).collect()
}
