//! The Jobs of a schedule that do not get on: what keeps them from starting is told, and those that cannot start go.
//!
//! A Job that stays would keep the next run from starting (`Forbid`). So it is deleted if its run has missed its start
//! deadline, and if it cannot start and the spec was edited since.

use std::collections::BTreeSet;
use std::time::Duration;

use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use tracing::warn;

use crate::cluster::is_held;
use crate::cluster::manifest::Kind;
use crate::experiment::children::{jobs, pods};
use crate::experiment::context::TEARDOWN_RESYNC;
use crate::experiment::error::Error;
use crate::experiment::intent::Intent;
use crate::experiment::judge::job;
use crate::experiment::judge::pod_state::{PodState, Stall, pod_state};
use crate::experiment::judge::waiting_job::is_waiting;
use crate::experiment::pass::Pass;
use crate::experiment::status::MAX_HISTORY;
use crate::process::clock;
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::{GivenUp, PastRun, Run, Text, names};

/// How often a Job without a pod is checked. Events about it bring no pass.
const POD_CHECK: Duration = Duration::from_secs(5);

/// The Jobs and pods of a schedule, as a pass finds them.
pub struct Found {
    /// The Jobs, newest first.
    pub jobs: Vec<Job>,
    /// The pods of these Jobs, and of Jobs that were seen before they vanished, oldest first.
    pub pods: Vec<Pod>,
    /// Held pods that have ended, and whose Job nobody has seen. No run can be recorded for them.
    pub orphans: Vec<Pod>,
}

impl Found {
    /// Lists them. The Jobs come first: a Job that is gone by then has all its pods in the list.
    pub async fn list(pass: &Pass<'_>, namespace: &str) -> Result<Self, Error> {
        let (cluster, parent) = (&pass.context.cluster, pass.parent());
        let jobs = jobs::list(cluster, namespace, &parent).await?;
        let is_own = |pod: &Pod| parent.owns_scheduled(pod, &jobs);
        let is_orphan = |pod: &Pod| {
            let is_over = is_held(pod) && matches!(pod_state(pod), PodState::Ended(_));
            is_over && job::owner(pod).is_some_and(|job| !jobs.others.contains(&job.uid))
        };
        let wanted = |pod: &Pod| is_own(pod) || is_orphan(pod);
        let found = pods::list(cluster, namespace, parent.uid(), wanted).await?;
        let (pods, orphans) = found.into_iter().partition(is_own);
        Ok(Self { jobs: jobs.own, pods, orphans })
    }

    /// The uids of the Jobs whose runs are not recorded once these pods are, and of those that are given up.
    #[must_use]
    pub fn unrecorded(&self, done: &[&Pod], given_up: &[GivenUp]) -> Vec<String> {
        let is_done = |pod: &Pod| done.iter().any(|done| done.metadata.uid == pod.metadata.uid);
        let held = self.pods.iter().filter(|pod| is_held(*pod) && !is_done(pod));
        let is_given_up = |job: &&Job| given_up.iter().any(|known| known.job_name == job.name_any());
        let given_up = self.jobs.iter().filter(is_given_up).filter_map(ResourceExt::uid);
        let uids = held.filter_map(|pod| Some(job::owner(pod)?.uid.clone())).chain(given_up);
        uids.collect::<BTreeSet<String>>().into_iter().collect()
    }

    /// Whether a pod is there and has not ended.
    #[must_use]
    pub fn goes_on(&self, uid: &str) -> bool {
        let found = self.pods.iter().find(|pod| pod.metadata.uid.as_deref() == Some(uid));
        found.is_some_and(|pod| !matches!(pod_state(pod), PodState::Ended(_)))
    }

    /// The Jobs whose runs go on or have not started, newest first.
    pub fn open(&self) -> impl Iterator<Item = &Job> {
        self.jobs.iter().filter(|job| !job::is_over(job))
    }
}

/// What keeps the newest Job that cannot start from starting.
pub type Stalled<'a> = Option<(&'a Job, Stall)>;

/// Judges the Jobs whose runs have not started. Records those that are to be given up. Returns the newest one that cannot
/// start, and after how long to look again.
pub async fn judge<'a>(
    pass: &mut Pass<'_>,
    intent: &Intent,
    found: &'a Found,
    cron_job: Option<&CronJob>,
) -> (Stalled<'a>, Option<Duration>) {
    let now = clock::of_server();
    let mut newest = None;
    let mut checks = Vec::new();
    for job in found.open() {
        let last = job::pods(job, &found.pods).last();
        // Kubernetes replaces a pod that was removed by force, so the run of its Job may still have to start.
        let is_replaced = |past: &PastRun| {
            let is_known = past.run.pod_uid.is_some();
            is_known && past.run.started_at.is_none() && past.reason == Reason::PodLost.as_str()
        };
        let is_recorded = pass.draft.status.history.iter().any(|past| {
            past.run.job_name == job.metadata.name
                && past.run.requested_at == job.metadata.creation_timestamp
                && !is_replaced(past)
        });
        let has_started = is_recorded || job::has_started(job, &found.pods);
        if has_started {
            pass.draft.keep_job(job);
        }
        let stall = match last {
            Some(pod) => stall(pod),
            None if has_started || is_waiting(job) => None,
            None => {
                checks.push(POD_CHECK);
                without_pod(pass, job).await
            }
        };
        if !has_started {
            let run = Run { requested_at: job.metadata.creation_timestamp.clone(), ..Run::default() };
            if intent.is_start_overdue(&run, now) {
                pass.draft.give_up(job, Reason::StartTimeout);
            } else if intent.abort && last.is_none() {
                pass.draft.give_up(job, Reason::AbortRequested);
            } else if stall.is_some() && cron_job.is_some_and(|cron_job| is_outdated(job, cron_job)) {
                pass.draft.give_up(job, Reason::Replaced);
            }
            checks.extend(intent.start_deadline(&run).map(|deadline| clock::until(deadline, now)));
        }
        if newest.is_none() {
            newest = stall.map(|stall| (job, stall));
        }
    }
    if !pass.draft.given_up().is_empty() {
        checks.push(TEARDOWN_RESYNC);
    }
    (newest, checks.into_iter().min())
}

