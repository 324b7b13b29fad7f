//! A run, from the decision on it to its end and what comes after: one step, or as many as can be taken at once.

use std::time::Duration;

use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::api::core::v1::Pod;
use kube::runtime::controller::Action;
use tracing::debug;

use crate::cluster::manifest::{Kind, Resources};
use crate::cluster::{belongs_to, without_finalizers};
use crate::experiment::children::create;
use crate::experiment::decide::observe;
use crate::experiment::decide::plan::{self, Facts, Plan, Source};
use crate::experiment::decide::templates::Templates;
use crate::experiment::error::Error;
use crate::experiment::intent::{self, Control};
use crate::experiment::judge::evidence::Evidence;
use crate::experiment::judge::pod_state::{self, PodState};
use crate::experiment::pass::Report;
use crate::experiment::stages::teardown::{self, Progress};
use crate::experiment::stages::{adopt, rescue, retention, schedule};
use crate::experiment::{Context, TEARDOWN_RESYNC, build, journals};
use crate::process::clock;
use crate::toolkit::lint;
use chaostoolkit_api::spec::Parsed;
use chaostoolkit_api::{Experiment, ResourceRef, Spec, names};

/// Takes a run one pass further: follows the pod if there is one, and starts it otherwise.
pub async fn run(context: &Context, report: &mut Report<'_>) -> Result<Action, Error> {
    let control = Control::of(&report.live);
    let status = &report.draft.status;
    // The runs of a schedule are followed where the schedule is kept: an edit of the spec has an effect on it.
    let Some((namespace, name)) = teardown::pod_of(status) else {
        if status.is_finished() {
            return after(context, report, &control).await;
        }
        return start(context, report, &control).await;
    };
    let was_created = status.run.as_ref().is_some_and(|run| run.pod_uid.is_some());
    let pod = context.cluster.find(&context.cluster.pods(&namespace), Kind::Pod.as_str(), &name).await?;
    match pod.filter(|pod| belongs_to(pod, report.live.uid())) {
        Some(pod) => {
            if let Some(action) = follow(context, report, &pod, &control).await? {
                return Ok(action);
            }
        }
        None if status.is_finished() => {}
        None if was_created => {
            report.draft.lost();
            report.write().await?;
        }
        None => return start(context, report, &control).await,
    }
    after(context, report, &control).await
}

/// What comes after the end of a run, once that is recorded and its pod let go.
async fn after(context: &Context, report: &mut Report<'_>, control: &Control) -> Result<Action, Error> {
    if rescue::step(context, report, control).await? == Progress::Waiting {
        return Ok(rescue::next(&report.draft.status, control, clock::now()));
    }
    retention::step(context, report, control, clock::now()).await
}

/// Records what the pod says, and asks it to stop if it is to. Once its end is written and its journal kept, and only then,
/// the pod may go. Says what to wait for, unless nothing more is to be had from the pod.
async fn follow(
    context: &Context,
    report: &mut Report<'_>,
    pod: &Pod,
    control: &Control,
) -> Result<Option<Action>, Error> {
    let state = pod_state::pod_state(pod);
    let PodState::Ended(end) = &state else {
        context.incoming.listen(&context.cluster, pod);
        return go_on(context, report, pod, &state, control).await.map(Some);
    };
    if !report.draft.status.is_finished() {
        let evidence = Evidence::collect(context, pod, end).await?;
        report.draft.follows(pod, &state, control);
        report.draft.ended(end, &evidence, control);
        keep_journal(context, report, &evidence).await;
    } else if report.draft.status.run.as_ref().is_some_and(journals::is_due) {
        let evidence = Evidence::of_journal(context, pod, end).await;
        keep_journal(context, report, &evidence).await;
    }
    report.write().await?;
    if report.draft.status.run.as_ref().is_some_and(journals::is_due) {
        return Ok(Some(Action::requeue(journals::RETRY)));
    }
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    teardown::release_pod(context, namespace, pod).await?;
    Ok(None)
}

/// Keeps the journal of the run that has ended, and records what has become of it.
async fn keep_journal(context: &Context, report: &mut Report<'_>, evidence: &Evidence) {
    if let Some(outcome) = report.draft.status.outcome
        && let Some(run) = &mut report.draft.status.run
    {
        run.journal = journals::settle(context, &report.live, run, outcome, evidence).await;
    }
}

/// A pod that has not ended: it is left alone, unless the author wants it to stop or it was to have started by now.
async fn go_on(
    context: &Context,
    report: &mut Report<'_>,
    pod: &Pod,
    state: &PodState,
    control: &Control,
) -> Result<Action, Error> {
    let run = report.draft.status.run.clone().unwrap_or_default();
    if report.draft.status.is_finished() {
        if run.pod_uid != pod.metadata.uid {
            // Created by a call that arrived after the run was given up: it must not become a run that nobody knows of.
            teardown::stop(context, pod).await?;
        }
        return Ok(Action::await_change());
    }
    report.draft.follows(pod, state, control);
    let now = clock::now();
    let run = report.draft.status.run.clone().unwrap_or(run);
    let is_late = matches!(state, PodState::Starting(_)) && control.is_start_overdue(&run, now);
    if (control.abort || is_late) && pod.metadata.deletion_timestamp.is_none() {
        // Told before it is done: who watches the experiment sees the abort begin.
        report.draft.stopping(control);
        report.write().await?;
        teardown::stop(context, pod).await?;
    }
    if let Some(over) = &pod.metadata.deletion_timestamp {
        teardown::let_be_changed(context, pod).await?;
        // If it has not ended when its time is over, something keeps it.
        return Ok(Action::requeue(clock::until(over.0, now).max(TEARDOWN_RESYNC)));
    }
    let deadline =
        control.start_deadline(&run).filter(|deadline| run.started_at.is_none() && *deadline > now);
    Ok(deadline.map_or_else(Action::await_change, |deadline| Action::requeue(clock::until(deadline, now))))
}

