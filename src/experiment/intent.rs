//! What the author wants now, for a run that may have begun already: pure.
//!
//! Unlike the rest of the spec, these fields count as they are now, not as they were when the run was decided on. They are
//! read one by one, so a mistake elsewhere in the spec keeps nobody from stopping a run.

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;

use chaostoolkit_api::condition::{self, State, Type, short};
use chaostoolkit_api::spec::options::{CleanupSpec, Keep};
use chaostoolkit_api::{Experiment, Run, Status, Text, lenient, names};

/// How many journals are kept if the spec does not say.
const DEFAULT_JOURNAL_LIMIT: i32 = 10;

/// How many seconds other containers may go on after that of the toolkit if the spec does not say.
const DEFAULT_HELPER_GRACE: i64 = 30;

/// After how many seconds a run that has not started is given up if the spec does not say.
const DEFAULT_START_DEADLINE: i64 = 3600;

/// What the author wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "the author has as many switches")]
pub struct Intent {
    /// The run is to be stopped, or must not start.
    pub abort: bool,
    /// No run may start.
    pub suspend: bool,
    /// Another pod is to play the rollbacks that a run did not play.
    pub rescue: bool,
    /// A run that has ended is repeated if this differs from the value that it was started for.
    pub rerun: Option<String>,
    /// Everything that was created stays when the experiment is deleted.
    pub keep_resources: bool,
    /// How many journals are kept.
    pub journal_limit: i32,
    /// How long other containers may go on after that of the toolkit.
    pub helper_grace: SignedDuration,
    start_deadline: i64,
    ttl: Option<i64>,
    cleanup: CleanupSpec,
}

impl Intent {
    /// Reads the fields that count.
    #[must_use]
    pub fn of(experiment: &Experiment) -> Self {
        let rerun = experiment.metadata.annotations.as_ref().and_then(|all| all.get(names::RERUN_ANNOTATION));
        Self {
            abort: field(experiment, "abort").unwrap_or_default(),
            suspend: field(experiment, "suspend").unwrap_or_default(),
            rescue: field(experiment, "rescue").unwrap_or_default(),
            rerun: rerun.map(String::as_str).map(short),
            keep_resources: truth(experiment, "keep_resources_on_delete").unwrap_or_default(),
            journal_limit: journal_limit(experiment),
            helper_grace: helper_grace(experiment),
            start_deadline: field(experiment, "startDeadlineSeconds").unwrap_or(DEFAULT_START_DEADLINE),
            ttl: field(experiment, "ttlSecondsAfterFinished"),
            cleanup: field(experiment, "cleanup").unwrap_or_default(),
        }
    }

    /// The time by which a run has to have started, if there is one.
    #[must_use]
    pub fn start_deadline(&self, run: &Run) -> Option<Timestamp> {
        let asked = run.requested_at.as_ref()?;
        let held = run.held_seconds.unwrap_or_default().max(0);
        (self.start_deadline > 0).then(|| later(asked.0, self.start_deadline.saturating_add(held)))
    }

    /// Whether a run has missed its start deadline.
    #[must_use]
    pub fn is_start_overdue(&self, run: &Run, now: Timestamp) -> bool {
        run.started_at.is_none() && self.start_deadline(run).is_some_and(|deadline| deadline <= now)
    }

    /// The time at which an experiment whose run has ended is deleted, if it is.
    #[must_use]
    pub fn expiry(&self, status: &Status) -> Option<Timestamp> {
        let ttl = self.ttl?;
        let finished = condition::find(&status.conditions, Type::Finished)
            .filter(|finished| finished.status == State::True.as_str())?;
        Some(later(finished.last_transition_time.0, ttl))
    }

    /// Whether one more run is asked for.
    #[must_use]
    pub fn is_rerun_due(&self, status: &Status) -> bool {
        !self.abort && self.rerun.is_some() && self.rerun != status.rerun
    }

    /// What is kept of a run that has ended.
    #[must_use]
    pub fn keep(&self, status: &Status) -> Keep {
        let succeeded = condition::find(&status.conditions, Type::Succeeded);
        if succeeded.is_some_and(|succeeded| succeeded.status == State::True.as_str()) {
            self.cleanup.on_success
        } else {
            self.cleanup.on_failure
        }
    }
}

/// Whether runs are to start by a schedule.
#[must_use]
pub fn is_scheduled(experiment: &Experiment) -> bool {
    let schedule = experiment.spec.as_ref().and_then(|spec| spec.get("schedule")?.as_object());
    schedule.is_some_and(|fields| !fields.is_empty())
}

