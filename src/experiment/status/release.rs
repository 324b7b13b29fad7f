//! Whether the runs of a schedule were allowed to start, and who asked for them.

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;

use crate::experiment::build::resources::Resources;
use crate::experiment::judge::job;
use crate::experiment::status::draft::Draft;
use crate::experiment::status::permitted::explained;
use chaostoolkit_api::condition::{self, State, Type};
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::{HeldMutex, ReleasedJob, Targets, Text, Trigger};

/// How many Jobs wait for the record of their runs with the name of a user.
const MAX_RELEASED: usize = 100;

impl Draft {
    /// The run of a Job may start, for this reason. Who makes a Job by hand is not known, so the author of the experiment has
    /// not asked for its run.
    pub fn run_permitted(
        &mut self,
        job: &Job,
        (reason, requested_by): (Reason, Option<&str>),
        targets: Option<&Targets>,
    ) {
        self.set(Type::Permitted, State::True, reason, explained(reason));
        let is_by_hand = job::trigger(Some(job), "") == Trigger::Manual;
        let (Some(schedule), Some(uid)) = (&mut self.status.schedule, &job.metadata.uid) else { return };
        schedule.released.retain(|known| known.job_uid != *uid);
        let requested_by = requested_by.filter(|_| !is_by_hand).map(str::to_owned);
        if requested_by.is_some() || targets.is_some() {
            let released = ReleasedJob { job_uid: uid.clone(), requested_by, targets: targets.cloned() };
            schedule.released.insert(0, released);
            schedule.released.truncate(MAX_RELEASED);
        }
    }

    /// The run of a Job is refused, for this reason. The Job is given up. Only the condition may have the name of the author,
    /// so it gets a message of its own.
    pub fn run_refused(&mut self, job: &Job, reason: Reason, message: &str, with_author: &str) {
        self.skip(job, reason, message);
        self.set(Type::Permitted, State::False, reason, with_author);
    }

    /// Whether the last run of a schedule that was to start was judged, and more than the plain permission was said of it.
    pub(super) fn is_judged(&self) -> bool {
        let said = condition::find(&self.status.conditions, Type::Permitted);
        let plain = [Reason::Permitted.as_str(), Reason::Forbidden.as_str()];
        said.is_some_and(|said| {
            said.status != State::Unknown.as_str() && !plain.contains(&said.reason.as_str())
        })
    }

    /// Who asked for the run of a pod.
    pub(super) fn requester(&self, pod: &Pod) -> Option<String> {
        self.released(pod)?.requested_by.clone()
    }

    /// The namespaces that were found for the run of a pod.
    pub(super) fn targets_of(&self, pod: &Pod) -> Option<Targets> {
        self.released(pod)?.targets.clone()
    }

    fn released(&self, pod: &Pod) -> Option<&ReleasedJob> {
        let owner = job::owner(pod)?;
        let released = &self.status.schedule.as_ref()?.released;
        released.iter().find(|known| known.job_uid == owner.uid)
    }

    /// Records what a run of the schedule is about to get in the namespaces that were found for it.
    pub fn target_rights(&mut self, resources: &Resources) {
        for made in resources.references().into_iter().filter(|made| made.target) {
            if !self.status.resources.iter().any(|known| known.is_same(&made)) {
                self.status.resources.push(made);
            }
        }
    }

    /// The run of a Job holds the mutex with this name, if there is one. A run without a mutex leaves that of another run, which
    /// may go on, to [`Draft::keep_mutex`].
    pub fn take_mutex(&mut self, job: &Job, name: Option<&str>) {
        if let (Some(schedule), Some(uid), Some(name)) = (&mut self.status.schedule, &job.metadata.uid, name)
        {
            schedule.mutex = Some(HeldMutex { name: name.to_owned(), job_uid: uid.clone() });
        }
    }

