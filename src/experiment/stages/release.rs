//! Lets the Jobs of a schedule go: a run starts only once its author is known to be allowed what the run will do.
//!
//! A `CronJob` creates its Jobs suspended. So nothing starts while no operator is there. A Job that may not start any more is
//! given up and its run is recorded as skipped, so that `Forbid` lets the next one through.

use std::time::Duration;

use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;
use tracing::warn;

use crate::cluster::manifest::Kind;
use crate::experiment::build::resources::Resources;
use crate::experiment::children::jobs;
use crate::experiment::context::TEARDOWN_RESYNC;
use crate::experiment::decide::plan::Plan;
use crate::experiment::error::Error;
use crate::experiment::hold::Hold;
use crate::experiment::intent::Intent;
use crate::experiment::judge::job;
use crate::experiment::judge::waiting_job::{Limits, Sorted, is_waiting, sort};
use crate::experiment::pass::Pass;
use crate::experiment::permit::Permit;
use crate::experiment::stages::jobs::Found;
use crate::experiment::stages::startable::{self, Answer, Wanted};
use crate::experiment::stages::targets;
use crate::process::clock;
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::{GivenUp, Trigger};

/// The pause before it is asked again whether a run may start.
const RETRY: Duration = Duration::from_secs(5);

/// What skips a run without a refusal of its author: its calendar or its gates cannot be read, or its experiment is not sound.
const NO_REFUSAL: [Reason; 5] = [
    Reason::CalendarInvalid,
    Reason::ConfigMapMissing,
    Reason::ConfigMapKeyMissing,
    Reason::InvalidSpec,
    Reason::PreflightFailed,
];

/// What is said of a run while nobody knows whether it may start.
const NOT_KNOWN: &str = "the operator finds out whether it may start";

/// What is decided on the Jobs that wait.
pub enum Decision<'a> {
    /// There is nothing more to do now.
    Done,
    /// The Job is let go once the status says who asked for its run, and which others are skipped.
    Go(&'a Job, Box<Resources>),
    /// The Job waits for this reason, a sentence for the status.
    Waits(String),
    /// The Job is let go at a later time. A sentence for the status, and how long that is.
    Delayed(String, Duration),
    /// A run is refused.
    Refused,
}

impl Decision<'_> {
    /// After how long to look again.
    #[must_use]
    pub const fn again(&self) -> Option<Duration> {
        match self {
            Self::Delayed(_, wait) => Some(*wait),
            Self::Done | Self::Go(..) => None,
            Self::Waits(_) => Some(RETRY),
            Self::Refused => Some(TEARDOWN_RESYNC),
        }
    }
}

/// The Jobs that wait and are not given up.
fn waiting<'a>(pass: &Pass<'_>, found: &'a Found) -> impl Iterator<Item = &'a Job> {
    let given_up = pass.draft.given_up();
    let waits = |job: &&Job| is_waiting(job) && !job::has_started(job, &found.pods);
    found.open().filter(waits).filter(move |job| !is_given_up(&given_up, job))
}

fn is_given_up(given_up: &[GivenUp], job: &Job) -> bool {
    given_up.iter().any(|known| known.job_name == job.name_any())
}

/// The Job that may start next.
#[derive(Clone, Copy, Default)]
pub struct Next<'a> {
    job: Option<&'a Job>,
    /// The time before which it does not start, if it is delayed.
    begin: Option<Timestamp>,
    /// The time until which it may start, if there is a limit.
    end: Option<Timestamp>,
    /// After how long it is late.
    pub until_late: Option<Duration>,
}

/// Whether a Job that waits may not start any more by these limits.
#[must_use]
pub fn skips_any(pass: &Pass<'_>, found: &Found, limits: &Limits) -> bool {
    !sort(waiting(pass, found), limits, clock::of_server()).skipped.is_empty()
}

/// Gives up the Jobs that may not start any more, and returns the one that may. An abort gives up all of them, with a reason of
/// its own.
pub fn skip<'a>(pass: &mut Pass<'_>, intent: &Intent, found: &'a Found, limits: &Limits) -> Next<'a> {
    if intent.abort {
        return Next::default();
    }
    let now = clock::of_server();
    let Sorted { next: job, skipped } = sort(waiting(pass, found), limits, now);
    for (job, why) in skipped {
        // What has held it tells more than that it is late.
        match pass.draft.hold() {
            Some((reason, held)) => pass.draft.skip(job, reason, &format!("{held}; {why}")),
            None => pass.draft.skip(job, Reason::Skipped, &why),
        }
    }
    let end = job.and_then(|job| limits.end(job));
    let begin = job.and_then(|job| limits.begin(job));
    Next { job, begin, end, until_late: end.map(|end| clock::until(end, now) + Duration::from_secs(1)) }
}