fn stall(pod: &Pod) -> Option<Stall> {
    match pod_state(pod) {
        PodState::Starting(stall) => stall,
        _ => None,
    }
}

/// What keeps a Job from having a pod. The events only explain it, so nothing else fails if they cannot be read.
async fn without_pod(pass: &Pass<'_>, job: &Job) -> Option<Stall> {
    let refusal = jobs::refusal(&pass.context.cluster, job).await;
    let refusal = refusal.unwrap_or_else(|error| {
        warn!("cannot find out why a Job has no pod: {}", error.describe());
        None
    });
    job::stall(job, refusal.as_ref(), clock::of_server())
}

/// Whether a Job was created before the last edit that concerns it.
fn is_outdated(job: &Job, cron_job: &CronJob) -> bool {
    let template = cron_job.spec.as_ref().and_then(|spec| spec.job_template.metadata.as_ref());
    let wanted =
        template.and_then(|template| template.annotations.as_ref()?.get(names::SPEC_HASH_ANNOTATION));
    let made = job.annotations().get(names::SPEC_HASH_ANNOTATION);
    made.is_some() && wanted.is_some() && made != wanted
}

/// Records the runs whose pods are gone, of those whose ends are not on record (`open`). Returns how many it has recorded. A
/// pod is held until its end is recorded, so somebody has removed such a pod by force.
///
/// Each has an event, so it records at most as many at a time as the history takes. The others stay on record.
pub async fn record_lost(
    pass: &mut Pass<'_>,
    found: &Found,
    open: &BTreeSet<String>,
) -> Result<usize, Error> {
    let pods = found.pods.iter().chain(&found.orphans);
    let listed: BTreeSet<&String> = pods.filter_map(|pod| pod.metadata.name.as_ref()).collect();
    let mut missing = open.iter().filter(|name| !listed.contains(name));
    let mut lost = 0;
    for name in missing.by_ref().take(MAX_HISTORY) {
        if pass.draft.is_given_up(name, &found.jobs) {
            continue;
        }
        // The list has only the newest of very many pods.
        let namespace = pass.draft.status.run_namespace.clone().unwrap_or_default();
        let pods = pass.context.cluster.pods(&namespace)?;
        if pass.context.cluster.find(&pods, Kind::Pod.as_str(), name).await?.is_none() {
            pass.draft.pod_lost(name, &found.jobs);
            lost += 1;
        }
    }
    pass.draft.keep_active(missing.cloned().collect());
    Ok(lost)
}

/// Records the runs of the given up Jobs that are gone and never had a pod, at most as many at a time as the history takes: each
/// has an event. The end of a pod is recorded like any other.
pub fn record_gone(pass: &mut Pass<'_>, found: &Found) {
    let is_gone = |given_up: &GivenUp| {
        let name = given_up.job_name.as_str();
        let is_left = found.jobs.iter().any(|job| job.metadata.name.as_deref() == Some(name))
            || found.pods.iter().any(|pod| job::owner(pod).is_some_and(|owner| owner.name == name));
        !is_left
    };
    for given_up in pass.draft.given_up().into_iter().filter(is_gone).take(MAX_HISTORY) {
        pass.draft.ended_without_pod(&given_up);
    }
}

/// Deletes the given up Jobs, but none whose run has started since. A Job that this pass gives up is not on the recorded list
/// yet, and the write brings the next pass.
pub async fn remove_given_up(pass: &Pass<'_>, found: &Found) -> Result<(), Error> {
    let status = pass.live.status.as_ref().and_then(|status| status.schedule.as_ref());
    let recorded = status.map(|schedule| schedule.given_up.as_slice()).unwrap_or_default();
    let wanted = pass.draft.given_up();
    let given_up =
        |name: &str| [recorded, &wanted].iter().all(|list| list.iter().any(|job| job.job_name == name));
    for job in found.jobs.iter().filter(|job| job.metadata.deletion_timestamp.is_none()) {
        if given_up(&job.name_any()) {
            jobs::remove(&pass.context.cluster, job).await?;
        }
    }
    Ok(())
}
