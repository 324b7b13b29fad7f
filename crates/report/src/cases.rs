//! A run as test cases, for the formats that CI systems read.
//!
//! The first case is the outcome of the run. A case follows for each probe of the hypothesis in each phase, each activity of the
//! method and each rollback. Evaluations during the method are put together, one case for each probe.

use chaostoolkit_journal::rate;
use jiff::Timestamp;

use crate::facts::reason;
use crate::model::{Activity, ActivityStatus, Evaluation, Run};
use crate::text;
use crate::times;

/// The number of evaluations that a message about the evaluations during the method names.
const MAX_NAMED: usize = 5;

/// The part of the run that the first case is about.
pub(crate) const OUTCOME: &str = "outcome";

/// A test case.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Case {
    /// The part of the run: `outcome`, `before`, `during`, `after`, `method`, `rollbacks` or `rescue`.
    pub(crate) room: &'static str,
    /// The name, which is unique in its part of the run.
    pub(crate) name: String,
    pub(crate) status: CaseStatus,
    /// What happened, if the case did not pass.
    pub(crate) message: Option<String>,
    /// The exception.
    pub(crate) details: Option<String>,
    pub(crate) output: Option<String>,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) seconds: Option<f64>,
}

/// How a test case ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CaseStatus {
    Passed,
    /// The system is not as expected.
    Failed,
    /// An activity could not be executed.
    Error,
    /// An activity was not executed.
    Skipped,
}

/// Lists the cases of a run.
pub(crate) fn cases(run: &Run) -> Vec<Case> {
    let mut cases = vec![outcome(run)];
    let hypothesis = &run.hypothesis;
    let probes = |state: &Option<Evaluation>| -> Vec<Activity> {
        state.as_ref().map(|state| state.probes.items.clone()).unwrap_or_default()
    };
    cases.extend(played("before", &probes(&hypothesis.before)));
    cases.extend(during(&hypothesis.during.items));
    cases.extend(played("method", &run.method.items));
    cases.extend(open("method", &run.experiment.method, run.method.len()));
    cases.extend(played("after", &probes(&hypothesis.after)));
    cases.extend(played("rollbacks", &run.rollbacks.items));
    cases.extend(open("rollbacks", &run.experiment.rollbacks, run.rollbacks.len()));
    cases.extend(rescue(run));
    number(&mut cases);
    cases
}

/// The verdict on the run.
fn outcome(run: &Run) -> Case {
    let status = match run.outcome {
        Some(outcome) if rate(outcome, &run.warnings).succeeded == Some(true) => CaseStatus::Passed,
        Some(chaostoolkit_journal::Outcome::Deviated | chaostoolkit_journal::Outcome::BaselineNotMet) => {
            CaseStatus::Failed
        }
        Some(_) => CaseStatus::Error,
        None => CaseStatus::Skipped,
    };
    let reasons = [
        reason(run),
        run.detail.as_ref().map(|detail| format!("cause: {detail}")),
        run.doubt.as_ref().map(|doubt| format!("in doubt, since {doubt}")),
    ];
    let warnings: Vec<&str> = run.warnings.iter().map(<&str>::from).collect();
    let warnings = (!warnings.is_empty()).then(|| format!("warnings: {}", warnings.join(", ")));
    let reasons: Vec<String> = reasons.into_iter().chain([warnings]).flatten().collect();
    let message = if reasons.is_empty() {
        run.word().to_owned()
    } else {
        format!("{}: {}", run.word(), reasons.join("; "))
    };
    Case {
        room: OUTCOME,
        name: OUTCOME.to_owned(),
        status,
        message: (status != CaseStatus::Passed).then_some(message),
        details: None,
        output: None,
        started_at: run.started_at,
        seconds: None,
    }
}

fn played(room: &'static str, activities: &[Activity]) -> Vec<Case> {
    activities.iter().map(|activity| case(room, activity)).collect()
}

