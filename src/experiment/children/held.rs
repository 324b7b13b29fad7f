//! What somebody else's finalizer holds: pure.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::cluster::manifest::{Kind, title};
use crate::experiment::children::delete::Progress;
use chaostoolkit_api::names;

/// The finalizers that the operator and Kubernetes take off by themselves.
const EXPECTED: [&str; 4] =
    [names::OUTCOME_FINALIZER, "batch.kubernetes.io/job-tracking", "foregroundDeletion", "orphan"];

/// Returns what to wait for until an object is gone. If it is deleted, and only finalizers of others are left to wait for, these
/// are named.
#[must_use]
pub fn until_gone(kind: Kind, metadata: &ObjectMeta) -> Progress {
    let is_others = |finalizer: &&str| !EXPECTED.contains(finalizer);
    let finalizers = metadata.finalizers.iter().flatten().map(String::as_str);
    let others: Vec<&str> = finalizers.filter(is_others).collect();
    if metadata.deletion_timestamp.is_none() || others.is_empty() {
        return Progress::Waiting;
    }
    let [namespace, name] =
        [&metadata.namespace, &metadata.name].map(|text| text.as_deref().unwrap_or_default());
    let object = title(kind, namespace, name);
    Progress::Held(format!(
        "{object} is deleted, and held by a finalizer of somebody else: {}",
        others.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case::not_deleted(None, &["example.com/other"], None)]
    #[case::not_held(Some("2026-01-01T00:00:00Z"), &[], None)]
    #[case::held_by_the_operator(Some("2026-01-01T00:00:00Z"), &[names::OUTCOME_FINALIZER], None)]
    #[case::held_by_kubernetes(Some("2026-01-01T00:00:00Z"), &["batch.kubernetes.io/job-tracking"], None)]
    #[case::held_by_others(
        Some("2026-01-01T00:00:00Z"),
        &[names::OUTCOME_FINALIZER, "example.com/one", "example.com/other"],
        Some("Pod run/it is deleted, and held by a finalizer of somebody else: example.com/one, example.com/other")
    )]
    fn the_finalizers_of_others_are_named(
        #[case] deleted: Option<&str>,
        #[case] finalizers: &[&str],
        #[case] expected: Option<&str>,
    ) {
        let metadata =
            json!({"name": "it", "namespace": "run", "deletionTimestamp": deleted, "finalizers": finalizers});
        let found = until_gone(Kind::Pod, &serde_json::from_value(metadata).unwrap());
        assert_eq!(found, expected.map_or(Progress::Waiting, |words| Progress::Held(words.to_owned())));
    }
}
