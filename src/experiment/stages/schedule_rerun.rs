//! The annotation `chaostoolkit.org/rerun` of an experiment with a schedule: one Job now, or the reason why not.

use std::time::Duration;

use k8s_openapi::api::batch::v1::CronJob;
use tracing::warn;

use crate::cluster::manifest::Kind;
use crate::experiment::children::{create, jobs};
use crate::experiment::error::Error;
use crate::experiment::intent::Intent;
use crate::experiment::pass::Pass;
use crate::experiment::stages::jobs::Found;
use crate::experiment::status::events::{self, Action as EventAction};
use crate::experiment::status::run_events::of_job;
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::{PastRun, Text, Trigger, names};

/// The pause before the Job of a rerun is requested again that could not be created.
const RETRY: Duration = Duration::from_secs(15);

/// What has come of a request for a rerun.
pub enum Rerun {
    /// Nothing is requested.
    None,
    /// The Job with this name exists.
    Made(String),
    /// The Job with this name was the answer to an earlier request with the same value, and other reruns came after it.
    Used(String),
    /// No Job is created now.
    Waits {
        /// The reason, as a sentence for the status.
        why: String,
        /// Whether only another attempt can show that it is over.
        is_refused: bool,
    },
}

impl Rerun {
    /// After how long to try again, if nothing else brings a pass.
    #[must_use]
    pub const fn retry(&self) -> Option<Duration> {
        match self {
            Self::Waits { is_refused: true, .. } => Some(RETRY),
            _ => None,
        }
    }

    /// Publishes the event of a rerun, once its request is recorded.
    pub async fn announce(&self, pass: &Pass<'_>) {
        let action = EventAction::RerunExperiment;
        let (event, job) = match self {
            Self::Made(job) => {
                let note = format!("a rerun was asked for: Job {job} was created");
                (events::normal(Reason::RerunRequested, action, &note), job)
            }
            Self::Used(job) => {
                let note = format!(
                    "no rerun starts: Job {job} was created for an earlier {} with the same value; use a value that was never used",
                    names::RERUN_ANNOTATION
                );
                (events::warning(Reason::RerunRequested.as_str(), action, &note), job)
            }
            Self::None | Self::Waits { .. } => return,
        };
        pass.publish(&of_job(event, job, &pass.draft.status)).await;
    }
}

/// Creates the Job of a requested rerun, and puts the request on the draft of the status. Fails only if the experiment has
/// changed since it was read. Another failure must not hide the ends of other runs, so it is a reason to wait.
///
/// The name of the Job follows from the request. So a pass that was killed before it could record the request creates no
/// second one. Neither does a pass that finds its run on the status.
pub async fn rerun(
    pass: &mut Pass<'_>,
    intent: &Intent,
    (cron_job, is_stopped): (&CronJob, bool),
    found: &Found,
) -> Result<Rerun, Error> {
    let Some(request) = intent.rerun.clone().filter(|asked| pass.draft.status.rerun.as_ref() != Some(asked))
    else {
        return Ok(Rerun::None);
    };
    let job = jobs::rerun_name(cron_job.metadata.name.as_deref().unwrap_or_default(), &request);
    if was_used(&pass.draft.status.history, &job) {
        pass.draft.status.rerun = Some(request);
        return Ok(Rerun::Used(job));
    }
    if !is_made(pass, &job, found) {
        if let Some(obstacle) = obstacle(intent, (cron_job, is_stopped), found) {
            let why = format!("the rerun that was asked for starts once {obstacle}");
            return Ok(Rerun::Waits { why, is_refused: false });
        }
        match create(pass, cron_job, &request).await {
            Err(error @ Error::Overtaken(_)) => return Err(error),
            Err(error) => {
                warn!("cannot start a rerun: {}", error.describe());
                let why = format!("the rerun that was asked for waits: {}", error.describe());
                return Ok(Rerun::Waits { why, is_refused: true });
            }
            Ok(()) => {}
        }
    }
    pass.draft.status.rerun = Some(request);
    Ok(Rerun::Made(job))
}

/// What keeps a rerun from starting now.
///
/// A schedule that its last runs have stopped (`is_stopped`) goes on once a rerun ends otherwise.
fn obstacle(
    intent: &Intent,
    (cron_job, is_stopped): (&CronJob, bool),
    found: &Found,
) -> Option<&'static str> {
    let spec = cron_job.spec.as_ref();
    if intent.abort {
        return Some("spec.abort is false");
    }
    if spec.and_then(|spec| spec.suspend).unwrap_or(false) && !is_stopped {
        return Some("the schedule is resumed");
    }
    let may_overlap = spec.and_then(|spec| spec.concurrency_policy.as_deref()) == Some("Allow");
    (!may_overlap && found.open().next().is_some()).then_some("the run before it has ended")
}

/// Whether an earlier pass has created the Job.
fn is_made(pass: &Pass<'_>, job: &str, found: &Found) -> bool {
    let status = &pass.draft.status;
    let mut runs = status.history.iter().map(|past| &past.run).chain(&status.run);
    found.jobs.iter().any(|made| made.metadata.name.as_deref() == Some(job))
        || runs.any(|run| run.job_name.as_deref() == Some(job))
}

/// Whether the run of a Job was followed by another rerun, so that no request is open for which it was created.
fn was_used(history: &[PastRun], job: &str) -> bool {
    let at = history.iter().position(|past| past.run.job_name.as_deref() == Some(job));
    at.is_some_and(|at| history[..at].iter().any(|newer| newer.run.trigger == Trigger::Rerun))
}

async fn create(pass: &mut Pass<'_>, cron_job: &CronJob, request: &str) -> Result<(), Error> {
    let cluster = &pass.context.cluster;
    let namespace = cron_job.metadata.namespace.as_deref().unwrap_or_default();
    let name = cron_job.metadata.name.as_deref().unwrap_or_default();
    // Untyped, so that fields that the client does not know reach the Job.
    let api = cluster.objects(Kind::CronJob, namespace)?;
    let template = cluster.find(&api, Kind::CronJob.as_str(), name).await?;
    // A CronJob that is gone by now comes back with the next pass.
    let template = template.ok_or_else(|| Error::Overtaken(pass.live.key()))?;
    let (job, parent) = (jobs::rerun(&template, request), pass.parent());
    let fence = async || pass.fence(Kind::Job).await;
    create::child((cluster, &parent), &job, false, fence).await.map(|_| ())
}
