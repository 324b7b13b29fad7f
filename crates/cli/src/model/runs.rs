//! The runs of an experiment, as its status has them.

use std::collections::HashSet;

use chaostoolkit_api::{Experiment, PastRun, Phase, Run, RunResult, Status, Text};

use crate::model::select::Number;

/// A run with what is known of its end. Of a run that goes on, `phase` says where it is, and there is no result.
pub type View = PastRun;

/// Returns the runs that are on the status, the newest first. Those of a schedule that were skipped are among them.
#[must_use]
pub fn of(experiment: &Experiment) -> Vec<View> {
    let status = experiment.status.clone().unwrap_or_default();
    let mut runs: Vec<View> = current(&status).into_iter().collect();
    let mut known: HashSet<(i32, String)> = runs.iter().map(|view| key(&view.run)).collect();
    runs.extend(status.history.into_iter().filter(|past| known.insert(key(&past.run))));
    runs
}

/// What tells a run from the others of its experiment. Runs that were skipped have no number, but a Job of their own.
fn key(run: &Run) -> (i32, String) {
    let job = || run.job_name.clone().unwrap_or_default();
    if run.number > 0 { (run.number, String::new()) } else { (0, job()) }
}

/// Returns the run that the status describes, if it was decided on.
fn current(status: &Status) -> Option<View> {
    let run = status.run.clone().filter(|run| run.number > 0)?;
    if let Some(past) = status.history.iter().find(|past| past.run.number == run.number) {
        // With a schedule, the status has the phase of the schedule, and the history that of the run.
        return Some(PastRun { run, ..past.clone() });
    }
    let is_over = run.finished_at.is_some();
    let phase = match (&status.schedule, is_over) {
        (Some(_), _) if run.started_at.is_some() => Phase::Running,
        (Some(_), _) => Phase::Starting,
        (None, _) => status.phase.unwrap_or(Phase::Pending),
    };
    Some(PastRun {
        phase,
        result: status.result.filter(|_| is_over),
        outcome: status.outcome.filter(|_| is_over).unwrap_or_default(),
        warnings: if is_over { status.warnings.clone() } else { Vec::new() },
        conclusive: is_over && status.conclusive.unwrap_or_default(),
        reason: status.reason.clone().unwrap_or_default(),
        message: status.message.clone(),
        run,
    })
}

/// Returns one of the runs. The error says which runs there are.
pub fn find(experiment: &Experiment, number: Number) -> Result<View, String> {
    let mut runs = of(experiment);
    runs.retain(|view| view.run.number > 0);
    let numbers: Vec<String> = runs.iter().map(|view| format!("@{}", view.run.number)).collect();
    let found = match number {
        Number::Latest => runs.into_iter().next(),
        Number::Of(number) => runs.into_iter().find(|view| view.run.number == number),
    };
    found.ok_or_else(|| match numbers.as_slice() {
        [] => format!("experiment {} has not run yet", experiment.key()),
        _ => format!(
            "experiment {} has no run {number}; its status has {}",
            experiment.key(),
            numbers.join(", ")
        ),
    })
}

/// Whether a run goes on or is about to begin.
#[must_use]
pub fn goes_on(view: &View) -> bool {
    view.run.finished_at.is_none() && view.phase != Phase::Skipped
}

/// Returns the result of a run in a word, or its phase if it has none.
#[must_use]
pub fn word(view: &View) -> &'static str {
    view.result.map_or_else(|| view.phase.as_str(), RunResult::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::{Value, json};

    fn experiment(status: &Value) -> Experiment {
        serde_json::from_value(json!({"metadata": {"name": "x", "namespace": "n"}, "status": status}))
            .unwrap()
    }

    fn ended(number: i32) -> Value {
        json!({"number": number, "podName": format!("p-{number}"), "finishedAt": "2026-01-01T00:00:00Z"})
    }

    fn past(number: i32, phase: &str) -> Value {
        let mut past = ended(number);
        past["phase"] = phase.into();
        past["outcome"] = "Deviated".into();
        past["result"] = "Deviated".into();
        past["reason"] = "Deviated".into();
        past
    }

    #[test]
    fn the_runs_stand_from_the_newest_to_the_oldest_and_each_is_there_once() {
        let status = json!({"phase": "Completed", "outcome": "Passed", "result": "Passed", "run": ended(3),
            "history": [past(2, "Completed"), past(1, "Completed")]});
        let found = of(&experiment(&status));
        let numbers: Vec<i32> = found.iter().map(|view| view.run.number).collect();
        assert_eq!(numbers, [3, 2, 1]);
        assert_eq!(found.iter().map(word).collect::<Vec<_>>(), ["Passed", "Deviated", "Deviated"]);
        let scheduled = json!({"phase": "Scheduled", "result": "Deviated", "schedule": {"cron": "@daily"}, "run": ended(2),
            "history": [past(2, "Completed"), past(1, "Completed"), {"number": 0, "jobName": "a", "podName": "", "phase": "Skipped",
                "outcome": "Unknown", "reason": "Skipped"}, {"number": 0, "jobName": "b", "podName": "", "phase": "Skipped",
                "outcome": "Unknown", "reason": "Skipped"}]});
        let found = of(&experiment(&scheduled));
        assert_eq!(
            found.iter().map(word).collect::<Vec<_>>(),
            ["Deviated", "Deviated", "Skipped", "Skipped"]
        );
        assert_eq!(found[0].phase, Phase::Completed, "that of the run, not that of the schedule");
    }

    #[test]
    fn a_run_that_goes_on_has_no_result_of_the_one_before() {
        let status = json!({"phase": "Running", "outcome": "Passed", "result": "Passed",
            "run": {"number": 2, "podName": "p", "startedAt": "2026-01-01T00:00:00Z"}, "history": [past(1, "Completed")]});
        let found = of(&experiment(&status));
        assert_eq!((word(&found[0]), goes_on(&found[0]), goes_on(&found[1])), ("Running", true, false));
    }

    #[rstest]
    #[case(Number::Latest, Ok(3))]
    #[case(Number::Of(1), Ok(1))]
    #[case(Number::Of(7), Err("experiment n/x has no run @7; its status has @3, @2, @1"))]
    fn a_run_is_found_by_its_number(#[case] number: Number, #[case] expected: Result<i32, &str>) {
        let status = json!({"run": ended(3), "history": [past(2, "Completed"), past(1, "Completed")]});
        let found = find(&experiment(&status), number).map(|view| view.run.number);
        assert_eq!(found, expected.map_err(str::to_owned));
    }

    #[test]
    fn an_experiment_that_has_not_run_says_so() {
        let found = find(&experiment(&json!({})), Number::Latest).map(|_| ());
        assert_eq!(found, Err("experiment n/x has not run yet".to_owned()));
    }
}
