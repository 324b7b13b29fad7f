//! The runs of a schedule.

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;

use crate::experiment::intent::Intent;
use crate::experiment::judge::evidence::Evidence;
use crate::experiment::judge::pod_state::{End, PodState, node};
use crate::experiment::judge::record;
use crate::experiment::judge::verdict::{self, Ordered};
use crate::experiment::status::draft::{Draft, count, finish};
use chaostoolkit_api::condition::{self, State, Type};
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::{PastRun, Phase, Run, ScheduleStatus, Trigger};

/// How many ended runs of a schedule the status keeps, and how many one write records.
pub const MAX_HISTORY: usize = 10;

impl Draft {
    /// The time up to which the missed runs of a schedule are counted: its last run, or its creation or resumption,
    /// whichever is later.
    #[must_use]
    pub fn counted_until(&self) -> Option<Timestamp> {
        let resumed = condition::find(&self.status.conditions, Type::Suspended)?;
        let last = self.status.schedule.as_ref()?.last_schedule_time.as_ref()?;
        Some(last.0.max(resumed.last_transition_time.0))
    }

    /// The schedule exists, and has missed this many runs. The runs that it has started follow, oldest first.
    pub fn scheduled(&mut self, schedule: ScheduleStatus, is_suspended: bool, missed: usize) {
        self.provisioned("all objects of the schedule were created");
        if missed > 0 {
            let counters = self.status.counters.get_or_insert_default();
            counters.skipped = counters.skipped.saturating_add(i32::try_from(missed).unwrap_or(i32::MAX));
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

    /// Forgets the active runs. Those that go on are added again.
    pub fn clear_active(&mut self) {
        if let Some(schedule) = &mut self.status.schedule {
            schedule.active.clear();
        }
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
        let mut run = self.next_run(pod);
        finish(&mut run, end, self.now);
        record::record(&mut run, evidence);
        let ordered = intent.abort.then_some(Ordered::Abort);
        let verdict = verdict::judge(&run.pod_name, end, evidence).as_ordered(end, ordered);
        let status = &mut self.status;
        count(status, &verdict);
        status.run = Some(run.clone());
        let past = PastRun {
            run: run.in_history(),
            phase: verdict.phase,
            result: Some(verdict.rating().result),
            outcome: verdict.outcome,
            warnings: verdict.warnings,
            conclusive: verdict.conclusive,
            reason: verdict.reason.into(),
            message: PastRun::short(&verdict.message),
        };
        status.history.insert(0, past);
        // Runs whose pod is still held have to stay, or they would be recorded again.
        while status.history.len() > MAX_HISTORY
            && let Some(oldest) = status.history.iter().rposition(|past| !past.run.is_journal_due())
        {
            status.history.remove(oldest);
        }
        &mut status.history[0]
    }

    /// The run of a pod, as far as the pod shows it. The number is assigned at the end of a run.
    fn next_run(&self, pod: &Pod) -> Run {
        Run {
            number: self.status.counters.map_or(0, |counters| counters.runs) + 1,
            trigger: Trigger::Schedule,
            pod_name: pod.metadata.name.clone().unwrap_or_default(),
            pod_uid: pod.metadata.uid.clone(),
            node_name: node(pod),
            experiment: self.about.clone(),
            ..Run::default()
        }
    }

    /// The recorded run of a pod that has ended.
    pub fn past_run(&mut self, pod: &Pod) -> Option<&mut PastRun> {
        self.status.history.iter_mut().find(|past| past.run.pod_uid == pod.metadata.uid)
    }
}
