//! The Jobs of a schedule that wait to be let go, and which of them may still start: pure.
//!
//! A `CronJob` creates its Jobs suspended. The operator lets a Job go once its author is known to be allowed what the run
//! will do.

use k8s_openapi::api::batch::v1::{CronJobSpec, Job};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;

use crate::experiment::jitter::Delay;
use chaostoolkit_api::names;

/// The annotation that the controller of `CronJob`s puts on a Job: the time that the Job is for.
pub const SCHEDULED: &str = "batch.kubernetes.io/cronjob-scheduled-timestamp";

/// What decides whether a Job may still start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// For how many seconds a run may start after it is due. Without it, there is no limit.
    pub deadline: Option<i64>,
    /// The hash of the template that Jobs are made from now. It is not known while the spec cannot be decided on.
    pub template: Option<String>,
    /// By how much runs are delayed after they are due.
    pub delay: Delay,
}

impl Limits {
    /// The limits that the spec of a `CronJob` sets.
    #[must_use]
    pub fn of(spec: Option<&CronJobSpec>, delay: Delay) -> Self {
        let template = spec.and_then(|spec| spec.job_template.metadata.as_ref()?.annotations.as_ref());
        Self {
            deadline: spec.and_then(|spec| spec.starting_deadline_seconds),
            template: template.and_then(|all| all.get(names::SPEC_HASH_ANNOTATION)).cloned(),
            delay,
        }
    }

    /// The time until which a Job may start, if there is a limit.
    #[must_use]
    pub fn end(&self, job: &Job) -> Option<Timestamp> {
        let deadline = SignedDuration::from_secs(self.deadline?.max(0));
        let begin = self.begin(job).or_else(|| due(job))?;
        Some(begin.saturating_add(deadline).unwrap_or(Timestamp::MAX))
    }

    /// The time before which a Job does not start, if it is delayed. Only one that the schedule has made is.
    #[must_use]
    pub fn begin(&self, job: &Job) -> Option<Timestamp> {
        Some(self.delay.start(scheduled(job)?))
    }
}

/// Whether a Job waits to be let go. One that the operator has let go before waits for whoever has suspended it since.
#[must_use]
pub fn is_waiting(job: &Job) -> bool {
    let is_suspended = job.spec.as_ref().and_then(|spec| spec.suspend) == Some(true);
    is_suspended && !job.annotations().contains_key(names::RELEASED_ANNOTATION)
}

/// The time that a Job is for. A Job that was made by hand is for the time when it was made.
#[must_use]
pub fn due(job: &Job) -> Option<Timestamp> {
    scheduled(job).or_else(|| job.creation_timestamp().map(|created| created.0))
}

fn scheduled(job: &Job) -> Option<Timestamp> {
    job.annotations().get(SCHEDULED).and_then(|time| time.parse().ok())
}

/// What becomes of the Jobs that wait.
#[derive(Debug, Default, PartialEq)]
pub struct Sorted<'a> {
    /// The one that may start.
    pub next: Option<&'a Job>,
    /// Those that do not start any more, each with the reason as a sentence, oldest first.
    pub skipped: Vec<(&'a Job, String)>,
}

/// Sorts the Jobs that wait. A Job may start if its time is not over, if the spec has not changed since it was made, and if no
/// newer one may start.
#[must_use]
pub fn sort<'a>(waiting: impl Iterator<Item = &'a Job>, limits: &Limits, now: Timestamp) -> Sorted<'a> {
    let mut newest_first: Vec<&Job> = waiting.collect();
    newest_first
        .sort_by_cached_key(|job| std::cmp::Reverse((due(job), job.creation_timestamp(), job.name_any())));
    let mut sorted = Sorted::default();
    for job in newest_first {
        let why = late(job, limits, now).or_else(|| outdated(job, limits));
        let newer =
            sorted.next.map(|next| format!("Job {} is newer, and only the newest starts", next.name_any()));
        match why.or(newer) {
            Some(why) => sorted.skipped.push((job, why)),
            None => sorted.next = Some(job),
        }
    }
    sorted.skipped.reverse();
    sorted
}

fn late(job: &Job, limits: &Limits, now: Timestamp) -> Option<String> {
    let deadline = limits.deadline?;
    limits.end(job).filter(|end| *end < now)?;
    let due = Timestamp::from_second(due(job)?.as_second()).ok()?;
    Some(format!("it was due at {due}, and was not allowed to start within {deadline} seconds"))
}

