//! Experiments with a schedule: a `CronJob` that is kept as the spec wants it, and the runs that it starts.
//!
//! Kubernetes starts the runs, so the promise is its own: about once per time that is due. Ours is that the end of each
//! run is recorded: its pod is held until it is.

use std::time::Duration;

use croner::parser::{CronParser, Seconds};
use jiff::tz::TimeZone;
use k8s_openapi::api::batch::v1::{CronJob, CronJobStatus};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, DynamicObject, ListParams, Patch};
use serde_json::{Value, json};

use crate::cluster::manifest::{Kind, Manifest};
use crate::cluster::{Cluster, named, patching, posting, without_finalizers};
use crate::experiment::children::create;
use crate::experiment::error::Error;
use crate::experiment::intent::Control;
use crate::experiment::judge::evidence::Evidence;
use crate::experiment::judge::pod_state::{End, PodState, pod_state};
use crate::experiment::pass::Report;
use crate::experiment::stages::teardown;
use crate::experiment::status::LONGEST_HISTORY;
use crate::experiment::{Context, journals};
use chaostoolkit_api::{ResourceRef, ScheduleStatus, Status, names};

/// Sees to it that the `CronJob` is as the spec wants it. One that somebody has changed by hand stays so until the spec
/// changes: what is compared is what was asked for.
pub async fn ensure(
    cluster: &Cluster,
    report: &mut Report<'_>,
    wanted: &Manifest,
    likely: bool,
) -> Result<CronJob, Error> {
    let found = create::child(cluster, report, wanted, likely).await?;
    let asked = found.metadata.annotations.as_ref().and_then(|all| all.get(names::SPEC_HASH_ANNOTATION));
    let is_current = asked.map(String::as_str) == wanted.annotation(names::SPEC_HASH_ANNOTATION);
    let current = if is_current { found } else { replace(cluster, wanted, &found).await? };
    create::typed(wanted, current)
}

async fn replace(
    cluster: &Cluster,
    wanted: &Manifest,
    found: &DynamicObject,
) -> Result<DynamicObject, Error> {
    let doing = format!("replace {}", named(wanted.kind, wanted.namespace(), wanted.name()));
    let mut object = wanted.to_dynamic().map_err(|error| create::unreadable(wanted, error))?;
    object.metadata.resource_version.clone_from(&found.metadata.resource_version);
    let parameters = posting();
    let api = cluster.objects(wanted.kind, wanted.namespace());
    cluster.call(doing, api.replace(wanted.name(), &parameters, &object)).await
}

/// Records how the schedule is, and the runs that it has started. Says whether that is done for all that have ended.
pub async fn follow(
    context: &Context,
    report: &mut Report<'_>,
    cron_job: &CronJob,
    control: &Control,
    now: Timestamp,
) -> Result<bool, Error> {
    let namespace = cron_job.metadata.namespace.clone().unwrap_or_default();
    let spec = cron_job.spec.clone().unwrap_or_default();
    let is_suspended = spec.suspend.unwrap_or(false);
    let status = cron_job.status.clone().unwrap_or_default();
    let schedule = ScheduleStatus {
        next_schedule_time: next(&spec.schedule, spec.time_zone.as_deref(), after(&status, now))
            .filter(|_| !is_suspended)
            .map(Time),
        cron: spec.schedule,
        time_zone: spec.time_zone,
        last_schedule_time: status.last_schedule_time,
        active: Vec::new(),
    };
    let missed = missed(&schedule, report.draft.counted_until());
    report.draft.scheduled(schedule, is_suspended, missed);
    record(context, report, &namespace, control).await
}

/// Goes on with the runs of a schedule that cannot be kept as the spec wants it now: what stands in the way of the next
/// run neither hides the end of one that has started, nor keeps anybody from stopping it.
pub async fn go_on(context: &Context, report: &mut Report<'_>, control: &Control) -> Result<(), Error> {
    let is_schedule = |resource: &&ResourceRef| resource.kind == Kind::CronJob.as_str();
    let Some(recorded) = report.draft.status.resources.iter().find(is_schedule).cloned() else {
        return Ok(());
    };
    if control.abort || control.suspend {
        hold(&context.cluster, &recorded, report.live.uid()).await?;
    }
    record(context, report, &recorded.namespace, control).await.map(|_| ())
}

/// Suspends a `CronJob`. It is not as anybody asked for any more, and so it is replaced once that can be decided on.
async fn hold(cluster: &Cluster, recorded: &ResourceRef, uid: &str) -> Result<(), Error> {
    let found = teardown::own(cluster, Kind::CronJob, recorded, uid).await?;
    let Some(found) = found.filter(|found| found.data["spec"]["suspend"] != true) else { return Ok(()) };
    let held = json!({
        "metadata": {"uid": found.metadata.uid, "annotations": {names::SPEC_HASH_ANNOTATION: null}},
        "spec": {"suspend": true},
    });
    change(cluster, "suspend", recorded, &held).await
}

