//! `spec.schedule`: a `CronJob` that is kept as the spec wants it, and the runs that it starts.
//!
//! Kubernetes starts the runs, so the promise is that of a `CronJob`: about one run for each time that is due. The operator
//! records the end of each run, and holds the pod of the run until then.

use std::time::Duration;

use k8s_openapi::api::batch::v1::{CronJob, CronJobSpec, Job};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::SignedDuration;
use kube::core::DynamicObject;
use serde::Deserialize;
use tracing::warn;

use crate::cluster::is_held;
use crate::cluster::manifest::Kind;
use crate::experiment::children::{cron_job, delete, pods};
use crate::experiment::context::JOURNAL_RETRY;
use crate::experiment::error::Error;
use crate::experiment::intent::Intent;
use crate::experiment::jitter::Delay;
use crate::experiment::journals;
use crate::experiment::judge::evidence::Evidence;
use crate::experiment::judge::job;
use crate::experiment::judge::pod_state::{End, PodState, pod_state};
use crate::experiment::judge::waiting_job::Limits;
use crate::experiment::pass::Pass;
use crate::experiment::stages::jobs::{self, Found};
use crate::experiment::stages::release::Decision;
use crate::experiment::stages::schedule_rerun::{self, Rerun};
use crate::experiment::stages::startable::Wanted;
use crate::experiment::stages::{follow, helpers, missed, release, stop_conditions, targets, times};
use crate::experiment::status::MAX_HISTORY;
use crate::experiment::wait::Wait;
use crate::process::clock;
use chaostoolkit_api::{ResourceRef, ScheduleStatus};