/// Only the template of now is judged, so a Job that was made from another one must not start.
fn outdated(job: &Job, limits: &Limits) -> Option<String> {
    let wanted = limits.template.as_ref()?;
    let is_current = job.annotations().get(names::SPEC_HASH_ANNOTATION) == Some(wanted);
    (!is_current).then(|| "what the run executes was changed before it was allowed to start".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::{Value, json};

    fn at(time: &str) -> Timestamp {
        format!("2026-01-01T{time}Z").parse().unwrap()
    }

    /// A Job that was created at a time, is for a time, and was made from a template with this hash.
    fn job(name: &str, created: &str, due: Option<&str>, hash: Option<&str>) -> Job {
        let mut annotations = json!({});
        if let Some(due) = due {
            annotations[SCHEDULED] = json!(due);
        }
        if let Some(hash) = hash {
            annotations[names::SPEC_HASH_ANNOTATION] = json!(hash);
        }
        let metadata =
            json!({"name": name, "creationTimestamp": at(created).to_string(), "annotations": annotations});
        serde_json::from_value(json!({"metadata": metadata, "spec": {"suspend": true, "template": {}}}))
            .unwrap()
    }

    fn limits(deadline: Option<i64>) -> Limits {
        Limits { deadline, template: Some("now".to_owned()), ..Limits::default() }
    }

    #[rstest]
    #[case::suspended(json!({"spec": {"suspend": true, "template": {}}}), true)]
    #[case::not_suspended(json!({"spec": {"suspend": false, "template": {}}}), false)]
    #[case::made_by_an_older_operator(json!({"spec": {"template": {}}}), false)]
    #[case::suspended_again(
        json!({"metadata": {"annotations": {names::RELEASED_ANNOTATION: "true"}}, "spec": {"suspend": true, "template": {}}}),
        false
    )]
    fn a_job_waits_until_it_was_let_go_once(#[case] job: Value, #[case] expected: bool) {
        assert_eq!(is_waiting(&serde_json::from_value(job).unwrap()), expected);
    }

    #[rstest]
    #[case::by_the_controller(Some("2026-01-01T00:05:00Z"), "00:05:00")]
    #[case::in_the_time_zone_of_the_schedule(Some("2026-01-01T01:05:00+01:00"), "00:05:00")]
    #[case::by_hand(None, "00:06:00")]
    #[case::unreadable(Some("soon"), "00:06:00")]
    fn a_job_is_for_the_time_that_its_controller_says(#[case] said: Option<&str>, #[case] expected: &str) {
        assert_eq!(due(&job("a", "00:06:00", said, None)), Some(at(expected)));
    }

    #[rstest]
    #[case::at_once(Some(200), "00:05:01", true)]
    #[case::at_the_last_moment(Some(200), "00:08:20", true)]
    #[case::late(Some(200), "00:08:21", false)]
    #[case::without_a_limit(None, "23:00:00", true)]
    fn a_job_starts_within_the_starting_deadline_of_its_time(
        #[case] deadline: Option<i64>,
        #[case] now: &str,
        #[case] starts: bool,
    ) {
        // The controller of CronJobs was late too.
        let job = job("a", "00:07:00", Some("2026-01-01T00:05:00Z"), Some("now"));
        let sorted = sort(std::iter::once(&job), &limits(deadline), at(now));
        assert_eq!((sorted.next.is_some(), sorted.skipped.len()), (starts, usize::from(!starts)));
        if let Some((_, why)) = sorted.skipped.first() {
            let told = "it was due at 2026-01-01T00:05:00Z, and was not allowed to start within 200 seconds";
            assert_eq!(why, told);
        }
    }

    #[test]
    fn of_several_jobs_the_newest_starts_and_the_others_do_not() {
        let jobs = ["00:06:00", "00:07:00", "00:05:00"].map(|time| job(time, time, None, Some("now")));
        let Sorted { next, skipped } = sort(jobs.iter(), &limits(Some(200)), at("00:07:01"));
        assert_eq!(next.map(ResourceExt::name_any).as_deref(), Some("00:07:00"));
        let names: Vec<String> = skipped.iter().map(|(job, _)| job.name_any()).collect();
        assert_eq!(names, ["00:05:00", "00:06:00"], "oldest first");
        assert_eq!(skipped[0].1, "Job 00:07:00 is newer, and only the newest starts");
    }

    #[rstest]
    #[case::of_now(Some("now"), Some("now"), true)]
    #[case::of_another_spec(Some("before"), Some("now"), false)]
    #[case::of_nobody(None, Some("now"), false)]
    #[case::not_known(Some("before"), None, true)]
    fn a_job_starts_only_if_it_is_what_was_judged(
        #[case] made: Option<&str>,
        #[case] wanted: Option<&str>,
        #[case] starts: bool,
    ) {
        let job = job("a", "00:05:00", None, made);
        let limits = Limits { template: wanted.map(str::to_owned), ..Limits::default() };
        assert_eq!(sort(std::iter::once(&job), &limits, at("00:05:01")).next.is_some(), starts);
    }

    #[test]
    fn a_late_job_holds_no_older_one_back_and_an_outdated_one_neither() {
        let late = job("late", "00:09:00", Some("2026-01-01T00:01:00Z"), Some("now"));
        let outdated = job("outdated", "00:08:00", None, Some("before"));
        let good = job("good", "00:07:00", None, Some("now"));
        let sorted = sort([&late, &outdated, &good].into_iter(), &limits(Some(200)), at("00:09:00"));
        assert_eq!(sorted.next, Some(&good));
        assert_eq!(sorted.skipped.len(), 2);
    }
}
