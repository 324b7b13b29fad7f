//! One pass over one experiment: observe, plan, build, apply, report.
//!
//! A pass reads the experiment live and acts on what it finds, whatever was done before and by whom. It may be killed
//! between any two calls: the next one goes on from there. What a run needs for its teardown is on the status before
//! the first child is created; a run whose end is recorded is never started again.

pub mod apply;
pub mod build;
pub mod cleanup;
pub mod error;
pub mod event;
pub mod observe;
pub mod outcome;
pub mod plan;
pub mod report;
pub mod resource;
pub mod status;
pub mod templates;

use std::sync::Arc;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Pod;
use kube::core::{DeserializeGuard, PartialObjectMeta};
use kube::runtime::controller::Action;
use kube::runtime::events::Recorder;
use kube::runtime::reflector::{ObjectRef, Store};
use tracing::{debug, warn};

use crate::api::{Experiment, ResourceRef, Spec};
use crate::backoff::Backoff;
use crate::clock;
use crate::cluster::{Cluster, belongs_to};
use crate::config::Config;
use crate::metrics::Metrics;
use crate::names;
use error::Error;
use report::Report;
use resource::{Kind, Resources};

/// What the passes share.
pub struct Context {
    /// The way to the API server.
    pub cluster: Cluster,
    /// Settings.
    pub config: Config,
    /// Metadata of all runner pods, as watched.
    pub pods: Store<PartialObjectMeta<Pod>>,
    /// Publishes events; one for all, since it folds repeats into series.
    pub recorder: Recorder,
    /// Counters.
    pub metrics: Metrics,
    /// How long a failed experiment waits for its next pass.
    pub backoff: Backoff,
}

/// How often a teardown is looked at, should no event bring the next pass.
const TEARDOWN_RESYNC: Duration = Duration::from_secs(10);

/// One pass.
pub async fn reconcile(
    seen: Arc<DeserializeGuard<Experiment>>,
    context: Arc<Context>,
) -> Result<Action, Error> {
    let seen = match &seen.0 {
        Ok(experiment) => experiment,
        Err(invalid) => {
            // Only metadata or a status of somebody else's making can bring this about; there is nothing to retry.
            warn!(%invalid, "cannot read experiment {:?}", invalid.metadata.name);
            return Ok(Action::await_change());
        }
    };
    let began = Instant::now();
    let result =
        if is_settled(&context, seen) { Ok(Action::await_change()) } else { pass(&context, seen).await };
    if result.is_ok() {
        context.backoff.clear(seen.uid());
    }
    context.metrics.passed(result.is_ok(), began.elapsed());
    result
}

/// When a failed experiment gets its next pass.
#[expect(clippy::needless_pass_by_value, reason = "the controller calls it so")]
pub fn error_policy(seen: Arc<DeserializeGuard<Experiment>>, error: &Error, context: Arc<Context>) -> Action {
    let (uid, key) = match &seen.0 {
        Ok(experiment) => (experiment.uid().to_owned(), experiment.key()),
        Err(invalid) => (invalid.metadata.uid.clone().unwrap_or_default(), String::new()),
    };
    let delay = context.backoff.next(&uid);
    context.metrics.failed(error.reason());
    warn!(reason = %error.reason(), ?delay, "experiment {key}: {}", error.describe());
    Action::requeue(delay)
}

/// Whether there is nothing to do for an experiment, judged from the caches alone: its run has ended, that is recorded,
/// and its pod was let go. Spares a restarted operator a call for each of its finished experiments.
fn is_settled(context: &Context, seen: &Experiment) -> bool {
    let Some(status) = seen.status.as_ref().filter(|status| status.is_finished()) else {
        return false;
    };
    let Some((namespace, name)) = cleanup::pod_of(status) else {
        return false;
    };
    let pod = context.pods.get(&ObjectRef::new(&name).within(&namespace));
    let is_held = pod.is_some_and(|pod| {
        belongs_to(&*pod, seen.uid())
            && pod.metadata.finalizers.iter().flatten().any(|found| found == names::OUTCOME_FINALIZER)
    });
    !is_held && !seen.is_deleting() && status.observed_generation == seen.metadata.generation
}

