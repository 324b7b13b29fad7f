//! The Common Test Report Format: the cases of all runs in one list.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::cases::{Case, CaseStatus, OUTCOME, cases};
use crate::error::Error;
use crate::model::Run;
use crate::report::Report;

/// The version of the specification, <https://github.com/ctrf-io/ctrf>.
const SPEC_VERSION: &str = "1.0.0";

/// Writes a report in the Common Test Report Format.
pub fn write(report: &Report) -> Result<String, Error> {
    let tests: Vec<Value> =
        report.runs.iter().flat_map(|run| cases(run).into_iter().map(move |case| test(run, case))).collect();
    let count = |status: &str| tests.iter().filter(|test| test["status"] == status).count();
    let starts = report.runs.iter().filter_map(|run| run.started_at).map(milliseconds);
    let stops = report.runs.iter().filter_map(|run| run.finished_at.or(run.started_at)).map(milliseconds);
    let mut tool = Map::new();
    tool.insert("name".to_owned(), "Chaos Toolkit".into());
    if let Some(version) = report.runs.iter().find_map(|run| run.toolkit.version.clone()) {
        tool.insert("version".to_owned(), version.into());
    }
    let value = json!({
        "reportFormat": "CTRF",
        "specVersion": SPEC_VERSION,
        "generatedBy": "kubectl-chaostoolkit",
        "results": {
            "tool": tool,
            "summary": {
                "tests": tests.len(),
                "passed": count("passed"),
                "failed": count("failed"),
                "pending": 0,
                "skipped": count("skipped"),
                "other": 0,
                "suites": report.runs.len(),
                "start": starts.min().unwrap_or_default(),
                "stop": stops.max().unwrap_or_default(),
            },
            "tests": tests,
        },
    });
    let mut text =
        serde_json::to_string_pretty(&value).map_err(|error| Error::Write { cause: error.to_string() })?;
    text.push('\n');
    Ok(text)
}

fn test(run: &Run, case: Case) -> Value {
    let mut test = Map::new();
    let mut set = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            test.insert(key.to_owned(), value);
        }
    };
    set("name", Some(case.name.into()));
    set("status", Some(word(case.status).into()));
    set("duration", Some(duration(case.seconds).into()));
    set("start", case.started_at.map(|at| milliseconds(at).into()));
    set("suite", Some(vec![run.label(), case.room.to_owned()].into()));
    set("message", case.message.map(Value::from));
    set("trace", case.details.map(Value::from));
    // What is no failure of the system is told apart here.
    set("rawStatus", (case.status == CaseStatus::Error).then(|| "error".into()));
    set("tags", (!run.experiment.tags.is_empty()).then(|| run.experiment.tags.clone().into()));
    set("extra", (case.room == OUTCOME).then(|| extra(run)));
    set(
        "stdout",
        case.output.map(|output| output.lines().map(str::to_owned).collect::<Vec<String>>().into()),
    );
    Value::Object(test)
}

/// What the outcome is about.
fn extra(run: &Run) -> Value {
    json!({
        "experiment": run.title(),
        "result": run.word(),
        "outcome": run.outcome,
        "conclusive": run.conclusive,
        "warnings": run.warnings,
    })
}

const fn word(status: CaseStatus) -> &'static str {
    match status {
        CaseStatus::Passed => "passed",
        CaseStatus::Failed | CaseStatus::Error => "failed",
        CaseStatus::Skipped => "skipped",
    }
}

/// A duration in milliseconds.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "both are checked")]
fn duration(seconds: Option<f64>) -> u64 {
    seconds.map_or(0, |seconds| (seconds * 1e3).round().clamp(0.0, 1e15) as u64)
}

/// A time in milliseconds since 1970. The format has no earlier times.
fn milliseconds(time: Timestamp) -> u64 {
    u64::try_from(time.as_millisecond()).unwrap_or_default()
}
