//! Whether a run may start now: one judge for the run of an experiment, for a rerun, and for each run of a schedule.
//!
//! The first check that says no counts, in the order of this file. What the author has to correct is an error. What passes by
//! itself, or once somebody lifts it, is a hold. A gate may also end the run. A rescue is not asked, since it undoes a fault.

use std::time::Duration;

use futures::FutureExt;
use k8s_openapi::jiff::Timestamp;
use tokio::time::Instant;

use crate::experiment::build::resources::Resources;
use crate::experiment::context::{Context, FIRST_LIST};
use crate::experiment::decide::plan::Plan;
use crate::experiment::error::Error;
use crate::experiment::freezes::over::Reach;
use crate::experiment::hold::{Dropped, Hold};
use crate::experiment::mutexes::claims::{Claimant, Taken};
use crate::experiment::mutexes::holder;
use crate::experiment::permit::{self, Permit};
use crate::experiment::stages::gates::{self, Gates};
use crate::experiment::stages::{calendar, opt_in};
use crate::process::clock;
use chaostoolkit_api::Experiment;
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::spec::options::Preflight;

/// What is to start: the plan of a run, and its objects.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The objects.
    pub resources: &'a Resources,
    /// The time before which the run does not start, though nothing else keeps it from that.
    pub not_before: Option<Timestamp>,
}

/// Whether a run may start now.
pub enum Answer {
    /// It may.
    Yes(Permit),
    /// It waits for this.
    Held(Hold),
    /// It may, at this time.
    Later(Timestamp),
    /// It does not take place.
    Dropped(Dropped),
    /// The operator does not know yet: it has just started, or a signal is being read. After how long to ask again.
    NotKnown(Duration),
}

/// How often to ask for a mutex again. Who gives it back brings a pass as well, unless that fails.
const MUTEX_RETRY: Duration = Duration::from_secs(15);

/// Asks whether a run of an experiment may start now. An error that is for people says why its author may not have it.
pub async fn may_start(
    context: &Context,
    experiment: &Experiment,
    wanted: Wanted<'_>,
) -> Result<Answer, Error> {
    let reach = Reach::of_resources(experiment, wanted.resources);
    match context.freezes.hold(experiment.uid(), &reach, clock::of_server()) {
        Err(_) => return Ok(Answer::NotKnown(FIRST_LIST)),
        Ok(Some(hold)) => return Ok(Answer::Held(hold)),
        Ok(None) => {}
    }
    let now = clock::of_server();
    if let Some(spec) = &wanted.plan.calendar
        && let Some(hold) = calendar::hold(context, experiment, spec, now).await?
    {
        return Ok(Answer::Held(hold));
    }
    if let Some(hold) = opt_in::hold(context, wanted.plan, wanted.resources).await? {
        return Ok(Answer::Held(hold));
    }
    let permit = permit::may_start(context, experiment, wanted.resources).await?;
    if wanted.plan.preflight == Preflight::Fail
        && let Some(refusal) = wanted.plan.findings.refusal()
    {
        return Err(Error::PreflightFailed(refusal));
    }
    match gates::ask(context, experiment, (wanted.plan, wanted.resources.is_scheduled()), now).await? {
        Gates::Open => {}
        Gates::NotKnown(wait) => return Ok(Answer::NotKnown(wait)),
        Gates::Closed(hold) => return Ok(Answer::Held(hold)),
        Gates::Over(dropped) => return Ok(Answer::Dropped(dropped)),
    }
    // All of this is asked again then.
    if let Some(time) = wanted.not_before.filter(|time| *time > now) {
        return Ok(Answer::Later(time));
    }
    // Last, so that nobody has it who may not start.
    Ok(mutex(context, experiment, wanted.plan).unwrap_or(Answer::Yes(permit)))
}

/// Claims the mutex of the run, if it needs one. Returns what keeps the run from starting.
fn mutex(context: &Context, experiment: &Experiment, plan: &Plan) -> Option<Answer> {
    let name = plan.mutex.as_deref()?;
    // After a restart, only the cache shows who holds it.
    if !matches!(context.experiments.wait_until_ready().now_or_never(), Some(Ok(()))) {
        return Some(Answer::NotKnown(FIRST_LIST));
    }
    let (namespace, uid) = (experiment.namespace(), experiment.uid());
    let all = context.experiments.state();
    let readable = all.iter().filter_map(|other| other.0.as_ref().ok());
    let holder = holder::other(readable, namespace, name, uid).map(Experiment::key);
    let claimant = Claimant { uid: uid.to_owned(), key: experiment.key() };
    let taken = context.mutexes.claim((namespace, name), &claimant, holder, Instant::now()).err()?;
    let message = match taken {
        Taken::Held(by) => format!("the run waits for the mutex {name}, which experiment {by} holds"),
        // Who that is changes with each run, and each change would be a write.
        Taken::Before(_) => format!("the run waits for the mutex {name}, and others wait for longer"),
    };
    Some(Answer::Held(Hold { reason: Reason::MutexHeld, message, until: None, again: Some(MUTEX_RETRY) }))
}
