//! One pass over one experiment: observe, plan, build, apply, report.
//!
//! A pass reads the experiment live and acts on what it finds, whatever was done before and by whom. It may be killed
//! between any two calls: the next one goes on from there. What a run needs for its teardown is on the status before
//! the first child is created; a run whose end is recorded is never started again.

pub mod adopt;
pub mod apply;
pub mod build;
pub mod cleanup;
pub mod error;
pub mod event;
pub mod evidence;
pub mod journals;
pub mod lint;
pub mod observe;
pub mod outcome;
pub mod plan;
pub mod report;
pub mod resource;
pub mod schedule;
pub mod status;
pub mod templates;
pub mod verdict;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;
use k8s_openapi::api::core::v1::Pod;
use kube::core::{DeserializeGuard, PartialObjectMeta};
use kube::runtime::controller::Action;
use kube::runtime::events::Recorder;
use kube::runtime::reflector::{ObjectRef, Store};
use tracing::{debug, warn};

use crate::api::{Experiment, ResourceRef, Spec};
use crate::backoff::Backoff;
use crate::clock;
use crate::cluster::{Cluster, belongs_to, without_finalizers};
use crate::config::Config;
use crate::metrics::Metrics;
use crate::names;
use error::Error;
use evidence::Evidence;
use outcome::PodState;
use plan::{Facts, Plan, Source};
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
    let result = if is_settled(&context, seen) {
        // The events of the first list bring passes before the cache has what was listed, and no more come after it: a
        // pod that is still held would be so for ever.
        let is_known = matches!(context.pods.wait_until_ready().now_or_never(), Some(Ok(())));
        Ok(if is_known { Action::await_change() } else { Action::requeue(FIRST_LIST) })
    } else {
        Box::pin(pass(&context, seen)).await
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
        Ok(action) => report.write().await.map(|()| action),
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
async fn run(context: &Context, report: &mut Report<'_>) -> Result<Action, Error> {
    let status = &report.draft.status;
    // The runs of a schedule are followed where the schedule is kept: an edit of the spec has an effect on it.
    let Some((namespace, name)) = cleanup::pod_of(status) else {
        return start(context, report).await;
    };
    let is_finished = status.is_finished();
    let was_created = status.run.as_ref().is_some_and(|run| run.pod_uid.is_some());
    let pod = context.cluster.find(&context.cluster.pods(&namespace), Kind::Pod.as_str(), &name).await?;
    match pod.filter(|pod| belongs_to(pod, report.live.uid())) {
        Some(pod) => return follow(context, report, &pod).await,
        None if is_finished => {}
        None if was_created => report.draft.lost(),
        None => return start(context, report).await,
    }
    Ok(Action::await_change())
}

/// How long it is until a journal is asked for again that could not be had.
const JOURNAL_RETRY: Duration = Duration::from_secs(2);

/// Records what the pod says. Once its end is written and its journal kept, and only then, the pod may go.
async fn follow(context: &Context, report: &mut Report<'_>, pod: &Pod) -> Result<Action, Error> {
    let state = outcome::pod_state(pod);
    let PodState::Ended(end) = &state else {
        if !report.draft.status.is_finished() {
            report.draft.follows(pod, &state);
        }
        return Ok(Action::await_change());
    };
    if report.draft.status.is_finished() {
        if let Some(outcome) = report.draft.status.outcome
            && let Some(run) = report.draft.status.run.as_mut().filter(|run| journals::is_due(run))
        {
            let evidence = Evidence::of_journal(context, pod, end).await;
            run.journal = journals::settle(context, &report.live, run, outcome, &evidence).await;
        }
    } else {
        let evidence = Evidence::collect(context, pod, end).await?;
        report.draft.follows(pod, &state);
        report.draft.ended(end, &evidence);
        if let Some(outcome) = report.draft.status.outcome
            && let Some(run) = &mut report.draft.status.run
        {
            run.journal = journals::settle(context, &report.live, run, outcome, &evidence).await;
        }
    }
    report.write().await?;
    if report.draft.status.run.as_ref().is_some_and(journals::is_due) {
        return Ok(Action::requeue(JOURNAL_RETRY));
    }
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    cleanup::release_pod(context, namespace, pod).await?;
    Ok(Action::await_change())
}

/// Decides on a run and builds its objects; nothing is written but the draft.
async fn prepare(context: &Context, report: &mut Report<'_>) -> Result<(Plan, Resources), Error> {
    let parsed = Spec::parse(report.live.spec.as_ref())?;
    let namespace = plan::run_namespace(&parsed.spec, &context.config.namespace)?;
    report.draft.accepted(&parsed.unknown, &[]);
    let templates = observe::templates(context, &parsed.spec).await?;
    let facts = observe::facts(context, &report.live, &parsed.spec, &namespace).await?;
    let plan = plan::plan(&report.live, &parsed, &facts)?;
    let resources = build::build(&plan, &templates)?;
    report.draft.accepted(&parsed.unknown, &warnings(&plan, &facts, &resources));
    Ok((plan, resources))
}

/// What may not be what the author means.
fn warnings(plan: &Plan, facts: &Facts, resources: &Resources) -> Vec<String> {
    let mut warnings = match (&plan.source, &facts.text) {
        (Source::Inline(inline), _) => lint::lint(plan::DEFAULT_FILE, &inline.to_string()),
        (Source::File { file, .. }, Some(text)) => lint::lint(file, text),
        _ => Vec::new(),
    };
    if plan.runner.is_some() && !resources.is_reported() {
        warnings.push(format!(
            "container {:?} of the pod has no `command`, so it runs without the runner and the outcome will be a guess",
            names::CONTAINER
        ));
    }
    warnings
}

/// Decides on a run, records that, creates what it needs, and last the pod, or the `CronJob` that makes pods.
async fn start(context: &Context, report: &mut Report<'_>) -> Result<Action, Error> {
    let cluster = &context.cluster;
    let (plan, resources) = prepare(context, report).await?;
    let is_adopted = adopt::is_due(&report.live);
    hold(context, report).await?;
    if is_adopted {
        adopt::take_over(context, report, &plan, &resources).await?;
        // What is recorded now brings the next steps, in a pass of their own.
        return Ok(Action::requeue(Duration::ZERO));
    }
    if drop_outdated(context, report, &resources).await? == cleanup::Progress::Waiting {
        return Ok(Action::requeue(TEARDOWN_RESYNC));
    }
    let is_resumed = !report.draft.status.resources.is_empty() || report.draft.status.run.is_some();
    report.draft.planned(&plan, &resources);
    report.write().await?;
    debug!("creating what run {} of experiment {} needs", plan.number, report.live.key());
    apply::namespace(cluster, &resources.namespace).await?;
    apply::bound_namespaces(cluster, &plan.rights.namespaces).await?;
    apply::references(cluster, &resources).await?;
    for manifest in &resources.owned {
        let made = manifest.reference();
        if !report.draft.status.resources.iter().any(|known| known.adopted && known.is_same(&made)) {
            apply::owned(cluster, manifest, is_resumed).await?;
        }
    }
    if resources.is_scheduled() {
        let cron_job = schedule::ensure(cluster, &resources.workload, is_resumed).await?;
        let is_all = schedule::follow(context, report, &cron_job, clock::now()).await?;
        let next = schedule::until_next(&report.draft.status, clock::now());
        return Ok(Action::requeue(if is_all { next } else { next.min(JOURNAL_RETRY) }));
    }
    // The pass may have been held up for long, and somebody else may have gone on meanwhile: what is still recorded as it
    // was written here is still to be run.
    let api = cluster.experiments(report.live.namespace());
    let now = cluster.find(&api, "experiment", report.live.name()).await?;
    if now.is_none_or(|now| now.metadata.resource_version != report.live.metadata.resource_version) {
        return Ok(Action::requeue(Duration::ZERO));
    }
    let pod = apply::pod(cluster, &resources.workload).await?;
    follow(context, report, &pod).await
}

/// Puts the finalizer on, before the first child is created, and takes that of the Python operator off.
async fn hold(context: &Context, report: &mut Report<'_>) -> Result<(), Error> {
    let without_old = without_finalizers(&report.live, &[names::KOPF_FINALIZER]);
    if without_old.is_none() && report.live.has_finalizer(names::TEARDOWN_FINALIZER) {
        return Ok(());
    }
    let mut finalizers =
        without_old.unwrap_or_else(|| report.live.metadata.finalizers.clone().unwrap_or_default());
    if !report.live.has_finalizer(names::TEARDOWN_FINALIZER) {
        finalizers.push(names::TEARDOWN_FINALIZER.to_owned());
    }
    let api = context.cluster.experiments(report.live.namespace());
    report.live.metadata =
        context.cluster.set_finalizers(&api, "experiment", &report.live, &finalizers).await?;
    Ok(())
}

/// Deletes what an earlier decision had created and this one does not want: the spec was edited, before the pod of an
/// experiment that runs once was created, or while a schedule goes on.
async fn drop_outdated(
    context: &Context,
    report: &Report<'_>,
    resources: &Resources,
) -> Result<cleanup::Progress, Error> {
    let wanted = resources.references();
    let is_outdated = |recorded: &&ResourceRef| !wanted.iter().any(|wanted| wanted.is_same(recorded));
    let outdated: Vec<ResourceRef> =
        report.draft.status.resources.iter().filter(is_outdated).cloned().collect();
    let uid = report.live.uid();
    for gone in outdated.iter().filter(|gone| gone.kind == Kind::CronJob.as_str()) {
        if cleanup::remove_schedule(context, &gone.namespace, &gone.name, uid).await?
            == cleanup::Progress::Waiting
        {
            return Ok(cleanup::Progress::Waiting);
        }
    }
    cleanup::remove_resources(context, &outdated, uid).await?;
    Ok(cleanup::Progress::Done)
}
