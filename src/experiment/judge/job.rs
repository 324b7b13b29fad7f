//! What the Job of a scheduled run says of that run: pure.

use k8s_openapi::api::batch::v1::{Job, JobCondition};
use k8s_openapi::api::core::v1::{Event, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use k8s_openapi::jiff::{SignedDuration, Timestamp};

use crate::experiment::judge::pod_state::{End, PodState, Stall, pod_state};
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::{Trigger, names};

/// The annotation of a Job that somebody created from a `CronJob`, as `kubectl create job --from` sets it.
pub const MANUAL: &str = "cronjob.kubernetes.io/instantiate";

/// After how many seconds a Job without a pod counts as stalled, even if no event says why.
const POD_WAIT: i64 = 30;

/// The Job that a pod belongs to, as the pod names it.
#[must_use]
pub fn owner(pod: &Pod) -> Option<&OwnerReference> {
    let mut owners = pod.metadata.owner_references.iter().flatten();
    owners.find(|owner| owner.kind == "Job" && owner.controller == Some(true))
}

/// The Job of a pod, if it still exists.
#[must_use]
pub fn of<'a>(jobs: &'a [Job], pod: &Pod) -> Option<&'a Job> {
    let owner = owner(pod)?;
    jobs.iter().find(|job| job.metadata.uid.as_deref() == Some(owner.uid.as_str()))
}

/// The name of the Job of a pod that is gone, by the name of the pod. Kubernetes adds a dash and five characters to it, and
/// shortens it if the result is longer than 63 characters.
/// <https://kubernetes.io/docs/reference/using-api/api-concepts/#generated-values>
#[must_use]
pub fn of_pod(name: &str) -> Option<&str> {
    name.rsplit_once('-').map(|(job, _)| job).filter(|_| name.len() < LONGEST_GENERATED)
}

/// The length of a generated name from which on what it was made of may be shortened.
const LONGEST_GENERATED: usize = 63;

/// The pods of a Job.
pub fn pods<'a>(job: &'a Job, pods: &'a [Pod]) -> impl Iterator<Item = &'a Pod> {
    let is_own = |pod: &&Pod| owner(pod).map(|owner| owner.uid.as_str()) == job.metadata.uid.as_deref();
    pods.iter().filter(is_own)
}

/// Whether a Job starts no more pods: it has ended, is about to end, or is being deleted.
#[must_use]
pub fn is_over(job: &Job) -> bool {
    let ends = ["Complete", "Failed", "SuccessCriteriaMet", "FailureTarget"];
    job.metadata.deletion_timestamp.is_some() || ends.iter().any(|end| condition(job, end).is_some())
}

/// Whether the container of a pod of this Job has ever started.
#[must_use]
pub fn has_started(job: &Job, all: &[Pod]) -> bool {
    let status = job.status.clone().unwrap_or_default();
    let counted = status.succeeded.unwrap_or_default().saturating_add(status.failed.unwrap_or_default());
    let to_count = status.uncounted_terminated_pods.unwrap_or_default();
    let is_counted = counted > 0
        || [to_count.failed, to_count.succeeded].into_iter().flatten().any(|pods| !pods.is_empty());
    is_counted
        || pods(job, all).any(|pod| match pod_state(pod) {
            PodState::Starting(_) => false,
            PodState::Running { .. } => true,
            PodState::Ended(end) => end.started_at.is_some(),
        })
}

/// What keeps a Job without a pod from having one. `newest` is its newest event that says so.
#[must_use]
pub fn stall(job: &Job, newest: Option<&Event>, now: Timestamp) -> Option<Stall> {
    if let Some(suspended) = condition(job, "Suspended") {
        let message = suspended.message.clone().unwrap_or_default();
        return Some(Stall { word: "Suspended".to_owned(), message });
    }
    if let Some(event) = newest {
        let message = event.message.clone().unwrap_or_default();
        return Some(Stall { word: "FailedCreate".to_owned(), message });
    }
    let created = job.metadata.creation_timestamp.as_ref()?;
    (now.as_second() - created.0.as_second() >= POD_WAIT).then(|| Stall {
        word: "NoPod".to_owned(),
        message: "no pod was created for it, and no event says why".to_owned(),
    })
}

/// The newest of these events.
#[must_use]
pub fn newest(events: Vec<Event>) -> Option<Event> {
    events.into_iter().max_by_key(|event| {
        let series = event.series.as_ref().and_then(|series| series.last_observed_time.as_ref());
        let last = event.last_timestamp.as_ref().map(|time| time.0);
        series.map(|time| time.0).max(last).max(event.event_time.as_ref().map(|time| time.0))
    })
}

