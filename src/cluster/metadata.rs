//! Reads the metadata of objects.

use kube::Resource;

use chaostoolkit_api::names;

/// Returns whether an object is a child of the experiment with this uid.
pub fn belongs_to<K: Resource>(object: &K, uid: &str) -> bool {
    let labels = object.meta().labels.as_ref();
    !uid.is_empty()
        && labels.and_then(|labels| labels.get(names::UID_LABEL)).is_some_and(|found| found == uid)
}

/// Returns the finalizers of an object without the unwanted ones. Returns `None` if it has no unwanted ones.
pub fn without_finalizers<K: Resource>(object: &K, unwanted: &[&str]) -> Option<Vec<String>> {
    let finalizers = object.meta().finalizers.as_ref()?;
    let wanted: Vec<String> =
        finalizers.iter().filter(|found| !unwanted.contains(&found.as_str())).cloned().collect();
    (wanted.len() < finalizers.len()).then_some(wanted)
}

/// Returns whether a pod has the finalizer that holds it until its outcome is recorded.
pub fn is_held<K: Resource>(pod: &K) -> bool {
    pod.meta().finalizers.iter().flatten().any(|finalizer| finalizer == names::OUTCOME_FINALIZER)
}