async fn pass(context: &Context, seen: &Experiment) -> Result<Action, Error> {
    let api = context.cluster.experiments(seen.namespace());
    let Some(live) = context.cluster.find(&api, "experiment", seen.name()).await? else {
        return Ok(Action::await_change());
    };
    let mut report = Report::new(context, live, clock::now());
    if report.live.is_deleting() {
        return match cleanup::teardown(context, &mut report).await {
            Ok(cleanup::Progress::Done) => Ok(Action::await_change()),
            Ok(cleanup::Progress::Waiting) => Ok(Action::requeue(TEARDOWN_RESYNC)),
            Err(error) => {
                if error.is_for_people() {
                    report.draft.cleanup_blocked(&error);
                    report.write().await?;
                }
                Err(error)
            }
        };
    }
    match run(context, &mut report).await {
        Ok(()) => report.write().await.map(|()| Action::await_change()),
        Err(Error::InvalidSpec(invalid)) => {
            // Only an edit can help, and an edit brings the next pass.
            report.draft.rejected(&invalid);
            report.write().await.map(|()| Action::await_change())
        }
        Err(error) => {
            if error.is_for_people() {
                report.draft.blocked(&error);
                report.write().await?;
            }
            Err(error)
        }
    }
}

/// Takes a run one pass further: follows the pod if there is one, and starts it otherwise.
async fn run(context: &Context, report: &mut Report<'_>) -> Result<(), Error> {
    let status = &report.draft.status;
    let Some((namespace, name)) = cleanup::pod_of(status) else {
        return start(context, report).await;
    };
    let is_finished = status.is_finished();
    let was_created = status.run.as_ref().is_some_and(|run| run.pod_uid.is_some());
    let pod = context.cluster.find(&context.cluster.pods(&namespace), Kind::Pod.as_str(), &name).await?;
    match pod.filter(|pod| belongs_to(pod, report.live.uid())) {
        Some(pod) => follow(context, report, &pod).await,
        None if is_finished => Ok(()),
        None if was_created => {
            report.draft.lost();
            Ok(())
        }
        None => start(context, report).await,
    }
}

/// Records what the pod says. Once its end is written, and only then, the pod may go.
async fn follow(context: &Context, report: &mut Report<'_>, pod: &Pod) -> Result<(), Error> {
    if !report.draft.status.is_finished() {
        report.draft.follows(pod.metadata.uid.clone(), cleanup::node(pod), &outcome::pod_state(pod));
    }
    if report.draft.status.is_finished() {
        report.write().await?;
        let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
        cleanup::release_pod(context, namespace, pod).await?;
    }
    Ok(())
}

/// Decides on a run, records that, creates what it needs, and last the pod.
async fn start(context: &Context, report: &mut Report<'_>) -> Result<(), Error> {
    let parsed = Spec::parse(report.live.spec.as_ref())?;
    let namespace = plan::run_namespace(&parsed.spec, &context.config.namespace)?;
    report.draft.accepted(&parsed.unknown);
    let templates = observe::templates(context, &parsed.spec).await?;
    let facts = observe::facts(context, &report.live, &namespace).await?;
    let plan = plan::plan(&report.live, &parsed, &facts)?;
    let resources = build::build(&plan, &templates)?;
    hold(context, report).await?;
    drop_outdated(context, report, &resources).await?;
    let is_resumed = report.draft.status.run.is_some();
    report.draft.planned(&plan, &resources);
    report.write().await?;
    debug!("creating what run {} of experiment {} needs", plan.number, report.live.key());
    apply::namespace(&context.cluster, &resources.namespace).await?;
    apply::references(&context.cluster, &resources).await?;
    for manifest in &resources.owned {
        apply::owned(&context.cluster, manifest, is_resumed).await?;
    }
    let pod = apply::pod(&context.cluster, &resources.pod).await?;
    follow(context, report, &pod).await
}

/// Puts the finalizer on, before the first child is created.
async fn hold(context: &Context, report: &mut Report<'_>) -> Result<(), Error> {
    if report.live.has_finalizer(names::TEARDOWN_FINALIZER) {
        return Ok(());
    }
    let mut finalizers = report.live.metadata.finalizers.clone().unwrap_or_default();
    finalizers.push(names::TEARDOWN_FINALIZER.to_owned());
    let api = context.cluster.experiments(report.live.namespace());
    report.live.metadata =
        context.cluster.set_finalizers(&api, "experiment", &report.live, &finalizers).await?;
    Ok(())
}

/// Deletes what an earlier decision on this run had created and this one does not want: the spec was edited before the
/// pod was created.
async fn drop_outdated(context: &Context, report: &Report<'_>, resources: &Resources) -> Result<(), Error> {
    let wanted: Vec<ResourceRef> = resources.owned.iter().map(resource::Manifest::reference).collect();
    let outdated: Vec<ResourceRef> =
        report.draft.status.resources.iter().filter(|recorded| !wanted.contains(recorded)).cloned().collect();
    cleanup::remove_resources(context, &outdated, report.live.uid()).await
}
