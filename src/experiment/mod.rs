//! What the operator does for one experiment.
//!
//! A pass acts on what it finds, whatever was done before and by whom. It may be killed
//! between any two calls: the next pass goes on from there. What a run needs for its teardown is recorded before the first
//! child is created. A run whose end is recorded is never started again.
//!
//! The modules stand in the order of the data: `decide` → `build` → `children` → `judge` → `status`. `stages` holds the
//! policies, which use all of them. `tests/layers.rs` checks who may import whom.

pub mod apart;
mod begin;
pub mod binding;
pub mod build;
pub mod census;
pub mod children;
pub mod context;
pub mod decide;
pub mod ended;
pub mod error;
pub mod followed;
pub mod freezes;
pub mod hold;
pub mod intent;
pub mod jitter;
pub mod journals;
pub mod judge;
pub mod mutexes;
pub mod parent;
pub mod pass;
pub mod permit;
pub mod preflight;
mod settled;
pub mod stages;
pub mod status;
pub mod told;
mod urgent;
pub mod wait;
pub mod watches;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use kube::ResourceExt;
use kube::core::DeserializeGuard;
use kube::core::error_boundary::InvalidObject;
use kube::runtime::controller::Action;
use kube::runtime::reflector::ObjectRef;
use tokio::time::Instant;
use tracing::{Instrument, Span, error_span, warn};

use crate::cluster::slim;
use crate::experiment::begin::begin;
use crate::experiment::context::{Context, FIRST_LIST};
use crate::experiment::error::Error;
use crate::experiment::pass::Pass;
use crate::experiment::settled::settled;
use crate::experiment::stages::follow::{self, Recorded};
use crate::experiment::stages::{abort, failure, rerun, rescue, retention, targets, teardown, ttl};
use crate::experiment::urgent::{class, is_urgent};
use crate::experiment::wait::Wait;
use crate::process::clock;
use crate::process::metrics::budgets::Budget;
use crate::process::room::LATER;
use crate::process::workers::Worker;
use chaostoolkit_api::Experiment;

/// Returns the result of a pass that would make no call. The controller calls it first.
#[must_use]
pub fn at_rest(context: &Context, seen: &DeserializeGuard<Experiment>) -> Option<Action> {
    let seen = seen.0.as_ref().ok()?;
    let Some(wait) = settled(context, seen) else {
        let unchanged = context.followed.unchanged(seen, &context.pods)?;
        return (!follow::is_to_stop(context, seen)).then(|| unchanged.into());
    };
    context.backoff.clear(seen.uid());
    // The first list of experiments may be complete before that of pods. A pod that is still held would be overlooked.
    let is_cache_full = matches!(context.pods.wait_until_ready().now_or_never(), Some(Ok(())));
    Some(if is_cache_full { wait.into() } else { Action::requeue(FIRST_LIST) })
}

/// Runs one pass over an experiment, once there is a worker for it. A pass over one that cannot be read is useless: only
/// metadata or a status that somebody else made can cause this.
pub async fn reconcile(
    guard: Arc<DeserializeGuard<Experiment>>,
    context: Arc<Context>,
) -> Result<Action, Error> {
    let due = Instant::now();
    let Some(first) = read(&guard) else { return Ok(Action::await_change()) };
    let Some(_worker) = worker(&context, &guard, first).await else { return Ok(Action::await_change()) };
    // It may have waited for long.
    let newest = newest(&context, &guard);
    if let Some(action) = at_rest(&context, &newest) {
        return Ok(action);
    }
    let Some(seen) = read(&newest) else { return Ok(Action::await_change()) };
    // What was read before an edit may be older than the edit.
    let due = Some(due).filter(|_| first.metadata.generation == seen.metadata.generation);
    let Some(_room) = context.room.enter(slim::length_of(seen.spec.as_ref())) else {
        context.metrics.budget_reached(Budget::LargeSpecs);
        return Ok(Action::requeue(LATER));
    };
    let began = Instant::now();
    let result = Box::pin(pass(&context, seen, due).instrument(span(seen))).await;
    if result.is_ok() {
        context.backoff.clear(seen.uid());
    }
    context.passed(seen, began.elapsed(), result.as_ref().err().map(Error::reason));
    result.map(Action::from)
}

