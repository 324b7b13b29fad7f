//! The runs of a schedule.

use std::collections::BTreeSet;

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;

use crate::experiment::intent::Intent;
use crate::experiment::judge::evidence::Evidence;
use crate::experiment::judge::job;
use crate::experiment::judge::pod_state::{End, PodState, node};
use crate::experiment::judge::record;
use crate::experiment::judge::verdict::{self, Ordered, Verdict};
use crate::experiment::status::draft::Draft;
use crate::experiment::status::end::{count, finish, lose};
use chaostoolkit_api::condition::{self, State, Type};
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::{PastRun, Phase, Run, ScheduleStatus, Text, Trigger};

/// How many ended runs of a schedule the status keeps, and how many one write records. The same holds for skipped runs.
pub const MAX_HISTORY: usize = 10;

/// How many `CronJob`s of a schedule are known: that of now, and those that it has replaced.
const MAX_CRON_JOBS: usize = 10;

impl Draft {
    /// When the schedule could start runs again: since its creation or its last resumption. Nothing while it is recorded as
    /// suspended, and before it is recorded.
    #[must_use]
    pub fn resumed(&self) -> Option<Timestamp> {
        let suspended = condition::find(&self.status.conditions, Type::Suspended)?;
        (suspended.status == State::False.as_str()).then_some(suspended.last_transition_time.0)
    }

    /// A run does not start yet.
    pub fn run_waits(&mut self, obstacle: &str) {
        let (Some(phase), Some(message)) = (self.status.phase, self.status.message.clone()) else { return };
        let recorded = self.status.reason.as_deref().and_then(|reason| reason.parse().ok());
        let reason = match phase {
            Phase::Suspended => recorded.unwrap_or(Reason::Suspended),
            _ => Reason::Scheduled,
        };
        self.phase(phase, reason, &format!("{message}; {obstacle}"));
    }

    /// The schedule exists, and has missed this many runs. The runs that it has started follow, oldest first.
    pub fn scheduled(&mut self, schedule: ScheduleStatus, is_suspended: bool, missed: i32) {
        let message = "all objects of the schedule were created";
        if self.is_judged() {
            // What was said of the last run that was to start holds until the next one.
            self.set(Type::Provisioned, State::True, Reason::Provisioned, message);
        } else {
            self.provisioned(message);
        }
        if missed != 0 {
            let counters = self.status.counters.get_or_insert_default();
            counters.skipped = counters.skipped.saturating_add(missed).max(0);
        }
        self.status.schedule = Some(schedule);
        let (phase, state, reason, message) = if is_suspended {
            let message = "no run starts while the schedule is suspended";
            (Phase::Suspended, State::True, Reason::Suspended, message)
        } else {
            (Phase::Scheduled, State::False, Reason::Scheduled, "runs start by the schedule")
        };
        self.phase(phase, reason, message);
        self.set(Type::Suspended, state, reason, message);
    }

    /// The last runs of the schedule have stopped it, for this reason.
    pub fn stopped_after(&mut self, why: &str) {
        self.phase(Phase::Suspended, Reason::StoppedAfter, why);
        self.set(Type::Suspended, State::True, Reason::StoppedAfter, why);
    }

    /// A `CronJob` of the schedule has this uid. Its Jobs are runs from now on, also once another one has taken its place.
    pub fn cron_job_seen(&mut self, uid: Option<&str>) {
        let (Some(schedule), Some(uid)) = (&mut self.status.schedule, uid) else { return };
        if schedule.cron_job_uids.first().is_none_or(|newest| newest != uid) {
            schedule.cron_job_uids.retain(|known| known != uid);
            schedule.cron_job_uids.insert(0, uid.to_owned());
            schedule.cron_job_uids.truncate(MAX_CRON_JOBS);
        }
    }

    /// The runs of these Jobs are not recorded yet.
    pub fn jobs_seen(&mut self, uids: Vec<String>) {
        if let Some(schedule) = &mut self.status.schedule {
            schedule.job_uids = uids;
        }
    }