fn case(room: &'static str, activity: &Activity) -> Case {
    let status = status(activity);
    let message = match (activity.status, &activity.tolerance) {
        _ if status == CaseStatus::Passed => None,
        (ActivityStatus::Unfinished, _) => Some("interrupted before its end".to_owned()),
        (ActivityStatus::Failed, _) => {
            let last = activity
                .error
                .as_ref()
                .and_then(|error| error.lines().rev().find(|line| !line.trim().is_empty()));
            Some(last.map_or_else(|| "failed".to_owned(), |line| line.trim().to_owned()))
        }
        (ActivityStatus::Succeeded, Some(tolerance)) => Some(format!("not met, expected {tolerance}")),
        (ActivityStatus::Succeeded, None) => Some("not met".to_owned()),
    };
    Case {
        room,
        name: activity.name.clone(),
        status,
        message,
        details: activity.error.clone(),
        output: activity.output.clone(),
        started_at: activity.started_at,
        seconds: activity.duration_seconds,
    }
}

const fn status(activity: &Activity) -> CaseStatus {
    match (activity.status, activity.tolerance_met) {
        (ActivityStatus::Succeeded, Some(false)) => CaseStatus::Failed,
        (ActivityStatus::Succeeded, _) => CaseStatus::Passed,
        (ActivityStatus::Failed | ActivityStatus::Unfinished, _) => CaseStatus::Error,
    }
}

/// One case for each probe, over all evaluations.
fn during(states: &[Evaluation]) -> Vec<Case> {
    let all = || states.iter().flat_map(|state| &state.probes.items);
    let mut names: Vec<&str> = Vec::new();
    for probe in all() {
        if !names.contains(&probe.name.as_str()) {
            names.push(&probe.name);
        }
    }
    let one = |name: &str| {
        let probes: Vec<&Activity> = all().filter(|probe| probe.name == name).collect();
        let bad: Vec<&&Activity> = probes.iter().filter(|probe| probe.is_bad()).collect();
        let first = bad.first().map(|probe| case("during", probe));
        let offsets: Vec<String> =
            bad.iter().filter_map(|probe| probe.offset_seconds).take(MAX_NAMED).map(times::offset).collect();
        let more = if bad.len() > MAX_NAMED { ", …" } else { "" };
        let counted = || {
            format!("{} of {}, at {}{more}", bad.len(), text::count(probes.len(), "time"), offsets.join(", "))
        };
        let seconds: f64 = probes.iter().filter_map(|probe| probe.duration_seconds).sum();
        Case {
            room: "during",
            name: name.to_owned(),
            status: first.as_ref().map_or(CaseStatus::Passed, |first| first.status),
            message: first
                .as_ref()
                .and_then(|first| Some(format!("{} ({})", first.message.as_ref()?, counted()))),
            details: first.as_ref().and_then(|first| first.details.clone()),
            output: first.and_then(|first| first.output),
            started_at: probes.first().and_then(|probe| probe.started_at),
            seconds: Some(seconds),
        }
    };
    names.into_iter().map(one).collect()
}

/// The activities that were declared and not started.
fn open(room: &'static str, declared: &[String], played: usize) -> Vec<Case> {
    let case = |name: &String| Case {
        room,
        name: name.clone(),
        status: CaseStatus::Skipped,
        message: Some("not played".to_owned()),
        details: None,
        output: None,
        started_at: None,
        seconds: None,
    };
    declared.iter().skip(played).map(case).collect()
}

fn rescue(run: &Run) -> Option<Case> {
    use chaostoolkit_journal::RollbackState;
    let rescue = run.rescue.as_ref()?;
    let state = rescue.rollbacks.as_ref().map(|rollbacks| rollbacks.state);
    let status = match state {
        Some(RollbackState::Played) => CaseStatus::Passed,
        None if rescue.finished_at.is_none() && rescue.problem.is_none() => CaseStatus::Skipped,
        _ => CaseStatus::Error,
    };
    let words = || state.map_or_else(|| "not finished".to_owned(), |state| text::words(state.into()));
    Some(Case {
        room: "rescue",
        name: "rollbacks".to_owned(),
        status,
        message: (status != CaseStatus::Passed).then(|| rescue.problem.clone().unwrap_or_else(words)),
        details: None,
        output: None,
        started_at: rescue.requested_at,
        seconds: None,
    })
}

/// Makes names unique, since readers put cases with the same name together. Replaces empty names.
fn number(cases: &mut [Case]) {
    let mut seen: std::collections::BTreeMap<(&'static str, String), usize> =
        std::collections::BTreeMap::new();
    for case in cases {
        if case.name.is_empty() {
            "unnamed".clone_into(&mut case.name);
        }
        let count = seen.entry((case.room, case.name.clone())).or_default();
        *count += 1;
        if *count > 1 {
            case.name = format!("{} ({count})", case.name);
        }
    }
}