/// Asks whether the next Job may start now, and lets it go unless it was given up since. A refusal gives it up. If the question
/// has no answer, it is asked again until the Job is late. Fails only if the experiment has changed since it was read.
pub async fn decide<'a>(
    pass: &mut Pass<'_>,
    intent: &Intent,
    (cron_job, wanted): (&CronJob, Wanted<'_>),
    next: Next<'a>,
) -> Result<Decision<'a>, Error> {
    let is_stopped = wanted.plan.schedule.as_ref().is_some_and(|schedule| schedule.stopped.is_some());
    let may_go = |job: &&Job| {
        !is_held_back(intent, (cron_job, is_stopped), job) && !is_given_up(&pass.draft.given_up(), job)
    };
    let Some(job) = next.job.filter(may_go) else {
        return Ok(Decision::Done);
    };
    if let Some(hold) = other_run(pass, wanted, job) {
        return Ok(held(pass, job, &hold, next.end));
    }
    let run = job.metadata.uid.as_deref().unwrap_or_default();
    let reaching = match targets::reaching(pass, wanted.plan, wanted.resources, run).await {
        Ok(reaching) => reaching,
        Err(error) => return Ok(waits(job, &error)),
    };
    let resources = reaching.as_ref().unwrap_or(wanted.resources);
    let wanted = Wanted { not_before: next.begin, resources, ..wanted };
    match startable::may_start(pass.context, &pass.live, wanted).await {
        Ok(Answer::Held(hold)) => Ok(held(pass, job, &hold, next.end)),
        Ok(Answer::Later(time)) => {
            pass.draft.startable();
            let wait = clock::until(time, clock::of_server());
            let name = job.name_any();
            Ok(Decision::Delayed(
                format!("the run of Job {name} starts at {time} (schedule.jitterSeconds)"),
                wait,
            ))
        }
        Ok(Answer::Dropped(dropped)) => {
            pass.draft.skip(job, dropped.reason, &dropped.message);
            Ok(Decision::Refused)
        }
        Ok(Answer::NotKnown(wait)) => {
            // What was said of a run that waits already stays, since each change would be a write.
            let held = pass.draft.status.hold.is_some().then(|| pass.draft.hold()).flatten();
            let why = held.map_or_else(|| NOT_KNOWN.to_owned(), |(_, held)| held);
            Ok(Decision::Delayed(format!("the run of Job {} waits: {why}", job.name_any()), wait))
        }
        Ok(Answer::Yes(Permit { requested_by, reason })) => {
            pass.draft.startable();
            let found = resources.targets.as_ref();
            pass.draft.run_permitted(job, (reason, requested_by.as_deref()), found);
            pass.draft.target_rights(resources);
            pass.draft.take_mutex(job, wanted.plan.mutex.as_deref());
            // The rights of runs that have ended go before this one gets its own.
            if resources.targets.is_some() || !is_recorded(pass) {
                return Ok(Decision::Go(job, Box::new(resources.clone())));
            }
            release(pass, wanted.plan, (job, resources)).await
        }
        Err(error @ Error::Overtaken(_)) => Err(error),
        Err(error) if NO_REFUSAL.contains(&error.reason()) => {
            pass.draft.skip(job, error.reason(), &error.describe());
            Ok(Decision::Refused)
        }
        Err(error) if error.is_for_people() => {
            refuse(pass, job, &error);
            Ok(Decision::Refused)
        }
        Err(error) => Ok(waits(job, &error)),
    }
}

/// The mutex is for the runs of one schedule, too, if its policy lets them overlap.
fn other_run(pass: &Pass<'_>, wanted: Wanted<'_>, job: &Job) -> Option<Hold> {
    let held = pass.draft.status.schedule.as_ref()?.mutex.as_ref()?;
    let is_other = wanted.plan.mutex.is_some() && job.metadata.uid.as_ref() != Some(&held.job_uid);
    is_other.then(|| {
        let message =
            format!("the run waits for the mutex {}, which another run of its schedule holds", held.name);
        Hold { reason: Reason::MutexHeld, message, until: None, again: None }
    })
}

