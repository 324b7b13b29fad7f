//! The Jobs of a schedule. Kubernetes creates them from the `CronJob`; a rerun is created here.

use std::collections::HashSet;

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Event;
use kube::api::{DeleteParams, DynamicObject, Patch};
use serde_json::json;

use crate::cluster::manifest::{Kind, Manifest, title};
use crate::cluster::{self, Cluster, gone_is_fine, patching};
use crate::experiment::build::targets;
use crate::experiment::children::{delete, events, pages};
use crate::experiment::judge::job;
use crate::experiment::parent::{Jobs, Parent};
use chaostoolkit_api::{Targets, names};

/// Lists the Jobs with the label of an experiment in a namespace. Of very many, only the newest of its schedule count.
pub async fn list(cluster: &Cluster, namespace: &str, parent: &Parent) -> Result<Jobs, cluster::Error> {
    let mut others = HashSet::new();
    let is_own = |job: &Job| {
        let is_own = parent.owns_job(job);
        others.extend(job.metadata.uid.clone().filter(|_| !is_own));
        is_own
    };
    let own = pages::newest(cluster, &cluster.jobs(namespace)?, ("jobs", parent.uid()), is_own).await?;
    Ok(Jobs { own, others })
}

/// Deletes a Job, and leaves its pods to the garbage collector.
pub async fn remove(cluster: &Cluster, job: &Job) -> Result<(), cluster::Error> {
    let parameters = DeleteParams::background().preconditions(delete::only(job.metadata.uid.clone()));
    let namespace = job.metadata.namespace.as_deref().unwrap_or_default();
    let name = job.metadata.name.as_deref().unwrap_or_default();
    delete::object(cluster, Kind::Job, namespace, name, &parameters).await
}

/// Lets a suspended Job start its pod, unless it is gone. The pod gets the names of the namespaces that were found for the run.
pub async fn release(cluster: &Cluster, job: &Job, found: Option<&Targets>) -> Result<(), cluster::Error> {
    let namespace = job.metadata.namespace.as_deref().unwrap_or_default();
    let name = job.metadata.name.as_deref().unwrap_or_default();
    let mut patch = json!({
        "metadata": {"uid": job.metadata.uid, "annotations": {names::RELEASED_ANNOTATION: "true"}},
        "spec": {"suspend": false},
    });
    if let Some(found) = found {
        patch["spec"]["template"] = json!({"metadata": {"annotations": targets::annotations(found)}});
    }
    let api = cluster.objects(Kind::Job, namespace)?;
    let (checked, parameters) = (api.name(name)?, patching());
    let doing = format!("let {} go", title(Kind::Job, namespace, name));
    gone_is_fine(
        cluster
            .call(doing, api.patch_metadata(&checked, &parameters, &Patch::Merge(&patch)))
            .await
            .map(|_| ()),
    )
}

/// Reads the newest event that says why the Job controller could not create a pod.
pub async fn refusal(cluster: &Cluster, job: &Job) -> Result<Option<Event>, cluster::Error> {
    Ok(job::newest(events::list(cluster, Kind::Job, job, ",reason=FailedCreate").await?))
}

/// The Job of a rerun. It is what `kubectl create job --from` creates from the `CronJob`, with the request in an annotation.
/// Its name follows from the request, so that a request starts at most one run.
#[must_use]
pub fn rerun(cron_job: &DynamicObject, request: &str) -> Manifest {
    let name = cron_job.metadata.name.as_deref().unwrap_or_default();
    let template = &cron_job.data["spec"]["jobTemplate"];
    let object = json!({
        "apiVersion": "batch/v1",
        "kind": Kind::Job.to_string(),
        "metadata": {
            "name": rerun_name(name, request),
            "namespace": cron_job.metadata.namespace,
            "labels": template["metadata"]["labels"],
            "annotations": template["metadata"]["annotations"],
            "ownerReferences": [{
                "apiVersion": "batch/v1",
                "kind": Kind::CronJob.to_string(),
                "name": name,
                "uid": cron_job.metadata.uid,
                "controller": true,
            }],
        },
        "spec": template["spec"],
    });
    let mut job = Manifest::new(Kind::Job, object);
    let annotations = job.map(&["metadata", "annotations"]);
    annotations.insert(job::MANUAL.to_owned(), "manual".into());
    annotations.insert(names::RERUN_ANNOTATION.to_owned(), request.into());
    job
}

/// The name of the Job of a rerun. It is as long as that of a Job that Kubernetes creates may be.
#[must_use]
pub fn rerun_name(cron_job: &str, request: &str) -> String {
    names::child(cron_job, &names::suffix(request))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rerun_is_what_kubectl_creates_from_the_cron_job() {
        let template = json!({
            "metadata": {"labels": {"a": "b"}, "annotations": {"c": "d"}},
            "spec": {"backoffLimit": 0, "fieldOfTomorrow": 1, "template": {"spec": {"containers": []}}},
        });
        let cron_job: DynamicObject = serde_json::from_value(json!({
            "apiVersion": "batch/v1", "kind": "CronJob",
            "metadata": {"name": "chaos", "namespace": "run", "uid": "cron-uid"},
            "spec": {"schedule": "* * * * *", "jobTemplate": template},
        }))
        .unwrap();
        let made = rerun(&cron_job, "2026-01-01T00:00:00+00:00");
        assert_eq!(made.to_dynamic().unwrap().types.unwrap().kind, "Job");
        let name = rerun_name("chaos", "2026-01-01T00:00:00+00:00");
        let metadata = json!({
            "name": name, "namespace": "run", "labels": {"a": "b"},
            "annotations": {"c": "d", "cronjob.kubernetes.io/instantiate": "manual",
                "chaostoolkit.org/rerun": "2026-01-01T00:00:00+00:00"},
            "ownerReferences": [{"apiVersion": "batch/v1", "kind": "CronJob", "name": "chaos", "uid": "cron-uid",
                "controller": true}],
        });
        assert_eq!(made.value["metadata"], metadata);
        assert_eq!(made.value["spec"], template["spec"]);
        assert_eq!(name.len(), "chaos-29384756".len() + 2);
        assert_ne!(name, rerun_name("chaos", "another"), "each request has a name of its own");
    }

    /// The name of a `CronJob` has at most 52 characters, and the name of a Job at most 63.
    #[test]
    fn the_name_of_a_rerun_is_short_enough() {
        assert_eq!(rerun_name(&"c".repeat(52), "now").len(), 63);
    }
}
