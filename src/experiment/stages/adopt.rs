//! Experiments that the Python operator 0.14.0 has handled: what it had created is taken over, and nothing is run again.
//!
//! Its objects carry no label that says whose they are, but names that derive from the experiment's uid, as ours do.
//! Pod and `CronJob` get our label, so that they are followed; the other objects are recorded as adopted.

use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DynamicObject, Patch};
use kube::runtime::events::Event;
use serde_json::json;
use tracing::warn;

use crate::cluster::manifest::{Kind, Manifest, Resources};
use crate::cluster::{named, patching};
use crate::experiment::Context;
use crate::experiment::children::create;
use crate::experiment::decide::plan::{Owner, Plan};
use crate::experiment::error::Error;
use crate::experiment::judge::pod_state::{PodState, pod_state};
use crate::experiment::pass::Report;
use crate::experiment::stages::start::prepare;
use crate::experiment::status::events;
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::{Experiment, ResourceRef, Status, names};

/// Whether the Python operator has handled an experiment that ours has not touched yet.
#[must_use]
pub fn is_due(experiment: &Experiment) -> bool {
    let is_handled = |annotations: &std::collections::BTreeMap<String, String>| {
        annotations.contains_key(names::KOPF_ANNOTATION)
    };
    let untouched = |status: &Status| status.run.is_none() && status.schedule.is_none();
    experiment.metadata.annotations.as_ref().is_some_and(is_handled)
        && experiment.status.as_ref().is_none_or(untouched)
}

/// Takes over what exists. Afterwards the status says what there is, and the next steps of the pass go on from there:
/// with the pod if there is one, with the end of the run if there is none, with the schedule in any case.
pub async fn take_over(
    context: &Context,
    report: &mut Report<'_>,
    plan: &Plan,
    resources: &Resources,
) -> Result<(), Error> {
    let mut existing = Vec::new();
    for manifest in &resources.owned {
        let api = context.cluster.objects(manifest.kind, manifest.namespace());
        if context.cluster.find(&api, manifest.kind.as_str(), manifest.name()).await?.is_some() {
            existing.push(ResourceRef { adopted: true, ..manifest.reference() });
        }
    }
    let workload = &resources.workload;
    let api = context.cluster.objects(workload.kind, workload.namespace());
    let found = context.cluster.find(&api, workload.kind.as_str(), workload.name()).await?;
    if let Some(found) = &found {
        claim(context, workload, found, &plan.owner).await?;
    }
    report.draft.planned(plan, resources);
    existing.extend(resources.is_scheduled().then(|| workload.reference()));
    report.draft.status.resources = existing;
    if found.is_none() && !resources.is_scheduled() {
        report.draft.adopted_without_pod();
    }
    report.write().await?;
    report.publish(&adopted(found.is_some(), resources)).await;
    Ok(())
}

fn adopted(is_found: bool, resources: &Resources) -> Event {
    let workload = &resources.workload;
    let name = named(workload.kind, workload.namespace(), workload.name());
    events::normal(
        Reason::Adopted,
        &if is_found {
            format!("handled by the Python operator before: took over {name}")
        } else {
            format!(
                "handled by the Python operator before: {name} is gone, and is not made again unless it is a schedule"
            )
        },
    )
}

/// Puts our label, and on a pod that has not ended our finalizer, on an object of the Python operator's.
async fn claim(
    context: &Context,
    workload: &Manifest,
    found: &DynamicObject,
    owner: &Owner,
) -> Result<(), Error> {
    let (namespace, name) = (workload.namespace(), workload.name());
    let mut patch = json!({"metadata": {
        "labels": {names::UID_LABEL: owner.uid},
        "annotations": {names::EXPERIMENT_ANNOTATION: owner.key},
    }});
    if workload.kind == Kind::Pod {
        let pod: Pod = create::typed(workload, found.clone())?;
        if pod.metadata.deletion_timestamp.is_none() && !matches!(pod_state(&pod), PodState::Ended(_)) {
            patch["metadata"]["finalizers"] = json!([names::OUTCOME_FINALIZER]);
        }
    }
    let api: Api<_> = context.cluster.objects(workload.kind, namespace);
    let parameters = patching();
    let doing = format!("label {}", named(workload.kind, namespace, name));
    context.cluster.call(doing, api.patch_metadata(name, &parameters, &Patch::Merge(&patch))).await?;
    Ok(())
}

/// The same for an experiment that was deleted while no operator looked: its objects have to be known to be removed.
/// What cannot be found out any more, since its spec or the templates are gone, is named and left behind, as 0.14.0 did.
/// Says whether everything is known.
pub async fn for_teardown(context: &Context, report: &mut Report<'_>) -> Result<bool, Error> {
    if !is_due(&report.live) {
        return Ok(true);
    }
    match prepare(context, report).await {
        Ok((plan, resources)) => take_over(context, report, &plan, &resources).await.map(|()| true),
        Err(error) if error.is_for_people() => {
            let note = format!(
                "objects whose names end in -{} may be left behind: {}",
                names::suffix(report.live.uid()),
                error.describe()
            );
            warn!("experiment {}: {note}", report.live.key());
            report.publish(&events::warning(Reason::CleanupBlocked.as_str(), &note)).await;
            Ok(false)
        }
        Err(error) => Err(error),
    }
}