/// Decides on a run, and says what that was decided by; nothing is written.
pub async fn decide(
    context: &Context,
    experiment: &Experiment,
    parsed: &Parsed,
) -> Result<(Plan, Facts, Templates), Error> {
    let namespace = plan::run_namespace(&parsed.spec, &context.config.namespace)?;
    let templates = observe::templates(context, &parsed.spec).await?;
    let facts = observe::facts(context, experiment, &parsed.spec, &namespace).await?;
    Ok((plan::plan(experiment, parsed, &facts)?, facts, templates))
}

/// Decides on a run and builds its objects; nothing is written but the draft.
pub async fn prepare(context: &Context, report: &mut Report<'_>) -> Result<(Plan, Resources), Error> {
    let parsed = Spec::parse(report.live.spec.as_ref())?;
    plan::run_namespace(&parsed.spec, &context.config.namespace)?;
    report.draft.accepted(&parsed.unknown, &[]);
    let (plan, facts, templates) = decide(context, &report.live, &parsed).await?;
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

/// Takes a run from the decision on it to where there is something to follow, and follows that.
async fn start(context: &Context, report: &mut Report<'_>, control: &Control) -> Result<Action, Error> {
    if control.abort
        && !intent::is_scheduled(&report.live)
        && !report.draft.has_schedule()
        && !adopt::is_due(&report.live)
    {
        report.draft.aborted_before_the_start(control);
        report.write().await?;
        return after(context, report, control).await;
    }
    let made = match make(context, report, control).await {
        Err(error) if error.is_for_people() => {
            schedule::go_on(context, report, control).await?;
            return Err(error);
        }
        made => made?,
    };
    match made {
        Made::Nothing(action) => Ok(action),
        Made::Schedule(cron_job) => {
            let is_all = schedule::follow(context, report, &cron_job, control, clock::now()).await?;
            let next = schedule::until_next(&report.draft.status, clock::now());
            Ok(Action::requeue(if is_all { next } else { next.min(journals::RETRY) }))
        }
        Made::Run(pod) => match follow(context, report, &pod, control).await? {
            Some(action) => Ok(action),
            None => after(context, report, control).await,
        },
    }
}

/// What there is to follow.
enum Made {
    /// The pod of a run.
    Run(Box<Pod>),
    /// What starts the runs of a schedule.
    Schedule(Box<CronJob>),
    /// Nothing yet.
    Nothing(Action),
}

/// Decides on a run, records that, creates what it needs, and last the pod, or the `CronJob` that makes pods.
async fn make(context: &Context, report: &mut Report<'_>, control: &Control) -> Result<Made, Error> {
    let cluster = &context.cluster;
    let (plan, resources) = prepare(context, report).await?;
    let is_adopted = adopt::is_due(&report.live);
    hold(context, report).await?;
    if is_adopted {
        adopt::take_over(context, report, &plan, &resources).await?;
        // What is recorded now brings the next steps, in a pass of their own.
        return Ok(Made::Nothing(Action::requeue(Duration::ZERO)));
    }
    if control.suspend && plan.schedule.is_none() {
        report.draft.suspended();
        return Ok(Made::Nothing(Action::await_change()));
    }
    if drop_outdated(context, report, &resources).await? == Progress::Waiting {
        return Ok(Made::Nothing(Action::requeue(TEARDOWN_RESYNC)));
    }
    let is_resumed = !report.draft.status.resources.is_empty() || report.draft.status.run.is_some();
    report.draft.planned(&plan, &resources);
    report.write().await?;
    debug!("creating what run {} of experiment {} needs", plan.owner.number, report.live.key());
    create::namespace(cluster, &resources.namespace).await?;
    create::bound_namespaces(cluster, &plan.rights.namespaces).await?;
    create::references(cluster, &resources).await?;
    for manifest in &resources.owned {
        let made = manifest.reference();
        if !report.draft.status.resources.iter().any(|known| known.adopted && known.is_same(&made)) {
            create::child(cluster, report, manifest, is_resumed).await?;
        }
    }
    let workload = &resources.workload;
    Ok(if resources.is_scheduled() {
        Made::Schedule(Box::new(schedule::ensure(cluster, report, workload, is_resumed).await?))
    } else {
        Made::Run(Box::new(create::pod(cluster, report, workload).await?))
    })
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
) -> Result<Progress, Error> {
    let wanted = resources.references();
    let is_outdated = |recorded: &&ResourceRef| !wanted.iter().any(|wanted| wanted.is_same(recorded));
    let outdated: Vec<ResourceRef> =
        report.draft.status.resources.iter().filter(is_outdated).cloned().collect();
    let uid = report.live.uid();
    for gone in outdated.iter().filter(|gone| gone.kind == Kind::CronJob.as_str()) {
        if teardown::remove_schedule(context, &gone.namespace, &gone.name, uid).await? == Progress::Waiting {
            return Ok(Progress::Waiting);
        }
    }
    teardown::remove_resources(context, &outdated, uid).await?;
    let status = &report.draft.status;
    if status.run_namespace.as_deref() == Some(resources.workload.namespace()) {
        return Ok(Progress::Done);
    }
    // Once another namespace is on the record, nobody looks for them here any more.
    teardown::remove_past(context, status, uid).await
}
