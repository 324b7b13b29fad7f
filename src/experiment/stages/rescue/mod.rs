//! Rollbacks of a run that ended before it had played them, played by a pod of their own: where `spec.rescue` asks for it,
//! once for each run, and by the protocol of any run: recorded before it is created, held until its end is recorded.
//!
//! The pod is that of the run, with an experiment that is the run's but for its method and hypothesis. So only an
//! experiment that the operator can read, and that is what it was, has a rescue.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;
use kube::core::PartialObjectMeta;
use kube::runtime::controller::Action;
use kube::runtime::reflector::ObjectRef;
use serde_json::{Value, json};

use crate::cluster::manifest::{Kind, Resources};
use crate::cluster::{belongs_to, without_finalizers};
use crate::experiment::children::create;
use crate::experiment::decide::plan::{Facts, Plan, Source};
use crate::experiment::error::Error;
use crate::experiment::intent::Control;
use crate::experiment::judge::evidence::Evidence;
use crate::experiment::judge::pod_state::{End, PodState, pod_state};
use crate::experiment::judge::verdict;
use crate::experiment::pass::Report;
use crate::experiment::stages::start;
use crate::experiment::stages::teardown::{self, Progress};
use crate::experiment::{Context, build};
use crate::process::clock;
use crate::yaml;
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::{Outcome, Rescue, Run, Spec, Status, names};
use chaostoolkit_journal::RollbackState;

/// Whether there is a rescue that goes on, or has to begin.
#[must_use]
pub fn is_open(status: &Status, control: &Control) -> bool {
    let Some(run) = status.run.as_ref().filter(|_| status.is_finished()) else { return false };
    match &run.rescue {
        Some(rescue) => rescue.finished_at.is_none(),
        None => control.rescue && is_needed(status.outcome.unwrap_or_default(), run),
    }
}

/// Whether a run may have left its fault behind: it began, and was ended before its rollbacks were. One that came to its
/// verdict played them or not as its author wants it.
fn is_needed(outcome: Outcome, run: &Run) -> bool {
    let was_ended =
        matches!(outcome, Outcome::Interrupted | Outcome::Aborted | Outcome::Error | Outcome::Unknown);
    if !was_ended || run.started_at.is_none() {
        return false;
    }
    // Exit code 137: killed. None: nobody saw the end.
    let was_killed = run.exit_code.is_none_or(|code| code == 137);
    match &run.rollbacks {
        Some(rollbacks) if rollbacks.strategy.as_deref() == Some("never") => false,
        Some(rollbacks) => match rollbacks.state {
            RollbackState::NotPlayed | RollbackState::Unfinished | RollbackState::Partial => true,
            RollbackState::Unknown => was_killed,
            RollbackState::NoneDeclared | RollbackState::Failed | RollbackState::Played => false,
        },
        None => was_killed,
    }
}

/// What to wait for while a rescue goes on.
#[must_use]
pub fn next(status: &Status, control: &Control, now: Timestamp) -> Action {
    let rescue = status.run.as_ref().and_then(|run| run.rescue.as_ref());
    let deadline = rescue.and_then(|rescue| deadline(rescue, control)).filter(|deadline| *deadline > now);
    deadline.map_or_else(Action::await_change, |deadline| Action::requeue(clock::until(deadline, now)))
}

/// When the pod has to have started at the latest.
fn deadline(rescue: &Rescue, control: &Control) -> Option<Timestamp> {
    control.start_deadline(&Run { requested_at: rescue.requested_at.clone(), ..Run::default() })
}

/// Takes a rescue one step further. Says whether it goes on.
pub async fn step(context: &Context, report: &mut Report<'_>, control: &Control) -> Result<Progress, Error> {
    let rescue = report.draft.status.run.as_ref().and_then(|run| run.rescue.clone());
    if !is_open(&report.draft.status, control) {
        let_go(context, report, rescue.as_ref()).await?;
        return Ok(Progress::Done);
    }
    let pod = match &rescue {
        Some(rescue) => find(context, report, rescue).await?,
        None => None,
    };
    match (rescue, pod) {
        (Some(rescue), Some(pod)) => follow(context, report, control, &rescue, &pod).await,
        (Some(rescue), None) if rescue.pod_uid.is_some() => {
            let problem = format!("pod {} vanished before it had played the rollbacks", rescue.pod_name);
            conclude(report, Err(problem)).await
        }
        (Some(rescue), None) if is_late(&rescue, control) => {
            conclude(report, Err(impossible("it has not started in time"))).await
        }
        (_, None) => match start(context, report).await {
            // The namespace of the run is gone, or on its way out: waiting helps nobody.
            Err(error) if error.is_not_found() || error.reason() == Reason::NamespaceTerminating => {
                conclude(report, Err(impossible(&error.describe()))).await
            }
            started => started,
        },
        (None, Some(_)) => Ok(Progress::Done),
    }
}