/// Records the state of the schedule and of the runs that it has started. Returns when to look again.
pub async fn sync(
    pass: &mut Pass<'_>,
    intent: &Intent,
    (cron_job, wanted): (&CronJob, Wanted<'_>),
) -> Result<Wait, Error> {
    let namespace = cron_job.metadata.namespace.clone().unwrap_or_default();
    let spec = cron_job.spec.clone().unwrap_or_default();
    let is_suspended = spec.suspend.unwrap_or(false);
    let replaces = spec.concurrency_policy.as_deref() == Some(REPLACE);
    let status = cron_job.status.clone().unwrap_or_default();
    let now = clock::of_server();
    // If the Job would repeat a run whose pod is ended, its helpers are left alone.
    let is_repeated = spec.job_template.spec.as_ref().is_none_or(|job| job.backoff_limit != Some(0));
    let grace = Some(intent.helper_grace).filter(|_| !is_repeated);
    let known = pass.draft.status.schedule.clone().unwrap_or_default();
    let mut schedule = ScheduleStatus {
        active: known.active,
        cron_job_uids: known.cron_job_uids,
        job_uids: known.job_uids,
        ended: known.ended,
        released: known.released,
        stopped: known.stopped,
        mutex: known.mutex,
        next_schedule_time: times::next_of(cron_job, clock::now()).filter(|_| !is_suspended).map(Time),
        cron: spec.schedule,
        time_zone: spec.time_zone,
        last_schedule_time: status.last_schedule_time,
        given_up: pass.draft.given_up(),
        ..ScheduleStatus::default()
    };
    let (recorded, resumed) = (pass.draft.status.schedule.clone(), pass.draft.resumed());
    let resumed = resumed.filter(|_| !is_suspended);
    let missed = missed::count(&mut schedule, recorded.as_ref(), resumed, cron_job, now);
    let until_missed = missed::until_missed(&schedule, resumed, cron_job, now).filter(|_| !is_suspended);
    let told = pass.draft.status.message.clone();
    pass.draft.scheduled(schedule, is_suspended, missed);
    let stopped = wanted.plan.schedule.as_ref().and_then(|schedule| schedule.stopped.as_deref());
    if let Some(why) = stopped.filter(|_| is_suspended) {
        pass.draft.stopped_after(why);
    }
    pass.draft.cron_job_seen(cron_job.metadata.uid.as_deref());
    let found = Found::list(pass, &namespace).await?;
    let limits = limits(pass, cron_job, &found).await?;
    let next_job = release::skip(pass, intent, &found, &limits);
    let (stalled, until_check) = jobs::judge(pass, intent, &found, Some(cron_job)).await;
    let mut decision = release::decide(pass, intent, (cron_job, wanted), next_job).await?;
    if matches!(decision, Decision::Done | Decision::Refused) {
        let created = found.pods.iter().filter_map(|pod| pod.metadata.creation_timestamp.as_ref());
        pass.draft.nothing_waits(created.map(|created| created.0).max());
    }
    let rerun = schedule_rerun::rerun(pass, intent, (cron_job, stopped.is_some()), &found).await?;
    if let Some((job, stall)) = stalled {
        pass.draft.start_stalled(job, &stall, told.as_deref());
    } else if let Rerun::Waits { why, .. } = &rerun {
        pass.draft.run_waits(why);
    } else if let Decision::Waits(why) | Decision::Delayed(why, _) = &decision {
        pass.draft.run_waits(why);
    }
    if intent.abort && found.pods.iter().any(|pod| matches!(pod_state(pod), PodState::Running { .. })) {
        pass.draft.scheduled_runs_stop();
    }
    let again = sync_runs(pass, intent, &found, (replaces, grace)).await?;
    rerun.announce(pass).await;
    if !matches!(decision, Decision::Go(..)) {
        targets::take_away_scheduled(pass, None).await?;
    }
    if let Decision::Go(job, resources) = decision {
        decision = release::release(pass, wanted.plan, (job, &resources)).await?;
        if let Decision::Waits(why) = &decision {
            pass.draft.run_waits(why);
        }
    }
    let next = times::until_next(&pass.draft.status, clock::now());
    let checks = [until_missed, next_job.until_late, until_check, decision.again(), rerun.retry(), again];
    Ok(Wait::at_most(checks.into_iter().flatten().fold(next, Duration::min)))
}

/// The limits by which Jobs are judged. The `CronJob` was read before its Jobs, so a newer version of it may have made one of
/// them. Before a run is skipped for good, it is read again.
async fn limits(pass: &mut Pass<'_>, cron_job: &CronJob, found: &Found) -> Result<Limits, Error> {
    let limits = Limits::of(cron_job.spec.as_ref(), Delay::of(&pass.live));
    if !release::skips_any(pass, found, &limits) {
        return Ok(limits);
    }
    let Some(recorded) = recorded(pass) else { return Ok(limits) };
    let newest = recall(pass, &recorded).await?;
    let spec = newest.and_then(|found| CronJobSpec::deserialize(&found.data["spec"]).ok());
    Ok(spec.map_or(limits, |spec| Limits::of(Some(&spec), Delay::of(&pass.live))))
}

/// The `CronJob` that the status records.
fn recorded(pass: &Pass<'_>) -> Option<ResourceRef> {
    let is_schedule = |resource: &&ResourceRef| Kind::CronJob.is_of(resource);
    pass.draft.status.resources.iter().find(is_schedule).cloned()
}

/// The policy by which the next run of a schedule replaces the one that goes on.
const REPLACE: &str = "Replace";

/// Goes on with the runs of a schedule that cannot be kept as the spec wants it now. What blocks the next run must neither
/// hide the end of one that has started, nor keep anybody from stopping it. No run is let go meanwhile, since nobody can judge
/// it. Returns when to look again, if anything has to be done by a time.
pub async fn go_on(
    pass: &mut Pass<'_>,
    intent: &Intent,
    obstacle: &Error,
) -> Result<Option<Duration>, Error> {
    let Some(recorded) = recorded(pass) else { return Ok(None) };
    if intent.abort || intent.suspend {
        cron_job::suspend(&pass.context.cluster, &recorded, &pass.parent()).await?;
    }
    let cron_job = recall(pass, &recorded).await?;
    if let Some(found) = &cron_job {
        cron_job::hold_jobs(&pass.context.cluster, &recorded, found).await?;
    }
    let spec = cron_job.map(|found| found.data["spec"].clone()).unwrap_or_default();
    let replaces = spec["concurrencyPolicy"] == REPLACE;
    let deadline = spec["startingDeadlineSeconds"].as_i64();
    let limits = Limits { deadline, template: None, delay: Delay::of(&pass.live) };
    let found = Found::list(pass, &recorded.namespace).await?;
    release::refuse_all(pass, &found, obstacle);
    let until_late = release::skip(pass, intent, &found, &limits).until_late;
    let (_, until_check) = jobs::judge(pass, intent, &found, None).await;
    let again = sync_runs(pass, intent, &found, (replaces, Some(intent.helper_grace))).await?;
    targets::take_away_scheduled(pass, None).await?;
    Ok([until_late, until_check, again].into_iter().flatten().min())
}

/// Reads a recorded `CronJob`, and puts its uid on the draft of the status, since its Jobs are known by that.
pub async fn recall(pass: &mut Pass<'_>, recorded: &ResourceRef) -> Result<Option<DynamicObject>, Error> {
    let found = delete::find_own(&pass.context.cluster, Kind::CronJob, recorded, &pass.parent()).await?;
    pass.draft.cron_job_seen(found.as_ref().and_then(|found| found.metadata.uid.as_deref()));
    Ok(found)
}

/// Brings the recorded runs up to date with their pods, and releases the pods whose end is recorded and whose journal is
/// kept. Returns when to look again, unless that is done for all runs that have ended.
///
/// `replaces` says whether the next run replaces one that goes on. Without a grace, helpers are left alone.
async fn sync_runs(
    pass: &mut Pass<'_>,
    intent: &Intent,
    found: &Found,
    (replaces, grace): (bool, Option<SignedDuration>),
) -> Result<Option<Duration>, Error> {
    let context = pass.context;
    let open = pass.draft.open_pods();
    let lost = jobs::record_lost(pass, found, &open).await?;
    jobs::remove_given_up(pass, found).await?;
    jobs::record_gone(pass, found);
    // Somebody has taken the finalizer off a pod whose end is not recorded.
    let is_unrecorded = |pod: &Pod| pod.metadata.name.as_ref().is_some_and(|name| open.contains(name));
    let is_to_record = |pod: &Pod| is_held(pod) || is_unrecorded(pod);
    let mut done = Vec::new();
    let mut ended = Vec::new();
    let mut again = None;
    let mut held = lost;
    let stop = follow::stop(context, &pass.live).filter(|_| !intent.abort);
    let mut stopped = Vec::new();
    context.watches.keep(pass.live.uid(), |uid| found.goes_on(uid));
    for pod in &found.pods {
        let state = pod_state(pod);
        let PodState::Ended(end) = &state else {
            context.log_follower.follow(pod);
            if intent.abort {
                pods::stop(&context.cluster, pod).await?;
            } else if pod.metadata.deletion_timestamp.is_none() {
                if matches!(state, PodState::Running { .. }) {
                    stop_conditions::watch(pass, pod).await?;
                }
                let met = pod.metadata.uid.as_deref().and_then(|uid| context.watches.met(uid));
                if let Some(stop) = stop.clone().or(met) {
                    pass.draft.stop_pod(pod, stop);
                    stopped.push(pod);
                }
            }
            pass.draft.run_seen(pod, job::of(&found.jobs, pod));
            pass.draft.run_goes_on(pod, &state);
            continue;
        };
        // A released pod is recorded, even if the history does not reach back to it.
        if !is_to_record(pod) {
            if helpers::are_waited_for(pod) {
                ended.push((pod, pass.draft.end_seen(pod)));
            }
            continue;
        }
        // At most as many at a time as the history takes: a held pod that is not in the history counts as not recorded.
        held += 1;
        let end = job::explained(end, pod, &found.jobs, replaces);
        if held <= MAX_HISTORY && record_end(pass, intent, (pod, job::of(&found.jobs, pod)), &end).await? {
            done.push(pod);
            ended.push((pod, pass.draft.end_seen(pod)));
        } else {
            again = Some(JOURNAL_RETRY);
        }
    }
    let unrecorded = found.unrecorded(&done, &pass.draft.given_up());
    let is_open = |uid: &str| found.open().any(|job| job.metadata.uid.as_deref() == Some(uid));
    let is_due = |uid: &str| is_open(uid) || unrecorded.iter().any(|known| known == uid);
    pass.draft.keep_released(is_due);
    pass.draft.keep_mutex(is_due);
    pass.draft.jobs_seen(unrecorded);
    let is_done =
        |pod: &Pod| !is_to_record(pod) || done.iter().any(|done| done.metadata.uid == pod.metadata.uid);
    let is_waiting = |pod: &&Pod| !is_done(pod) || helpers::are_waited_for(pod);
    let waiting: Vec<&str> =
        found.pods.iter().filter(is_waiting).filter_map(|pod| pod.metadata.uid.as_deref()).collect();
    pass.draft.keep_ended(|uid| waiting.contains(&uid));
    pass.draft.keep_stopped(|uid| {
        found.pods.iter().any(|pod| pod.metadata.uid.as_deref() == Some(uid) && !is_done(pod))
    });
    pass.write().await?;
    // Only now that the status says why.
    for pod in stopped {
        pods::stop(&context.cluster, pod).await?;
    }
    for pod in &found.orphans {
        // Nobody else would. The end of this run is lost: its Job came and went while no operator was looking.
        warn!(pod = pod.metadata.name, "letting go a pod whose Job is gone and was never seen");
        pods::release(&context.cluster, pod).await?;
    }
    for pod in done {
        pods::release(&context.cluster, pod).await?;
    }
    let Some(grace) = grace else { return Ok(again) };
    for (pod, seen) in ended {
        if let Some(due) = helpers::end(pass, pod, seen.0, grace).await? {
            let wait = clock::until(due, clock::now());
            again = Some(again.map_or(wait, |again| again.min(wait)));
        }
    }
    Ok(again)
}

/// Records the end of one run. Returns whether the pod is not needed any more.
async fn record_end(
    pass: &mut Pass<'_>,
    intent: &Intent,
    (pod, job): (&Pod, Option<&Job>),
    end: &End,
) -> Result<bool, Error> {
    let Pass { context, draft, live, .. } = pass;
    let seen = draft.end_seen(pod);
    let evidence = match draft.past_run(pod) {
        Some(recorded) if !recorded.run.is_journal_due() => return Ok(true),
        Some(_) => Evidence::of_journal(&context.log_follower, pod, end).await,
        None => {
            let evidence = match Evidence::collect(&context.log_follower, pod, end, &seen).await {
                // The ends of the other runs do not wait for this log.
                Err(unread @ Error::LogUnread { .. }) => {
                    warn!("the end of a run waits for its log: {}", unread.describe());
                    return Ok(false);
                }
                collected => collected?,
            };
            draft.run_seen(pod, job);
            draft.run_ended(pod, end, &evidence, intent);
            evidence
        }
    };
    let Some(recorded) = draft.past_run(pod) else { return Ok(true) };
    recorded.run.recorded_at.get_or_insert(seen);
    let (run, limit) = ((&recorded.run, recorded.outcome), intent.journal_limit);
    let journal = journals::keep((&context.cluster, &context.journals), live, run, &evidence, limit).await;
    recorded.run.journal.clone_from(&journal);
    let is_due = recorded.run.is_journal_due();
    if let Some(run) = draft.status.run.as_mut().filter(|run| run.pod_uid == pod.metadata.uid) {
        run.journal = journal;
    }
    pass.remember(pod, evidence.journal);
    Ok(!is_due)
}
