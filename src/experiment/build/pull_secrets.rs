//! The pull secrets of a pod.
//!
//! Kubernetes gives a pod the pull secrets of its service account only if the pod names none. So if the operator adds its
//! own, it has to add those of the account too.
//! <https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#add-imagepullsecrets-to-a-service-account>

use serde_json::{Value, json};

use crate::cluster::manifest::{Kind, Manifest};
use crate::experiment::build::cron_job;
use crate::experiment::build::resources::Resources;

/// Returns the service account whose pull secrets the pod lacks, because it names only those of the operator.
#[must_use]
pub fn account_to_read<'a>(resources: &'a Resources, of_the_operator: &[String]) -> Option<&'a str> {
    let spec = &resources.pod()["spec"];
    let named = spec["imagePullSecrets"].as_array().filter(|named| !named.is_empty())?;
    let is_added = |secret: &Value| of_the_operator.iter().any(|added| secret["name"] == added.as_str());
    if named.iter().all(is_added) { spec["serviceAccountName"].as_str() } else { None }
}

/// Puts the pull secrets of the account before the others.
#[must_use]
pub fn with_those_of_the_account(workload: &Manifest, secrets: &[String]) -> Manifest {
    let mut workload = workload.clone();
    let is_scheduled = workload.kind == Kind::CronJob;
    let pod = if is_scheduled { cron_job::POD } else { &[] };
    let spec = workload.map(&[pod, &["spec"]].concat());
    let mut all: Vec<Value> = secrets.iter().map(|secret| json!({"name": secret})).collect();
    for named in spec.get("imagePullSecrets").and_then(Value::as_array).into_iter().flatten() {
        if !all.contains(named) {
            all.push(named.clone());
        }
    }
    spec.insert("imagePullSecrets".to_owned(), Value::Array(all));
    if is_scheduled {
        cron_job::rehash(&mut workload);
    }
    workload
}
