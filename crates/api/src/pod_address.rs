//! The address of a pod.

use std::fmt;

use kube::Resource;

/// The namespace and the name of a pod. Both are empty if the pod was never stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PodAddress {
    /// The namespace of the pod.
    pub namespace: String,
    /// The name of the pod.
    pub name: String,
}

impl PodAddress {
    /// Returns the address of a pod, which may be its metadata only.
    pub fn of(pod: &impl Resource) -> Self {
        let metadata = pod.meta();
        Self {
            namespace: metadata.namespace.clone().unwrap_or_default(),
            name: metadata.name.clone().unwrap_or_default(),
        }
    }
}

impl fmt::Display for PodAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}