/// Waits for a worker. An experiment that has become more urgent meanwhile waits with those. Returns nothing if the operator
/// stops.
async fn worker(
    context: &Context,
    guard: &Arc<DeserializeGuard<Experiment>>,
    seen: &Experiment,
) -> Option<Worker> {
    let mut present = class(seen);
    loop {
        let mut begin = pin!(context.workers.begin(present));
        let waited = loop {
            tokio::select! {
                worker = &mut begin => return worker,
                () = tokio::time::sleep(CLASS_CHECK) => {}
            }
            let next = read(&newest(context, guard)).map_or(present, class);
            if next < present {
                break next;
            }
        };
        present = waited;
    }
}

/// How often the class of a pass that waits for a worker is judged anew.
const CLASS_CHECK: Duration = Duration::from_secs(1);

/// Returns an experiment as the cache has it now.
fn newest(context: &Context, guard: &Arc<DeserializeGuard<Experiment>>) -> Arc<DeserializeGuard<Experiment>> {
    let newest = context.experiments.get(&ObjectRef::from_obj(&**guard));
    newest.unwrap_or_else(|| Arc::clone(guard))
}

/// Returns an experiment if it can be read.
fn read(guard: &DeserializeGuard<Experiment>) -> Option<&Experiment> {
    let unread = |invalid: &InvalidObject| {
        let InvalidObject { metadata, .. } = invalid;
        let (namespace, experiment) = (&metadata.namespace, &metadata.name);
        warn!(namespace, experiment, "cannot read the experiment: {invalid}");
    };
    guard.0.as_ref().inspect_err(|invalid| unread(invalid)).ok()
}

/// Returns when a failed experiment gets its next pass. The controller calls it.
#[expect(clippy::needless_pass_by_value, reason = "the controller calls it so")]
pub fn error_policy(seen: Arc<DeserializeGuard<Experiment>>, error: &Error, context: Arc<Context>) -> Action {
    let delay = delay(&seen, error, &context);
    context.metrics.failed(error.reason());
    let log = || warn!(reason = %error.reason(), ?delay, "the pass failed: {}", error.describe());
    match &seen.0 {
        Ok(experiment) => span(experiment).in_scope(log),
        Err(_) => log(),
    }
    Action::requeue(delay)
}

/// The delay before the next pass of a failed experiment. If only people can help, it grows with the time for which they have
/// not. An edit brings a pass at once.
fn delay(seen: &DeserializeGuard<Experiment>, error: &Error, context: &Context) -> Duration {
    let uid = seen.uid().unwrap_or_default();
    match &seen.0 {
        Ok(experiment) if error.is_for_people() && !is_urgent(experiment) => {
            let block = format!("{:?} {}", experiment.metadata.generation, error.reason());
            let delay = context.backoff.next_blocked(&uid, &block);
            failure::until_given_up(experiment, clock::now()).map_or(delay, |left| delay.min(left))
        }
        _ => context.backoff.next(&uid),
    }
}

/// The span of a pass: all its log lines have these fields, whatever level is logged. It has no parent, since the
/// controller's own span only repeats the name of the object.
#[must_use]
pub fn span(seen: &Experiment) -> Span {
    let status = seen.status.clone().unwrap_or_default();
    // The runs of a schedule have numbers of their own.
    let run = (!intent::is_scheduled(seen)).then(|| status.run.map_or(1, |run| run.number));
    error_span!(parent: None, "pass", experiment = seen.key(), uid = seen.uid(), run)
}