    /// The names of the pods that are on record and whose ends are not: those that went on, and one that had ended and waited
    /// for its log.
    #[must_use]
    pub fn open_pods(&self) -> BTreeSet<String> {
        let Some(schedule) = &self.status.schedule else { return BTreeSet::new() };
        let waits = |run: &&Run| {
            let mut ended = schedule.ended.iter();
            run.finished_at.is_none() && ended.any(|known| run.pod_uid.as_ref() == Some(&known.pod_uid))
        };
        let waiting = self.status.run.as_ref().filter(waits).map(|run| &run.pod_name);
        let open = schedule.active.iter().chain(waiting).filter(|name| !name.is_empty());
        let is_recorded = |name: &str| self.status.history.iter().any(|past| past.run.pod_name == name);
        open.filter(|name| !is_recorded(name)).cloned().collect()
    }

    /// Forgets the active runs but these. Those that go on are added again.
    pub fn keep_active(&mut self, active: Vec<String>) {
        if let Some(schedule) = &mut self.status.schedule {
            schedule.active = active;
        }
    }

    /// The pods of the schedule are gone, and the ends of those that went on are not recorded.
    pub fn pods_removed(&mut self) {
        if let Some(schedule) = &mut self.status.schedule {
            schedule.active.clear();
            schedule.ended.clear();
        }
    }

    /// Whether the run of a pod never started, and its Job is given up and still there. The run is recorded once the Job is gone.
    #[must_use]
    pub fn is_given_up(&self, name: &str, jobs: &[Job]) -> bool {
        let known = self.status.run.as_ref().filter(|run| run.pod_name == name && run.started_at.is_none());
        let Some(job) = known.and_then(|run| job_of(name, Some(run))) else { return false };
        let is_left = jobs.iter().any(|left| left.metadata.name.as_ref() == Some(&job));
        is_left && self.given_up().iter().any(|given_up| given_up.job_name == job)
    }

    /// The pod of a run is gone before its end could be recorded. What is known of the run stays, so a run that was not seen to
    /// start is not said to have started. Only the newest run is known by more than the name of its pod.
    pub fn pod_lost(&mut self, name: &str, jobs: &[Job]) {
        let known = self.status.run.clone().filter(|run| run.pod_name == name && run.finished_at.is_none());
        let is_known = known.is_some();
        let job_name = job_of(name, known.as_ref());
        let job = jobs.iter().find(|job| job_name.is_some() && job.metadata.name == job_name);
        let run = known.unwrap_or_else(|| Run {
            trigger: job::trigger(job, job_name.as_deref().unwrap_or_default()),
            requested_at: job.and_then(|job| job.metadata.creation_timestamp.clone()),
            pod_name: name.to_owned(),
            experiment: self.about.clone(),
            ..Run::default()
        });
        let message = format!("pod {name} vanished before its end could be recorded");
        // Whether an older run has started is not on record. It had a pod, so it is not said to have had none.
        let may_have_started = !is_known || run.started_at.is_some();
        let verdict = self
            .take_given_up(job_name.as_deref(), may_have_started)
            .unwrap_or_else(|| Verdict::lost(Reason::PodLost, message));
        let number = if verdict.phase == Phase::Skipped { 0 } else { self.next_number() };
        let mut run = Run { number, job_name, ..run };
        lose(&mut run, verdict.reason, self.now);
        let status = &mut self.status;
        count(status, &verdict);
        status.run = Some(run.clone());
        status.history.insert(0, past(run, verdict));
        keep_newest(&mut status.history);
    }

    /// A run of a schedule that goes on.
    pub fn run_goes_on(&mut self, pod: &Pod, state: &PodState) {
        let mut run = self.next_run(pod);
        if let PodState::Running { started_at } = state {
            run.started_at.clone_from(started_at);
        }
        if let Some(schedule) = &mut self.status.schedule {
            schedule.active.push(run.pod_name.clone());
        }
        self.status.run = Some(run);
    }

