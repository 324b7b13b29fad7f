//! The runs of an experiment, as its status has them.

use chaostoolkit_api::{Experiment, PastRun, Phase, RunResult, Status, Text};

use crate::model::select::Number;

/// A run with what is known of its end. Of a run that goes on, `phase` says where it is, and there is no result.
pub type View = PastRun;

/// Returns the runs that are on the status, the newest first. Those of a schedule that were skipped are among them.
#[must_use]
pub fn of(experiment: &Experiment) -> Vec<View> {
    experiment.status.as_ref().map(Status::runs).unwrap_or_default()
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
