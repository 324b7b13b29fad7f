//! Where a pod is.

use std::fmt;

use kube::Resource;

/// Namespace and name of a pod. Both are empty for a pod that no API server has seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PodAddress {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl PodAddress {
    /// The address of a pod, or of its metadata.
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