/// Records the runs that have started, and lets the pods go whose end is recorded and whose journal is kept. Says whether
/// that is done for all that have ended.
async fn record(
    context: &Context,
    report: &mut Report<'_>,
    namespace: &str,
    control: &Control,
) -> Result<bool, Error> {
    let pods = pods_of(&context.cluster, namespace, report.live.uid()).await?;
    report.draft.counts_anew();
    let mut done = Vec::new();
    let mut is_all = true;
    let mut held = 0;
    for pod in &pods {
        let state = pod_state(pod);
        let PodState::Ended(end) = &state else {
            context.incoming.listen(&context.cluster, pod);
            if control.abort {
                teardown::stop(context, pod).await?;
            }
            report.draft.ticks(pod, &state);
            continue;
        };
        // What is not held any more was recorded, be it beyond the history.
        if without_finalizers(pod, &[names::OUTCOME_FINALIZER]).is_none() {
            continue;
        }
        // No more at a time than the history takes: a pod that is held and not in it counts as not recorded.
        held += 1;
        if held <= LONGEST_HISTORY && conclude(context, report, pod, end, control).await? {
            done.push(pod);
        } else {
            is_all = false;
        }
    }
    report.write().await?;
    for pod in done {
        teardown::release_pod(context, namespace, pod).await?;
    }
    Ok(is_all)
}

/// Records the end of one run. Says whether nothing more is to be had from its pod.
async fn conclude(
    context: &Context,
    report: &mut Report<'_>,
    pod: &Pod,
    end: &End,
    control: &Control,
) -> Result<bool, Error> {
    let Report { draft, live, .. } = report;
    let evidence = match draft.past(pod) {
        Some(past) if !journals::is_due(&past.run) => return Ok(true),
        Some(_) => Evidence::of_journal(context, pod, end).await,
        None => {
            let evidence = Evidence::collect(context, pod, end).await?;
            draft.ticked(pod, end, &evidence, control);
            evidence
        }
    };
    let Some(past) = draft.past(pod) else { return Ok(true) };
    let journal = journals::settle(context, live, &past.run, past.outcome, &evidence).await;
    past.run.journal.clone_from(&journal);
    let is_due = journals::is_due(&past.run);
    if let Some(run) = draft.status.run.as_mut().filter(|run| run.pod_uid == pod.metadata.uid) {
        run.journal = journal;
    }
    Ok(!is_due)
}

/// Takes the finalizer out of the pods that a `CronJob` will make: nobody will be there to let them go.
pub async fn abandon(cluster: &Cluster, recorded: &ResourceRef) -> Result<(), Error> {
    let none = json!({"spec": {"jobTemplate": {"spec": {"template": {"metadata": {"finalizers": null}}}}}});
    change(cluster, "let go", recorded, &none).await
}

/// Changes a `CronJob`, if it is there.
async fn change(cluster: &Cluster, doing: &str, recorded: &ResourceRef, change: &Value) -> Result<(), Error> {
    let ResourceRef { namespace, name, .. } = recorded;
    let api = cluster.objects(Kind::CronJob, namespace);
    let parameters = patching();
    let doing = format!("{doing} {}", named(Kind::CronJob, namespace, name));
    let changed = cluster.call(doing, api.patch(name, &parameters, &Patch::Merge(change))).await;
    teardown::gone_is_fine(changed.map(|_| ()))
}

/// The pods of an experiment in a namespace, oldest first.
pub async fn pods_of(cluster: &Cluster, namespace: &str, uid: &str) -> Result<Vec<Pod>, Error> {
    let mut pods = list(cluster, &cluster.pods(namespace), "pods", uid).await?;
    pods.sort_by_key(|pod| {
        (pod.metadata.creation_timestamp.clone().map(|time| time.0), pod.metadata.name.clone())
    });
    Ok(pods)
}

/// The objects of one kind that belong to an experiment.
pub async fn list<K>(cluster: &Cluster, api: &Api<K>, what: &str, uid: &str) -> Result<Vec<K>, Error>
where
    K: Clone + std::fmt::Debug + serde::de::DeserializeOwned,
{
    let ours = ListParams::default().labels(&format!("{}={uid}", names::UID_LABEL));
    let doing = format!("list the {what} of experiment {uid}");
    Ok(cluster.call(doing, api.list(&ours)).await?.items)
}