    /// A run of a schedule that has ended. Its end is counted once: the pod is held until it is in the history.
    pub fn run_ended(&mut self, pod: &Pod, end: &End, evidence: &Evidence, intent: &Intent) -> &mut PastRun {
        let recorded_at = Some(self.end_seen(pod));
        // The history has this time from now on.
        self.keep_ended(|uid| Some(uid) != pod.metadata.uid.as_deref());
        let mut run = Run { recorded_at, ..self.next_run(pod) };
        finish(&mut run, end, evidence, self.now);
        record::record(&mut run, evidence);
        let ordered = Ordered::stopped(&run, intent);
        let verdict = self
            .take_given_up(run.job_name.as_deref(), end.started_at.is_some())
            .unwrap_or_else(|| verdict::judge(&run.pod_name, end, evidence).as_ordered(end, ordered));
        if verdict.phase == Phase::Skipped {
            run.number = 0;
        } else {
            self.authorized(verdict.lacking.as_deref());
        }
        let status = &mut self.status;
        count(status, &verdict);
        status.run = Some(run.clone());
        status.history.insert(0, past(run, verdict));
        keep_newest(&mut status.history);
        &mut status.history[0]
    }

    /// The run of a pod, as far as the pod shows it. The number is assigned at the end of a run.
    pub(super) fn next_run(&self, pod: &Pod) -> Run {
        // A Job that is gone says nothing any more.
        let known = self.status.run.clone().filter(|known| known.pod_uid == pod.metadata.uid);
        let known = known.unwrap_or_else(|| Run { trigger: Trigger::Schedule, ..Run::default() });
        Run {
            number: self.next_number(),
            trigger: known.trigger,
            requested_by: self.requester(pod).or(known.requested_by),
            requested_at: known.requested_at,
            job_name: known.job_name,
            pod_name: pod.metadata.name.clone().unwrap_or_default(),
            pod_uid: pod.metadata.uid.clone(),
            node_name: node(pod),
            experiment: self.about.clone(),
            targets: self.targets_of(pod).or(known.targets),
            stop: self.stop_of(pod),
            ..Run::default()
        }
    }

    pub(super) fn next_number(&self) -> i32 {
        self.status.counters.map_or(0, |counters| counters.runs).saturating_add(1)
    }

    /// The recorded run of a pod that has ended.
    pub fn past_run(&mut self, pod: &Pod) -> Option<&mut PastRun> {
        self.status.history.iter_mut().find(|past| past.run.pod_uid == pod.metadata.uid)
    }
}

/// The name of the Job of a pod that is gone.
fn job_of(pod: &str, run: Option<&Run>) -> Option<String> {
    let recorded = run.and_then(|run| run.job_name.clone());
    recorded.or_else(|| job::of_pod(pod).map(str::to_owned))
}

/// Drops the oldest runs. Runs whose pod is still held have to stay, or they would be recorded again. So runs that were skipped
/// push no others out: as many of them are kept besides.
pub(super) fn keep_newest(history: &mut Vec<PastRun>) {
    for is_skipped in [false, true] {
        let counts = |past: &PastRun| (past.phase == Phase::Skipped) == is_skipped;
        while history.iter().filter(|past| counts(past)).count() > MAX_HISTORY
            && let Some(oldest) = history.iter().rposition(|past| counts(past) && !past.run.is_journal_due())
        {
            history.remove(oldest);
        }
    }
}

/// The entry of a run in the history.
pub(super) fn past(run: Run, verdict: Verdict) -> PastRun {
    let result = Some(verdict.rating().result).filter(|_| verdict.phase != Phase::Skipped);
    PastRun {
        run: run.in_history(),
        phase: verdict.phase,
        result,
        outcome: verdict.outcome,
        conclusive: verdict.conclusive,
        reason: verdict.reason.into(),
        message: PastRun::short(&verdict.message),
        warnings: verdict.warnings,
    }
}