fn is_late(rescue: &Rescue, control: &Control) -> bool {
    deadline(rescue, control).is_some_and(|deadline| deadline <= clock::now())
}

/// Lets the pod of a rescue go whose end is recorded, should an operator have been killed in between.
async fn let_go(context: &Context, report: &Report<'_>, rescue: Option<&Rescue>) -> Result<(), Error> {
    let Some((namespace, name)) = teardown::rescue_of(&report.draft.status) else { return Ok(()) };
    let cached = context.pods.get(&ObjectRef::new(&name).within(&namespace));
    let is_held = |pod: &Arc<PartialObjectMeta<Pod>>| {
        without_finalizers(pod.as_ref(), &[names::OUTCOME_FINALIZER]).is_some()
    };
    let (Some(rescue), true) = (rescue, cached.as_ref().is_some_and(is_held)) else { return Ok(()) };
    let Some(pod) = find(context, report, rescue).await? else { return Ok(()) };
    if matches!(pod_state(&pod), PodState::Ended(_)) {
        return teardown::release_pod(context, &namespace, &pod).await;
    }
    if rescue.pod_uid == pod.metadata.uid {
        return Ok(());
    }
    teardown::stop(context, &pod).await
}

/// The same for an experiment that is being deleted: then the pod goes as well, once it has ended.
pub async fn teardown(context: &Context, report: &mut Report<'_>) -> Result<Progress, Error> {
    let control = Control::of(&report.live);
    if step(context, report, &control).await? == Progress::Waiting {
        return Ok(Progress::Waiting);
    }
    let Some(rescue) = report.draft.status.run.as_ref().and_then(|run| run.rescue.clone()) else {
        return Ok(Progress::Done);
    };
    match find(context, report, &rescue).await? {
        Some(pod) => teardown::remove_ended(context, &pod).await,
        None => Ok(Progress::Done),
    }
}

async fn find(context: &Context, report: &Report<'_>, rescue: &Rescue) -> Result<Option<Pod>, Error> {
    let Some(namespace) = report.draft.status.run_namespace.as_ref().filter(|_| !rescue.pod_name.is_empty())
    else {
        return Ok(None);
    };
    let api = context.cluster.pods(namespace);
    let pod = context.cluster.find(&api, Kind::Pod.as_str(), &rescue.pod_name).await?;
    Ok(pod.filter(|pod| belongs_to(pod, report.live.uid())))
}

/// Records what is about to be created, and creates it, the pod last.
async fn start(context: &Context, report: &mut Report<'_>) -> Result<Progress, Error> {
    let resources = match prepare(context, report).await? {
        Ok(resources) => resources,
        Err(problem) => return conclude(report, Err(problem)).await,
    };
    report.draft.rescue_planned(&resources);
    report.write().await?;
    for manifest in &resources.owned {
        create::child(&context.cluster, report, manifest, true).await?;
    }
    let pod = create::pod(&context.cluster, report, &resources.workload).await?;
    report.draft.rescue_created(&pod);
    report.write().await?;
    Ok(Progress::Waiting)
}

/// Decides on the pod, or says why there can be none.
async fn prepare(context: &Context, report: &Report<'_>) -> Result<Result<Resources, String>, Error> {
    let parsed = match Spec::parse(report.live.spec.as_ref()) {
        Ok(parsed) => parsed,
        Err(invalid) => return Ok(Err(impossible(&invalid.to_string()))),
    };
    let decided = match start::decide(context, &report.live, &parsed).await {
        Err(error @ (Error::InvalidSpec(_) | Error::Template(_))) => Err(error.describe()),
        Err(error) => return Err(error),
        Ok((plan, facts, templates)) => {
            let recorded = report.draft.status.run.clone().unwrap_or_default();
            let is_elsewhere = report.draft.status.run_namespace.as_ref() != Some(&plan.namespace);
            let plan = if is_elsewhere {
                Err("spec.namespace is not what it was when the run was decided on".to_owned())
            } else {
                plan_of(plan, &facts, &recorded)
            };
            plan.and_then(|plan| build::build(&plan, &templates).map_err(|error| error.to_string()))
        }
    };
    Ok(decided.map_err(|problem| impossible(&problem)))
}

fn impossible(problem: &str) -> String {
    format!("no other pod can play the rollbacks: {problem}")
}