/// Holds a Job. One that could only start too late is given up at once.
fn held<'a>(pass: &mut Pass<'_>, job: &Job, hold: &Hold, end: Option<Timestamp>) -> Decision<'a> {
    pass.draft.held(hold);
    // By the time that one opts in, another run is due.
    let is_over = hold.reason == Reason::NoTargetNamespace;
    if is_over || hold.until.zip(end).is_some_and(|(until, end)| until > end) {
        pass.draft.skip(job, hold.reason, &hold.message);
        return Decision::Refused;
    }
    Decision::Waits(format!("the run of Job {} waits: {}", job.name_any(), hold.message))
}

/// Whether the status says already what this pass knows of the Jobs that wait: who asked for them, and which ones are given up.
/// Once the newest one has gone, nothing else would show that the older ones were to be skipped.
fn is_recorded(pass: &Pass<'_>) -> bool {
    let recorded = pass.live.status.as_ref().and_then(|status| status.schedule.clone()).unwrap_or_default();
    let wanted = pass.draft.status.schedule.clone().unwrap_or_default();
    let knows_released = wanted.released.iter().all(|one| recorded.released.contains(one));
    let knows_mutex = wanted.mutex == recorded.mutex;
    knows_released && knows_mutex && wanted.given_up.iter().all(|one| recorded.given_up.contains(one))
}

/// Lets a Job go. Fails only if the experiment has changed since it was read: its author may not want the run any more, or be
/// another one. Another failure must not hide the ends of other runs, so it is a reason to wait.
pub async fn release<'a>(
    pass: &mut Pass<'_>,
    plan: &Plan,
    (job, resources): (&'a Job, &Resources),
) -> Result<Decision<'a>, Error> {
    match let_go(pass, plan, job, resources).await {
        Ok(()) => Ok(Decision::Done),
        Err(error @ Error::Overtaken(_)) => Err(error),
        Err(error) => Ok(waits(job, &error)),
    }
}

async fn let_go(pass: &mut Pass<'_>, plan: &Plan, job: &Job, resources: &Resources) -> Result<(), Error> {
    let uid = job.metadata.uid.as_deref().unwrap_or_default();
    targets::take_away_scheduled(pass, Some((uid, resources))).await?;
    targets::give(pass, plan, resources).await?;
    pass.fence(Kind::Job).await?;
    jobs::release(&pass.context.cluster, job, resources.targets.as_ref()).await?;
    pass.context.metrics.run_started(job::trigger(Some(job), &job.name_any()));
    Ok(())
}

fn waits<'a>(job: &Job, error: &Error) -> Decision<'a> {
    let why = format!("the run of Job {} waits: {}", job.name_any(), error.describe());
    warn!("{why}");
    Decision::Waits(why)
}

/// Whether the author wants no run to start. A schedule that is suspended by its own field starts none itself, and people may
/// still start one by hand, as with any `CronJob`. One that its last runs have stopped (`is_stopped`) lets a rerun start.
fn is_held_back(intent: &Intent, (cron_job, is_stopped): (&CronJob, bool), job: &Job) -> bool {
    let trigger = job::trigger(Some(job), "");
    let is_by_hand = trigger == Trigger::Manual || (is_stopped && trigger == Trigger::Rerun);
    let is_suspended = cron_job.spec.as_ref().and_then(|spec| spec.suspend).unwrap_or(false);
    intent.abort || intent.suspend || (is_suspended && !is_by_hand)
}

/// Gives up all Jobs that wait, if this error refuses what the author may do.
pub fn refuse_all(pass: &mut Pass<'_>, found: &Found, error: &Error) {
    if error.is_about_author() {
        let refused: Vec<&Job> = waiting(pass, found).collect();
        for job in refused {
            refuse(pass, job, error);
        }
    }
}

fn refuse(pass: &mut Pass<'_>, job: &Job, error: &Error) {
    warn!(job = job.name_any(), "a run is refused: {}", error.describe());
    pass.draft.run_refused(job, error.reason(), &error.describe(), &error.describe_with_author());
}