    /// Gives back the mutex of a Job whose run is recorded.
    pub fn keep_mutex(&mut self, is_open: impl Fn(&str) -> bool) {
        if let Some(schedule) = &mut self.status.schedule {
            schedule.mutex.take_if(|mutex| !is_open(&mutex.job_uid));
        }
    }

    /// Forgets the Jobs that were let go and whose runs are recorded.
    pub fn keep_released(&mut self, is_open: impl Fn(&str) -> bool) {
        if let Some(schedule) = &mut self.status.schedule {
            schedule.released.retain(|known| is_open(&known.job_uid));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::intent::Intent;
    use crate::experiment::judge::evidence::Evidence;
    use crate::experiment::judge::pod_state::End;
    use crate::experiment::status::events;
    use chaostoolkit_api::{Experiment, Phase, ScheduleStatus, Status};
    use k8s_openapi::jiff::Timestamp;
    use rstest::rstest;
    use serde_json::{Value, json};

    fn job(name: &str, annotations: &Value) -> Job {
        let metadata = json!({"name": name, "uid": format!("uid-of-{name}"), "annotations": annotations});
        serde_json::from_value(json!({"metadata": metadata})).unwrap()
    }

    fn pod(job: &Job) -> Pod {
        let name = job.metadata.name.as_deref().unwrap();
        let owner = json!({"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": job.metadata.uid, "controller": true});
        serde_json::from_value(
            json!({"metadata": {"name": format!("{name}-pod"), "uid": "pod", "ownerReferences": [owner]}}),
        )
        .unwrap()
    }

    /// The next pass over a schedule with this status.
    fn next(status: &Status) -> Draft {
        let experiment = Experiment { status: Some(status.clone()), ..Experiment::default() };
        let mut draft = Draft::of(&experiment, Timestamp::UNIX_EPOCH);
        let known = status.schedule.clone().unwrap_or_default();
        draft.scheduled(ScheduleStatus { cron: "* * * * *".into(), ..known }, false, 0);
        draft
    }

    fn permitted(draft: &Draft) -> String {
        let said = condition::find(&draft.status.conditions, Type::Permitted).unwrap();
        format!("{}/{}: {}", said.status, said.reason, said.message)
    }

    #[rstest]
    #[case(Reason::AuthorForbidden)]
    #[case(Reason::AuthorUnknown)]
    #[case(Reason::PolicyMissing)]
    fn a_refused_run_is_skipped_with_its_reason_and_said_until_another_may_start(#[case] reason: Reason) {
        let refused = job("a", &json!({}));
        let mut draft = next(&Status::default());
        draft.run_refused(
            &refused,
            reason,
            "may not delete pods in shop",
            "jane may not delete pods in shop",
        );
        let said = format!("False/{reason}: jane may not delete pods in shop");
        assert_eq!(permitted(&draft), said);
        let given_up = draft.given_up();
        assert_eq!(
            (given_up.len(), given_up[0].reason.as_str()),
            (1, reason.as_str()),
            "recorded before the Job goes"
        );

        let old = draft.status;
        let mut draft = next(&old);
        draft.ended_without_pod(&given_up[0]);
        assert_eq!(permitted(&draft), said, "in the next pass as well");
        let past = &draft.status.history[0];
        assert_eq!((past.phase, past.reason.as_str(), past.result), (Phase::Skipped, reason.as_str(), None));
        assert_eq!((past.message.as_deref(), past.conclusive), (Some("may not delete pods in shop"), false));
        let counters = draft.status.counters.unwrap();
        assert_eq!((counters.skipped, counters.runs, counters.failed), (1, 0, 0), "nothing has failed");
        assert_eq!((&draft.status.run, draft.status.outcome), (&None, None));
        draft.ended_without_pod(&given_up[0]);
        assert_eq!(draft.status.counters, Some(counters), "it is counted once");

        let events = events::transitions(&old, &draft.status, false);
        let told: Vec<_> =
            events.iter().map(|event| (event.reason.as_str(), event.note.as_deref())).collect();
        let note = format!("{reason}: the run of Job a was skipped: may not delete pods in shop");
        assert_eq!(told, [("Skipped", Some(note.as_str()))]);

        let mut draft = next(&draft.status);
        draft.run_permitted(&job("b", &json!({})), (Reason::Permitted, None), None);
        assert!(permitted(&draft).starts_with("True/Permitted: "));
    }

    #[rstest]
    #[case(Reason::JudgedAtRequest)]
    #[case(Reason::AuthorUnchecked)]
    fn how_a_run_was_permitted_is_said_until_the_next_one(#[case] reason: Reason) {
        let mut draft = next(&Status::default());
        draft.run_permitted(&job("a", &json!({})), (reason, None), None);
        let said = permitted(&draft);
        assert!(said.starts_with(&format!("True/{reason}: ")), "{said}");
        assert_eq!(permitted(&next(&draft.status)), said, "a pass without a start writes nothing");
    }

    #[rstest]
    #[case::due(json!({}), Some("jane"))]
    #[case::rerun(json!({job::MANUAL: "manual", chaostoolkit_api::names::RERUN_ANNOTATION: "1"}), Some("jane"))]
    #[case::by_hand(json!({job::MANUAL: "manual"}), None)]
    fn who_asked_for_a_run_is_on_its_record(#[case] annotations: Value, #[case] expected: Option<&str>) {
        let released = job("a", &annotations);
        let mut draft = next(&Status::default());
        draft.run_permitted(&released, (Reason::Permitted, Some("jane")), None);
        let mut draft = next(&draft.status);
        let pod = pod(&released);
        draft.run_seen(&pod, Some(&released));
        assert_eq!(draft.status.run.as_ref().unwrap().requested_by.as_deref(), expected);
        // The Job may be gone by the end.
        draft.run_ended(&pod, &End::default(), &Evidence::default(), &Intent::default());
        draft.keep_released(|_| false);
        assert_eq!(draft.status.history[0].run.requested_by.as_deref(), expected);
        assert!(draft.status.schedule.as_ref().unwrap().released.is_empty());
    }

    #[test]
    fn a_run_without_a_mutex_takes_it_from_nobody() {
        let (first, second) = (job("a", &json!({})), job("b", &json!({})));
        let mut draft = next(&Status::default());
        draft.take_mutex(&first, Some("db"));
        let held = Some(HeldMutex { name: "db".into(), job_uid: "uid-of-a".into() });
        draft.take_mutex(&second, None);
        assert_eq!(draft.status.schedule.as_ref().unwrap().mutex, held, "the first run goes on");
        draft.keep_mutex(|uid| uid == "uid-of-a");
        assert_eq!(draft.status.schedule.as_ref().unwrap().mutex, held);
        draft.keep_mutex(|uid| uid == "uid-of-b");
        assert_eq!(draft.status.schedule.unwrap().mutex, None, "its run is recorded");
    }

    #[test]
    fn one_run_has_not_the_name_of_another() {
        let (first, second) = (job("a", &json!({})), job("b", &json!({})));
        let mut draft = next(&Status::default());
        draft.run_permitted(&first, (Reason::Permitted, Some("jane")), None);
        draft.run_permitted(&second, (Reason::Permitted, Some("joe")), None);
        draft.run_permitted(&second, (Reason::Permitted, Some("joe")), None);
        assert_eq!(draft.status.schedule.as_ref().unwrap().released.len(), 2);
        assert_eq!(draft.requester(&pod(&first)).as_deref(), Some("jane"));
        assert_eq!(draft.requester(&pod(&second)).as_deref(), Some("joe"));
        draft.run_permitted(&second, (Reason::JudgedAtRequest, None), None);
        assert_eq!(draft.requester(&pod(&second)), None, "the last answer counts");
    }
}