/// The end of a pod, with the reason for which its Job ended it, if the Job did.
///
/// `replacing` says whether the `CronJob` replaces a run that goes on by the next one.
#[must_use]
pub fn explained(end: &End, pod: &Pod, jobs: &[Job], replacing: bool) -> End {
    let Some(owner) = owner(pod).filter(|_| end.deleted && end.cause.is_none()) else {
        return end.clone();
    };
    let job = of(jobs, pod);
    let ended = job.and_then(|job| condition(job, "Failed").or_else(|| condition(job, "FailureTarget")));
    let told = ended.filter(|ended| ended.reason.as_deref() == Some("DeadlineExceeded"));
    if told.is_some() || job.is_some_and(|job| is_past_deadline(job, pod)) {
        let words = told.and_then(|told| told.message.clone());
        let words = words.unwrap_or_else(|| "its deadline was over".to_owned());
        let explanation = format!("Job {}: {words}", owner.name);
        return End { cause: Some(Reason::DeadlineExceeded), explanation, ..end.clone() };
    }
    let is_gone = job.is_none_or(|job| job.metadata.deletion_timestamp.is_some());
    let next = jobs.iter().find(|next| is_scheduled(next) && created(next) >= created_pod(pod));
    match next.filter(|next| is_gone && replacing && next.metadata.uid.as_ref() != Some(&owner.uid)) {
        Some(next) => {
            let name = next.metadata.name.as_deref().unwrap_or_default();
            let explanation = format!("Job {name} began, and the concurrencyPolicy is Replace");
            End { cause: Some(Reason::Replaced), explanation, ..end.clone() }
        }
        None => end.clone(),
    }
}

/// Whether the pod was deleted when the deadline of its Job was over. The Job controller deletes the pod first, and then
/// writes the condition that says why.
fn is_past_deadline(job: &Job, pod: &Pod) -> bool {
    let limit = job.spec.as_ref().and_then(|spec| spec.active_deadline_seconds);
    let began = job.status.as_ref().and_then(|status| status.start_time.as_ref());
    let (Some(limit), Some(began), Some(deleted)) = (limit, began, &pod.metadata.deletion_timestamp) else {
        return false;
    };
    let grace = pod.metadata.deletion_grace_period_seconds.unwrap_or_default();
    let asked = deleted.0.saturating_sub(SignedDuration::from_secs(grace)).unwrap_or(deleted.0);
    asked.as_second() - began.0.as_second() >= limit
}

/// What started the run of a Job. A Job that is gone leaves its name, which ends in the minute that it was due.
#[must_use]
pub fn trigger(job: Option<&Job>, name: &str) -> Trigger {
    let Some(job) = job else {
        // The minute since 1970.
        let is_due_time = |end: &str| end.len() >= 8 && end.chars().all(|digit| digit.is_ascii_digit());
        let is_scheduled = name.rsplit_once('-').is_some_and(|(_, end)| is_due_time(end));
        return if is_scheduled { Trigger::Schedule } else { Trigger::Manual };
    };
    let annotations = job.metadata.annotations.as_ref();
    match annotations {
        Some(found) if found.contains_key(names::RERUN_ANNOTATION) => Trigger::Rerun,
        Some(found) if found.get(MANUAL).is_some_and(|value| value == "manual") => Trigger::Manual,
        _ => Trigger::Schedule,
    }
}

fn is_scheduled(job: &Job) -> bool {
    trigger(Some(job), "") == Trigger::Schedule
}

fn created(job: &Job) -> Option<Timestamp> {
    job.metadata.creation_timestamp.as_ref().map(|time| time.0)
}

fn created_pod(pod: &Pod) -> Option<Timestamp> {
    pod.metadata.creation_timestamp.as_ref().map(|time| time.0)
}

