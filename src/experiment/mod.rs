//! One pass over one experiment: observe, plan, build, apply, report.
//!
//! A pass reads the experiment live and acts on what it finds, whatever was done before and by whom. It may be killed
//! between any two calls: the next one goes on from there. What a run needs for its teardown is on the status before
//! the first child is created; a run whose end is recorded is never started again.

pub mod build;
pub mod children;
pub mod decide;
pub mod error;
pub mod intent;
pub mod journals;
pub mod judge;
pub mod pass;
pub mod stages;
pub mod status;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;
use k8s_openapi::api::core::v1::Pod;
use kube::core::{DeserializeGuard, PartialObjectMeta};
use kube::runtime::controller::Action;
use kube::runtime::events::Recorder;
use kube::runtime::reflector::{ObjectRef, Store};
use tracing::warn;

use crate::cluster::{Cluster, belongs_to, without_finalizers};
use crate::experiment::error::Error;
use crate::experiment::intent::Control;
use crate::experiment::judge::log_follower::Incoming;
use crate::experiment::pass::Report;
use crate::experiment::stages::{adopt, rescue, retention, start, teardown};
use crate::process::backoff::Backoff;
use crate::process::clock;
use crate::process::config::Config;
use crate::process::metrics::Metrics;
use chaostoolkit_api::{Experiment, names};

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
    /// Journals of pods that are being deleted.
    pub incoming: Incoming,
    /// How long a failed experiment waits for its next pass.
    pub backoff: Backoff,
}

/// How long a pass waits for the first list of pods.
const FIRST_LIST: Duration = Duration::from_secs(1);

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
    let result = match settled(&context, seen) {
        Some(action) => {
            // The events of the first list bring passes before the cache has what was listed, and no more come after it: a
            // pod that is still held would be so for ever.
            let is_known = matches!(context.pods.wait_until_ready().now_or_never(), Some(Ok(())));
            Ok(if is_known { action } else { Action::requeue(FIRST_LIST) })
        }
        None => Box::pin(pass(&context, seen)).await,
    };
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

/// What to wait for where there is nothing to do for an experiment, judged from the caches alone: its run has ended, that
/// is recorded, its pod was let go, and nothing more is asked for. Spares a restarted operator a call for each of its
/// finished experiments.
fn settled(context: &Context, seen: &Experiment) -> Option<Action> {
    let status = seen.status.as_ref().filter(|status| status.is_finished())?;
    let control = Control::of(seen);
    let places = [teardown::pod_of(status), teardown::rescue_of(status)];
    let mut pods = Vec::new();
    for (namespace, name) in places.into_iter().flatten() {
        let pod = context.pods.get(&ObjectRef::new(&name).within(&namespace));
        pods.extend(pod.filter(|pod| belongs_to(pod.as_ref(), seen.uid())));
    }
    let is_held = |pod: &Arc<PartialObjectMeta<Pod>>| {
        without_finalizers(pod.as_ref(), &[names::OUTCOME_FINALIZER]).is_some()
    };
    let is_open = pods.iter().any(is_held)
        || seen.is_deleting()
        || status.observed_generation != seen.metadata.generation
        || rescue::is_open(status, &control)
        || retention::is_due(status, &control, !pods.is_empty(), clock::now());
    (!is_open).then(|| retention::next(status, &control, clock::now()))
}

async fn pass(context: &Context, seen: &Experiment) -> Result<Action, Error> {
    let api = context.cluster.experiments(seen.namespace());
    let Some(live) = context.cluster.find(&api, "experiment", seen.name()).await? else {
        return Ok(Action::await_change());
    };
    let mut report = Report::new(context, live, clock::now());
    if report.live.is_deleting() {
        return match teardown::teardown(context, &mut report).await {
            Ok(teardown::Progress::Done) => Ok(Action::await_change()),
            Ok(teardown::Progress::Waiting) => Ok(Action::requeue(TEARDOWN_RESYNC)),
            Err(error) => {
                if error.is_for_people() {
                    report.draft.cleanup_blocked(&error);
                    report.write().await?;
                }
                Err(error)
            }
        };
    }
    match Box::pin(start::run(context, &mut report)).await {
        Ok(action) => report.write().await.map(|()| action),
        Err(Error::InvalidSpec(invalid)) => {
            // Only an edit can help, and an edit brings the next pass.
            report.draft.rejected(&invalid);
            report.write().await?;
            // The journal of a run that the schedule had started by then brings none.
            let is_due = report.draft.status.history.iter().any(|past| journals::is_due(&past.run));
            Ok(if is_due { Action::requeue(journals::RETRY) } else { Action::await_change() })
        }
        Err(error) => {
            let is_for_later = intent::is_scheduled(&report.live) || adopt::is_due(&report.live);
            if !is_for_later && report.draft.gave_up_waiting(&Control::of(&report.live), &error) {
                return report.write().await.map(|()| Action::await_change());
            }
            if error.is_for_people() {
                report.draft.blocked(&error);
                report.write().await?;
            }
            Err(error)
        }
    }
}