fn later(time: Timestamp, seconds: i64) -> Timestamp {
    time.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

/// How many journals are kept. A limit below 1, which the schema refuses, counts as absent.
fn journal_limit(experiment: &Experiment) -> i32 {
    let spec = experiment.spec.as_ref();
    let limit = spec.and_then(|spec| spec.pointer("/report/journal/historyLimit")?.as_i64());
    limit
        .filter(|limit| *limit >= 1)
        .map_or(DEFAULT_JOURNAL_LIMIT, |limit| limit.try_into().unwrap_or(i32::MAX))
}

/// How long helpers may go on. A value below 0, which the schema refuses, counts as absent.
fn helper_grace(experiment: &Experiment) -> SignedDuration {
    let spec = experiment.spec.as_ref();
    let grace = spec.and_then(|spec| spec.pointer("/report/helperGraceSeconds")?.as_i64());
    SignedDuration::from_secs(grace.filter(|grace| *grace >= 0).unwrap_or(DEFAULT_HELPER_GRACE))
}

/// A boolean field, read as leniently as 0.14.0 reads it.
fn truth(experiment: &Experiment, name: &str) -> Option<bool> {
    lenient::truth(experiment.spec.as_ref()?.get(name)?.clone()).ok()?
}

/// A field of the spec, if it exists and has the right type.
fn field<T: DeserializeOwned>(experiment: &Experiment, name: &str) -> Option<T> {
    let value = experiment.spec.as_ref()?.get(name)?;
    serde_json::from_value(value.clone()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    use rstest::rstest;
    use serde_json::{Value, json};

    fn intent(spec: Value) -> Intent {
        Intent::of(&Experiment { spec: Some(spec), ..Experiment::default() })
    }

    #[test]
    fn a_mistake_elsewhere_keeps_nobody_from_stopping_a_run() {
        let broken = intent(json!({"abort": true, "pod": 7, "suspend": "yes", "cleanup": []}));
        assert!(broken.abort && !broken.suspend);
        assert_eq!(Intent::of(&Experiment::default()), intent(json!({})));
    }

    #[rstest]
    #[case::absent(json!({}), false)]
    #[case::wanted(json!({"keep_resources_on_delete": true}), true)]
    #[case::as_python_sees_it(json!({"keep_resources_on_delete": "yes"}), true)]
    #[case::empty(json!({"keep_resources_on_delete": ""}), false)]
    #[case::beside_a_mistake(json!({"keep_resources_on_delete": true, "pod": 7}), true)]
    fn the_author_may_keep_what_was_created(#[case] spec: Value, #[case] expected: bool) {
        assert_eq!(intent(spec).keep_resources, expected);
    }

    #[rstest]
    #[case::default(json!({}), 10)]
    #[case::given(json!({"report": {"journal": {"historyLimit": 3}}}), 3)]
    #[case::below_one(json!({"report": {"journal": {"historyLimit": -3}}}), 10)]
    #[case::very_many(json!({"report": {"journal": {"historyLimit": i64::MAX}}}), i32::MAX)]
    #[case::unreadable(json!({"report": {"journal": 7}}), 10)]
    #[case::beside_a_mistake(json!({"report": {"mode": "x", "journal": {"historyLimit": 50}}}), 50)]
    fn so_many_journals_are_kept(#[case] spec: Value, #[case] expected: i32) {
        assert_eq!(intent(spec).journal_limit, expected);
    }

    #[rstest]
    #[case::default(json!({}), 30)]
    #[case::given(json!({"report": {"helperGraceSeconds": 0}}), 0)]
    #[case::below_zero(json!({"report": {"helperGraceSeconds": -1}}), 30)]
    #[case::absurd(json!({"report": {"helperGraceSeconds": i64::MAX}}), i64::MAX)]
    #[case::unreadable(json!({"report": {"helperGraceSeconds": "1"}}), 30)]
    #[case::beside_a_mistake(json!({"pod": 7, "report": {"mode": "x", "helperGraceSeconds": 5}}), 5)]
    fn helpers_may_go_on_for_so_long(#[case] spec: Value, #[case] expected: i64) {
        assert_eq!(intent(spec).helper_grace.as_secs(), expected);
    }

    #[rstest]
    #[case::default(json!({}), Some("2026-01-01T01:00:00Z"))]
    #[case::given(json!({"startDeadlineSeconds": 5}), Some("2026-01-01T00:00:05Z"))]
    #[case::never(json!({"startDeadlineSeconds": 0}), None)]
    #[case::absurd(json!({"startDeadlineSeconds": i64::MAX}), Some("9999-12-30T22:00:00.999999999Z"))]
    fn a_run_has_so_long_to_start(#[case] spec: Value, #[case] expected: Option<&str>) {
        let asked = Time("2026-01-01T00:00:00Z".parse().unwrap());
        let run = Run { requested_at: Some(asked), ..Run::default() };
        assert_eq!(intent(spec).start_deadline(&run), expected.map(|time| time.parse().unwrap()));
    }

    #[test]
    fn a_rerun_is_asked_for_by_a_value_that_is_new() {
        let mut experiment = Experiment::default();
        let status = Status { rerun: Some("1".to_owned()), ..Status::default() };
        assert!(!Intent::of(&experiment).is_rerun_due(&status), "none is asked for");
        for (value, is_due) in [("1", false), ("2", true)] {
            experiment.metadata.annotations =
                Some([(names::RERUN_ANNOTATION.to_owned(), value.to_owned())].into());
            assert_eq!(Intent::of(&experiment).is_rerun_due(&status), is_due, "{value}");
        }
        experiment.spec = Some(json!({"abort": true}));
        assert!(!Intent::of(&experiment).is_rerun_due(&status), "what is to stop is not to start");
    }
}