/// The condition of this type that is true.
fn condition<'a>(job: &'a Job, type_: &str) -> Option<&'a JobCondition> {
    let mut conditions = job.status.as_ref()?.conditions.as_ref()?.iter();
    conditions.find(|condition| condition.type_ == type_ && condition.status == "True")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::{Value, json};

    fn job(value: Value) -> Job {
        let mut job = json!({"metadata": {"name": "chaos-2", "uid": "job-2", "creationTimestamp": "2026-01-01T00:01:00Z"}});
        job.as_object_mut().unwrap().extend(value.as_object().unwrap().clone());
        serde_json::from_value(job).unwrap()
    }

    fn condition_of(type_: &str, reason: &str) -> Value {
        json!({"status": {"conditions": [{"type": type_, "status": "True", "reason": reason, "message": "words"}]}})
    }

    /// A pod of the Job with this uid that was deleted after 30 seconds.
    fn pod(owner: &str) -> Pod {
        serde_json::from_value(json!({"metadata": {"creationTimestamp": "2026-01-01T00:01:00Z",
            "deletionTimestamp": "2026-01-01T00:06:30Z", "deletionGracePeriodSeconds": 300,
            "ownerReferences": [{"apiVersion": "batch/v1", "kind": "Job", "name": "chaos-2", "uid": owner, "controller": true}]}}))
        .unwrap()
    }

    fn deadline(seconds: i64) -> Value {
        json!({"spec": {"activeDeadlineSeconds": seconds, "template": {}}, "status": {"startTime": "2026-01-01T00:01:00Z"}})
    }

    #[rstest]
    #[case::it_says_so(condition_of("Failed", "DeadlineExceeded"), Some(Reason::DeadlineExceeded))]
    #[case::it_is_about_to_say_so(
        condition_of("FailureTarget", "DeadlineExceeded"),
        Some(Reason::DeadlineExceeded)
    )]
    #[case::it_has_not_said_so_yet(deadline(30), Some(Reason::DeadlineExceeded))]
    #[case::its_deadline_is_later(deadline(31), None)]
    #[case::something_else(condition_of("Failed", "BackoffLimitExceeded"), None)]
    #[case::it_goes_on(json!({}), None)]
    fn a_job_that_ended_its_pod_says_why(#[case] state: Value, #[case] expected: Option<Reason>) {
        let end = End { deleted: true, ..End::default() };
        let found = explained(&end, &pod("job-2"), &[job(state.clone())], true);
        assert_eq!(found.cause, expected);
        let by_itself = End::default();
        assert_eq!(explained(&by_itself, &pod("job-2"), &[job(state)], true), by_itself, "nobody deleted it");
    }

    #[rstest]
    #[case::by_the_next(true, "2026-01-01T00:02:00Z", json!({}), Some(Reason::Replaced))]
    #[case::by_hand(false, "2026-01-01T00:02:00Z", json!({}), None)]
    #[case::nothing_began(true, "2026-01-01T00:00:00Z", json!({}), None)]
    #[case::somebody_began(true, "2026-01-01T00:02:00Z", json!({MANUAL: "manual"}), None)]
    fn a_run_is_replaced(
        #[case] replacing: bool,
        #[case] created: &str,
        #[case] annotations: Value,
        #[case] expected: Option<Reason>,
    ) {
        let next = job(json!({"metadata": {"name": "chaos-3", "uid": "job-3", "creationTimestamp": created,
            "annotations": annotations}}));
        let end = End { deleted: true, ..End::default() };
        let found = explained(&end, &pod("job-2"), std::slice::from_ref(&next), replacing);
        assert_eq!(found.cause, expected);
        let both = [job(json!({})), next];
        assert_eq!(explained(&end, &pod("job-2"), &both, replacing).cause, None, "its Job is still there");
    }

    #[rstest]
    #[case::due(json!({}), Trigger::Schedule)]
    #[case::by_hand(json!({MANUAL: "manual"}), Trigger::Manual)]
    #[case::rerun(json!({MANUAL: "manual", names::RERUN_ANNOTATION: "1"}), Trigger::Rerun)]
    fn a_job_says_what_started_it(#[case] annotations: Value, #[case] expected: Trigger) {
        let job = job(json!({"metadata": {"annotations": annotations}}));
        assert_eq!(trigger(Some(&job), "any"), expected);
    }

    #[rstest]
    #[case("chaos-29384756", Trigger::Schedule)]
    #[case("chaos-by-hand", Trigger::Manual)]
    #[case("chaos-2", Trigger::Manual)]
    #[case("chaos-", Trigger::Manual)]
    fn a_job_that_is_gone_leaves_its_name(#[case] name: &str, #[case] expected: Trigger) {
        assert_eq!(trigger(None, name), expected);
    }

    #[rstest]
    #[case::new(json!({}), None, 5, None)]
    #[case::old(json!({}), None, 30, Some("NoPod"))]
    #[case::refused(json!({}), Some("exceeded quota"), 5, Some("FailedCreate"))]
    #[case::suspended(
        condition_of("Suspended", "JobSuspended"),
        Some("exceeded quota"),
        5,
        Some("Suspended")
    )]
    fn a_job_without_a_pod_says_why(
        #[case] state: Value,
        #[case] event: Option<&str>,
        #[case] age: i64,
        #[case] expected: Option<&str>,
    ) {
        let job = job(state);
        let event = event.map(|words| Event { message: Some(words.to_owned()), ..Event::default() });
        let now = created(&job).unwrap() + SignedDuration::from_secs(age);
        let found = stall(&job, event.as_ref(), now);
        assert_eq!(found.map(|stall| stall.word), expected.map(str::to_owned));
    }

    #[rstest]
    #[case("chaos-29384756-x7k2p", Some("chaos-29384756"))]
    #[case("chaos", None)]
    #[case::may_be_shortened(&format!("{}-x7k2p", "c".repeat(57)), None)]
    fn a_pod_that_is_gone_leaves_the_name_of_its_job(#[case] pod: &str, #[case] job: Option<&str>) {
        assert_eq!(of_pod(pod), job);
    }

    #[test]
    fn the_newest_event_counts() {
        let at = |second: i64, words: &str| -> Event {
            let time = Timestamp::from_second(second).unwrap();
            serde_json::from_value(
                json!({"metadata": {}, "involvedObject": {}, "message": words, "lastTimestamp": time}),
            )
            .unwrap()
        };
        let found = newest(vec![at(1, "old"), at(3, "new"), at(2, "older")]).unwrap();
        assert_eq!(found.message.as_deref(), Some("new"));
    }
}
