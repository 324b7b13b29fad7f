//! Adopts the experiments that the Python operator 0.14.0 has handled: takes over what it had created, and runs nothing
//! again.
//!
//! The objects of 0.14.0 have no label that says whose they are. Their names derive from the experiment's uid, as ours do.
//! Pod and `CronJob` get our label, so that they are followed. The other objects are recorded as adopted.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::api::{DynamicObject, Patch};
use kube::runtime::events::Event;
use serde_json::json;
use tracing::warn;

use crate::cluster::manifest::{Kind, Manifest};
use crate::cluster::{Cluster, patching};
use crate::experiment::apart::list::Entry;
use crate::experiment::build::resources::Resources;
use crate::experiment::children::create;
use crate::experiment::decide::plan::{Owner, Plan};
use crate::experiment::error::Error;
use crate::experiment::judge::pod_state::{PodState, pod_state};
use crate::experiment::pass::Pass;
use crate::experiment::stages::prepare::prepare;
use crate::experiment::status::events::{self, Action};
use crate::experiment::wait::Wait;
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::{Experiment, ResourceRef, Status, Text, names};

/// Whether the Python operator has handled an experiment that ours has not touched yet.
#[must_use]
pub fn is_due(experiment: &Experiment) -> bool {
    let is_handled =
        |annotations: &BTreeMap<String, String>| annotations.contains_key(names::KOPF_ANNOTATION);
    let is_untouched = |status: &Status| status.run.is_none() && status.schedule.is_none();
    experiment.metadata.annotations.as_ref().is_some_and(is_handled)
        && experiment.status.as_ref().is_none_or(is_untouched)
}

/// Takes over what exists, and returns that the next pass follows at once. It goes on from the recorded status: with the
/// pod if there is one, with the end of the run if there is none, and with the schedule in any case.
pub async fn adopt(pass: &mut Pass<'_>, plan: &Plan, resources: &Resources) -> Result<Wait, Error> {
    let cluster = &pass.context.cluster;
    let mut existing = Vec::new();
    for manifest in &resources.owned {
        if let Some(found) = find(cluster, manifest, &plan.owner.uid).await? {
            let uid = found.metadata.uid;
            existing.push(ResourceRef { adopted: true, uid, ..manifest.reference() });
        }
    }
    let workload = &resources.workload;
    let found = find(cluster, workload, &plan.owner.uid).await?;
    if let Some(found) = &found {
        claim(cluster, workload, found, &plan.owner).await?;
    }
    pass.context.apart.list(Entry::of_run(&plan.owner.uid, resources)).await?;
    pass.draft.planned(plan, resources);
    existing.extend(resources.is_scheduled().then(|| workload.reference()));
    pass.draft.status.resources = existing;
    if let Some(run) = pass.draft.status.run.as_mut().filter(|_| !resources.is_scheduled()) {
        // From here on this pod counts, and no other with its name.
        run.pod_uid = found.as_ref().and_then(|found| found.metadata.uid.clone());
    }
    if found.is_none() && !resources.is_scheduled() {
        pass.draft.adopted_without_pod();
    }
    pass.write().await?;
    pass.publish(&adopted(found.is_some(), workload)).await;
    Ok(Wait::at_most(Duration::ZERO))
}

/// Adopts an experiment that was deleted while no operator ran. Its objects have to be known to be removed.
///
/// If the spec or the templates do not allow that any more, an event names what may be left behind, as 0.14.0 left it.
/// Returns whether all objects are known.
pub async fn for_teardown(pass: &mut Pass<'_>) -> Result<bool, Error> {
    if !is_due(&pass.live) {
        return Ok(true);
    }
    match prepare(pass).await {
        Ok((plan, resources)) => adopt(pass, &plan, &resources).await.map(|_| true),
        Err(error) if error.is_for_people() => {
            let note = format!(
                "objects whose names end in -{} may be left behind: {}",
                names::suffix(pass.live.uid()),
                error.describe()
            );
            warn!("{note}");
            let reason = Reason::CleanupBlocked.as_str();
            pass.publish(&events::warning(reason, Action::AdoptExperiment, &note)).await;
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Looks up an object of the Python operator. One with the label of another experiment does not count.
async fn find(cluster: &Cluster, manifest: &Manifest, uid: &str) -> Result<Option<DynamicObject>, Error> {
    let api = cluster.objects(manifest.kind, manifest.namespace())?;
    let found: Option<DynamicObject> = cluster.find(&api, manifest.kind.as_str(), manifest.name()).await?;
    let owner = |found: &DynamicObject| found.metadata.labels.as_ref()?.get(names::UID_LABEL).cloned();
    Ok(found.filter(|found| owner(found).is_none_or(|owner| owner == uid)))
}

fn adopted(is_found: bool, workload: &Manifest) -> Event {
    let title = workload.title();
    let note = if is_found {
        format!("the Python operator handled this experiment before: took over {title}")
    } else {
        format!(
            "the Python operator handled this experiment before: {title} is gone, and only a schedule is created again"
        )
    };
    events::normal(Reason::Adopted, Action::AdoptExperiment, &note)
}

/// Puts our label on an object of the Python operator, and our finalizer on a pod that has not ended.
async fn claim(
    cluster: &Cluster,
    workload: &Manifest,
    found: &DynamicObject,
    owner: &Owner,
) -> Result<(), Error> {
    let mut patch = json!({"metadata": {
        "uid": found.metadata.uid,
        "resourceVersion": found.metadata.resource_version,
        "labels": {names::UID_LABEL: owner.uid},
        "annotations": {names::EXPERIMENT_ANNOTATION: owner.key},
    }});
    if workload.kind == Kind::CronJob {
        // From here on no run starts before it is judged, and its Job is found by its label.
        patch["spec"] = json!({"jobTemplate": {
            "metadata": {
                "labels": {names::UID_LABEL: owner.uid},
                "annotations": {names::EXPERIMENT_ANNOTATION: owner.key},
            },
            "spec": {"suspend": true},
        }});
    }
    if workload.kind == Kind::Pod {
        let pod: Pod = create::typed(workload, found.clone())?;
        if pod.metadata.deletion_timestamp.is_none() && !matches!(pod_state(&pod), PodState::Ended(_)) {
            // A patch replaces the list, and the finalizers of others have to stay.
            let mut finalizers = pod.metadata.finalizers.unwrap_or_default();
            if !finalizers.iter().any(|finalizer| finalizer == names::OUTCOME_FINALIZER) {
                finalizers.push(names::OUTCOME_FINALIZER.to_owned());
            }
            patch["metadata"]["finalizers"] = json!(finalizers);
        }
    }
    let api = cluster.objects(workload.kind, workload.namespace())?;
    let parameters = patching();
    let doing = format!("label {}", workload.title());
    let patch = Patch::Merge(&patch);
    let name = api.name(workload.name())?;
    cluster.call(doing, api.patch_metadata(&name, &parameters, &patch)).await?;
    Ok(())
}