/// When to look at a schedule again, should no pod bring the next pass: shortly after it is due.
#[must_use]
pub fn until_next(status: &Status, now: Timestamp) -> Duration {
    let due = status.schedule.as_ref().and_then(|schedule| schedule.next_schedule_time.as_ref());
    let seconds = due.map_or(LONGEST_LOOK_AWAY, |due| due.0.as_second() - now.as_second() + 2);
    Duration::from_secs(u64::try_from(seconds.clamp(1, LONGEST_LOOK_AWAY)).unwrap_or(1))
}

/// Seconds after which a schedule is looked at in any case.
const LONGEST_LOOK_AWAY: i64 = 600;

/// More are not counted: it is long since anybody was told.
const MOST_MISSED: usize = 1000;

/// How many times were due since the last one that was counted, and before that of the last run.
fn missed(schedule: &ScheduleStatus, since: Option<Timestamp>) -> usize {
    let (Some(since), Some(last)) = (since, &schedule.last_schedule_time) else { return 0 };
    let due = |from: &Timestamp| {
        next(&schedule.cron, schedule.time_zone.as_deref(), *from).filter(|time| *time < last.0)
    };
    std::iter::successors(due(&since), due).take(MOST_MISSED).count()
}

/// The time after which a schedule is due next: now, unless our clock is behind the one by which runs are started.
fn after(status: &CronJobStatus, now: Timestamp) -> Timestamp {
    status.last_schedule_time.as_ref().map_or(now, |last| last.0.max(now))
}

/// When a schedule is due next. Whether it is valid is for the API server to say: what cannot be read here has no next
/// time here.
fn next(cron: &str, time_zone: Option<&str>, now: Timestamp) -> Option<Timestamp> {
    let zone = time_zone.map_or(Ok(TimeZone::UTC), TimeZone::get).ok()?;
    // Five fields, as a CronJob has them: six would be seconds first.
    let cron = CronParser::builder().seconds(Seconds::Disallowed).build().parse(cron).ok()?;
    Some(cron.find_next_occurrence(&now.to_zoned(zone), false).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::the_very_next("2026-01-01T00:00:00Z", "2026-01-01T00:05:00Z", 0)]
    #[case::one_left_out("2026-01-01T00:00:00Z", "2026-01-01T00:10:00Z", 1)]
    #[case::resumed_in_between("2026-01-01T00:03:00Z", "2026-01-01T00:05:00Z", 0)]
    #[case::nothing_new("2026-01-01T00:05:00Z", "2026-01-01T00:05:00Z", 0)]
    #[case::the_clock_went_back("2026-01-01T01:00:00Z", "2026-01-01T00:05:00Z", 0)]
    #[case::a_year("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", MOST_MISSED)]
    fn what_was_left_out_is_counted(#[case] since: &str, #[case] last: &str, #[case] expected: usize) {
        let schedule = ScheduleStatus {
            cron: "*/5 * * * *".to_owned(),
            last_schedule_time: Some(Time(last.parse().unwrap())),
            ..ScheduleStatus::default()
        };
        assert_eq!(missed(&schedule, Some(since.parse().unwrap())), expected);
        assert_eq!(missed(&schedule, None), 0, "nothing is known of the time before the first run");
    }

    #[rstest]
    #[case::the_clock_is_right("2026-01-01T00:07:00Z", "2026-01-01T00:10:00Z")]
    #[case::the_clock_is_behind("2025-12-31T23:57:00Z", "2026-01-01T00:10:00Z")]
    fn what_was_due_already_is_not_due_next(#[case] now: &str, #[case] expected: &str) {
        let last = Time("2026-01-01T00:05:00Z".parse().unwrap());
        let status = CronJobStatus { last_schedule_time: Some(last), ..CronJobStatus::default() };
        let after = after(&status, now.parse().unwrap());
        assert_eq!(next("*/5 * * * *", None, after), Some(expected.parse().unwrap()));
    }

    #[rstest]
    #[case("*/5 * * * *", None, Some("2026-03-29T00:05:00Z"))]
    #[case("0 12 * * *", Some("Europe/Paris"), Some("2026-03-29T10:00:00Z"))] // the clocks have gone forward
    #[case("30 2 1 * *", Some("Nowhere/Land"), None)]
    #[case("hello", None, None)]
    #[case("0 0 0 * * *", None, None)] // six fields: not what a CronJob takes
    fn the_next_time_is_that_of_the_zone(
        #[case] cron: &str,
        #[case] zone: Option<&str>,
        #[case] expected: Option<&str>,
    ) {
        let now: Timestamp = "2026-03-29T00:00:00Z".parse().unwrap();
        assert_eq!(next(cron, zone, now), expected.map(|time| time.parse().unwrap()));
    }
}