/// Reads the experiment, unless the cache has all that the pass needs, runs the stages, and writes the status.
async fn pass(context: &Context, seen: &Experiment, due: Option<Instant>) -> Result<Wait, Error> {
    let mut pass = if context.followed.may_start_from(seen) {
        Pass::from_cache(context, seen.clone(), clock::now())
    } else {
        let api = context.cluster.experiments(seen.namespace())?;
        match context.cluster.find(&api, "experiment", seen.name()).await? {
            Some(live) => Pass::new(context, live, clock::now()),
            None => return Ok(Wait::for_change()),
        }
    };
    if let Some(due) = due.filter(|_| pass.live.metadata.generation == seen.metadata.generation) {
        pass.due = due;
    }
    if let Some(made) = context.followed.made(&pass.live) {
        pass.draft.status.resources = made;
    }
    match Box::pin(stages(&mut pass)).await {
        Ok(wait) if pass.live.is_deleting() => Ok(wait),
        Ok(wait) => {
            if pass.defers_record {
                context.followed.created(&pass.live, pass.draft.status.resources);
                return Ok(wait);
            }
            pass.write().await?;
            if let Some(pod) = pass.followed {
                context.followed.saw(&pass.live, pod, wait);
            }
            Ok(wait)
        }
        Err(error) => failure::record(&mut pass, error).await,
    }
}

/// What happens to an experiment, in this order. The first stage that waits for something ends the pass.
async fn stages(pass: &mut Pass<'_>) -> Result<Wait, Error> {
    // A deleted experiment: its run is stopped, and its objects are deleted.
    if pass.live.is_deleting() {
        // It is stopped anyway.
        pass.context.watches.keep(pass.live.uid(), |_| false);
        return teardown::teardown(pass).await;
    }
    pass.announce_ignored().await;
    let intent = pass.intent();
    // A run that has begun is followed to its end. Otherwise one is started, unless it is to be aborted.
    let waiting = match follow::find(pass).await? {
        Recorded::Pod(pod) => follow::follow(pass, &intent, &pod).await?,
        Recorded::Ended => None,
        Recorded::NotCreated if abort::is_due_before_start(pass, &intent) => {
            abort::before_start(pass, &intent).await?;
            None
        }
        Recorded::NotCreated => {
            pass.complete().await?;
            begin(pass, &intent).await?
        }
    };
    if let Some(action) = waiting {
        return Ok(action);
    }
    pass.complete().await?;
    // The run has ended. Another pod plays the rollbacks that it did not play.
    if let Some(action) = rescue::rescue(pass, &intent).await? {
        return Ok(action);
    }
    // The run needs its rights in the namespaces that were found for it no more.
    targets::take_away(pass).await?;
    // One more run, if one is asked for.
    if let Some(action) = rerun::rerun(pass, &intent).await? {
        return Ok(action);
    }
    // The end of the experiment, once its time to live is over.
    if let Some(action) = ttl::expire(pass, &intent).await? {
        return Ok(action);
    }
    // What is not to be kept goes.
    retention::retain(pass, &intent).await?;
    Ok(ttl::until_due(&pass.draft.status, &intent, clock::now()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use tracing::Dispatch;
    use tracing::subscriber::NoSubscriber;

    #[rstest]
    #[case("error")]
    #[case("warn")]
    #[case("info")]
    fn the_lines_of_a_pass_have_its_fields_whatever_level_is_logged(#[case] filter: &str) {
        // While there is just one subscriber, tracing asks only the thread that comes first to a span whether it listens, and
        // remembers the answer. That thread may be another test.
        let _another = Dispatch::new(NoSubscriber::default());
        let subscriber = tracing_subscriber::fmt().with_env_filter(filter).finish();
        tracing::subscriber::with_default(subscriber, || {
            tracing::callsite::rebuild_interest_cache();
            assert!(!span(&Experiment::default()).is_disabled());
        });
    }
}
