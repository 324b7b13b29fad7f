//! The runs of an experiment, as its status tells of them.

use std::collections::HashSet;

use crate::status::ExperimentStatus;
use crate::status::history::PastRun;
use crate::status::phase::Phase;
use crate::status::run::Run;

impl ExperimentStatus {
    /// Returns all runs that are on the status, the newest first, also those of a schedule that were skipped. Each is there
    /// once. Of a run that goes on, `phase` says where it is, and there is no result.
    #[must_use]
    pub fn runs(&self) -> Vec<PastRun> {
        let mut runs: Vec<PastRun> = self.current().into_iter().collect();
        let mut known: HashSet<Identity> = runs.iter().filter_map(|past| identity(&past.run)).collect();
        let is_new = |past: &&PastRun| identity(&past.run).is_none_or(|run| known.insert(run));
        runs.extend(self.history.iter().filter(is_new).cloned());
        runs
    }

    /// Returns the run that the status describes, if one was decided on.
    fn current(&self) -> Option<PastRun> {
        let run = self.run.clone().filter(|run| run.number > 0)?;
        if let Some(past) = self.history.iter().find(|past| past.run.number == run.number) {
            // With a schedule, the status has the phase of the schedule, and the history that of the run.
            return Some(PastRun { run, ..past.clone() });
        }
        let is_over = run.finished_at.is_some();
        let is_scheduled = self.schedule.is_some();
        let phase = match (is_scheduled, run.started_at.is_some()) {
            (true, true) => Phase::Running,
            (true, false) => Phase::Starting,
            (false, _) => self.phase.unwrap_or(Phase::Pending),
        };
        Some(PastRun {
            phase,
            result: self.result.filter(|_| is_over),
            outcome: self.outcome.filter(|_| is_over).unwrap_or_default(),
            warnings: if is_over { self.warnings.clone() } else { Vec::new() },
            conclusive: is_over && self.conclusive.unwrap_or_default(),
            // Those of a schedule say nothing of its run.
            reason: self.reason.clone().filter(|_| !is_scheduled).unwrap_or_default(),
            message: self.message.clone().filter(|_| !is_scheduled),
            run,
        })
    }
}

/// What tells a run from the others of its experiment: its number, or its Job.
type Identity = (i32, Option<String>);

/// Returns what tells a run from the others. A run that was skipped has no number, but may have a Job of its own.
fn identity(run: &Run) -> Option<Identity> {
    if run.number > 0 { Some((run.number, None)) } else { Some((0, Some(run.job_name.clone()?))) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chaostoolkit_journal::Outcome;
    use serde_json::{Value, json};

    fn runs(status: Value) -> Vec<PastRun> {
        serde_json::from_value::<ExperimentStatus>(status).unwrap().runs()
    }

    /// The results of runs, or their phases if they have none.
    fn words(runs: &[PastRun]) -> Vec<&'static str> {
        runs.iter().map(|past| past.result.map_or_else(|| past.phase.into(), Into::into)).collect()
    }

    fn ended(number: i32) -> Value {
        json!({"number": number, "podName": format!("p-{number}"), "finishedAt": "2026-01-01T00:00:00Z"})
    }

    fn past(number: i32) -> Value {
        let mut past = ended(number);
        for key in ["outcome", "result", "reason"] {
            past[key] = "Deviated".into();
        }
        past["phase"] = "Completed".into();
        past
    }

    fn skipped(job: Option<&str>) -> Value {
        json!({"number": 0, "jobName": job, "podName": "", "phase": "Skipped", "outcome": "Unknown", "reason": "Skipped"})
    }

    #[test]
    fn the_runs_stand_from_the_newest_to_the_oldest_and_each_is_there_once() {
        let found =
            runs(json!({"phase": "Completed", "outcome": "Passed", "result": "Passed", "run": ended(3),
            "history": [past(2), past(2), past(1)]}));
        let numbers: Vec<i32> = found.iter().map(|past| past.run.number).collect();
        assert_eq!(numbers, [3, 2, 1]);
        assert_eq!(words(&found), ["Passed", "Deviated", "Deviated"]);
        assert_eq!(runs(json!({})), []);
    }

    #[test]
    fn a_run_of_a_schedule_has_its_own_phase_and_words() {
        let skips =
            [skipped(Some("a")), skipped(Some("a")), skipped(Some("b")), skipped(None), skipped(None)];
        let history = [[past(2), past(1)].as_slice(), &skips].concat();
        let found = runs(
            json!({"phase": "Scheduled", "result": "Deviated", "schedule": {"cron": "@daily"}, "run": ended(2),
            "history": history}),
        );
        assert_eq!(words(&found), ["Deviated", "Deviated", "Skipped", "Skipped", "Skipped", "Skipped"]);
        assert_eq!(found[0].phase, Phase::Completed);
        let found = runs(json!({"phase": "Scheduled", "schedule": {"cron": "@daily"}, "reason": "Scheduled",
            "message": "runs start by the schedule", "run": {"number": 1, "podName": "p"}}));
        assert_eq!(
            (words(&found), found[0].reason.as_str(), found[0].message.clone()),
            (vec!["Starting"], "", None)
        );
    }

    #[test]
    fn a_run_that_goes_on_has_no_result_of_the_one_before() {
        let found = runs(json!({"phase": "Running", "outcome": "Passed", "result": "Passed", "message": "m",
            "run": {"number": 2, "podName": "p", "startedAt": "2026-01-01T00:00:00Z"}, "history": [past(1)]}));
        assert_eq!(words(&found), ["Running", "Deviated"]);
        assert_eq!((found[0].outcome, found[0].message.as_deref()), (Outcome::default(), Some("m")));
    }
}