/// The plan of a run, turned into that of its rescue.
fn plan_of(plan: Plan, facts: &Facts, recorded: &Run) -> Result<Plan, String> {
    if plan.pod.is_some() {
        return Err("what runs in a pod of your own (spec.pod.template) is not known".to_owned());
    }
    if plan.about.sha256 != recorded.experiment.sha256 {
        return Err("the experiment is not what it was when the run was decided on".to_owned());
    }
    let experiment = match (&plan.source, &facts.text) {
        (Source::Inline(inline), _) => inline.clone(),
        (Source::File { .. }, Some(text)) => {
            yaml::parse(text).map_err(|error| format!("the experiment cannot be read: {error}"))?
        }
        (Source::File { .. }, None) => return Err("the file of the experiment is gone".to_owned()),
        (Source::Url, _) => return Err("an experiment from a URL is not read here".to_owned()),
    };
    Ok(Plan {
        source: Source::Inline(only_rollbacks(&experiment)?),
        // The template's own: the author's may be about something else than a run.
        arguments: None,
        options: Vec::new(),
        schedule: None,
        is_rescue: true,
        runner: Some(crate::process::config::Runner { journal: false, ..facts.runner.clone() }),
        ..plan
    })
}

/// What the rollbacks of an experiment need of it, and nothing that injects a fault.
fn only_rollbacks(experiment: &Value) -> Result<Value, String> {
    let rollbacks = experiment.get("rollbacks").and_then(Value::as_array).filter(|list| !list.is_empty());
    let Some(rollbacks) = rollbacks else { return Err("the experiment declares no rollbacks".to_owned()) };
    let title = experiment.get("title").and_then(Value::as_str).unwrap_or_default();
    let rollbacks: Vec<Value> = rollbacks.iter().map(|rollback| resolved(rollback, experiment)).collect();
    let mut rescue = json!({
        "title": format!("Rollbacks of: {title}"),
        "description": "Played since the run ended before it had played them.",
        // Versions before 1.9 want an activity: this one asks for the name of the host.
        "method": [{"type": "probe", "name": "nothing to inject",
            "provider": {"type": "python", "module": "platform", "func": "node"}}],
        "rollbacks": rollbacks,
        "runtime": {"rollbacks": {"strategy": "always"}},
    });
    for kept in ["version", "configuration", "secrets", "controls", "extensions"] {
        if let Some(value) = experiment.get(kept) {
            rescue[kept] = value.clone();
        }
    }
    Ok(rescue)
}

/// A rollback, which may be the name of an activity elsewhere.
/// <https://chaostoolkit.org/reference/api/experiment/#activity>
fn resolved(rollback: &Value, experiment: &Value) -> Value {
    let Some(name) = rollback.get("ref") else { return rollback.clone() };
    let method = experiment.get("method").and_then(Value::as_array);
    let probes = experiment.pointer("/steady-state-hypothesis/probes").and_then(Value::as_array);
    let mut all = method.into_iter().flatten().chain(probes.into_iter().flatten());
    all.find(|activity| activity.get("name") == Some(name)).unwrap_or(rollback).clone()
}

/// Waits for the end of the pod, and records it.
async fn follow(
    context: &Context,
    report: &mut Report<'_>,
    control: &Control,
    rescue: &Rescue,
    pod: &Pod,
) -> Result<Progress, Error> {
    let state = pod_state(pod);
    let PodState::Ended(end) = &state else {
        report.draft.rescue_created(pod);
        report.write().await?;
        if is_late(rescue, control) && matches!(state, PodState::Starting(_)) {
            teardown::stop(context, pod).await?;
        }
        return Ok(Progress::Waiting);
    };
    conclude(report, played(end)).await?;
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    teardown::release_pod(context, namespace, pod).await?;
    Ok(Progress::Done)
}

/// What a pod that has ended says of the rollbacks.
fn played(end: &End) -> Result<chaostoolkit_api::Rollbacks, String> {
    let mut run = Run::default();
    let evidence = Evidence::reported(end);
    verdict::record(&mut run, &evidence);
    run.rollbacks.ok_or_else(|| {
        let judged = verdict::judge("of the rescue", end, &evidence);
        format!("the pod that was to play the rollbacks ended without: {}", judged.message)
    })
}

async fn conclude(
    report: &mut Report<'_>,
    played: Result<chaostoolkit_api::Rollbacks, String>,
) -> Result<Progress, Error> {
    report.draft.rescue_ended(played);
    report.write().await?;
    Ok(Progress::Done)
}

#[cfg(test)]
mod tests;
