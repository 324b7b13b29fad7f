//! `JUnit` XML: a suite for each run, a case for each probe, activity and rollback.

use std::time::Duration;

use chrono::{DateTime, FixedOffset};
use jiff::Timestamp;
use quick_junit::{NonSuccessKind, Report as JunitReport, TestCase, TestCaseStatus, TestSuite};

use crate::cases::{Case, CaseStatus, cases};
use crate::error::Error;
use crate::model::Run;
use crate::report::Report;
use crate::status;

/// Writes a report as `JUnit` XML.
///
/// A probe that is out of its tolerance is a `failure`, and so is the outcome of a run that deviated. An activity that
/// failed or did not end is an `error`. An activity that was not started is `skipped`.
pub fn write(report: &Report) -> Result<String, Error> {
    let mut junit = JunitReport::new(report.title());
    if let Some(start) = report.runs.iter().filter_map(|run| run.started_at).min().and_then(time) {
        junit.set_timestamp(start);
    }
    junit.set_time(report.runs.iter().map(|run| seconds(run.duration_seconds)).sum());
    junit.add_test_suites(report.runs.iter().map(suite));
    junit.to_string().map_err(|error| Error::Write { cause: error.to_string() })
}

fn suite(run: &Run) -> TestSuite {
    let label = run.label();
    let mut suite = TestSuite::new(label.clone());
    suite.set_time(seconds(run.duration_seconds));
    if let Some(start) = run.started_at.and_then(time) {
        suite.set_timestamp(start);
    }
    for (name, value) in properties(run) {
        suite.add_property((name, value.as_str()));
    }
    suite.add_test_cases(cases(run).into_iter().map(|case| test_case(&label, case)));
    suite
}

fn test_case(label: &str, case: Case) -> TestCase {
    let mut status = match case.status {
        CaseStatus::Passed => TestCaseStatus::success(),
        CaseStatus::Failed => TestCaseStatus::non_success(NonSuccessKind::Failure),
        CaseStatus::Error => TestCaseStatus::non_success(NonSuccessKind::Error),
        CaseStatus::Skipped => TestCaseStatus::skipped(),
    };
    if case.status != CaseStatus::Passed {
        if let Some(message) = case.message {
            status.set_message(message);
        }
        if let Some(details) = case.details {
            status.set_description(details);
        }
    }
    let mut found = TestCase::new(case.name, status);
    found.set_classname(format!("{label}.{}", case.room));
    found.set_time(seconds(case.seconds));
    if let Some(start) = case.started_at.and_then(time) {
        found.set_timestamp(start);
    }
    if let Some(output) = case.output {
        found.set_system_out(output);
    }
    found
}

fn properties(run: &Run) -> Vec<(&'static str, String)> {
    let warnings: Vec<&str> = run.warnings.iter().map(<&str>::from).collect();
    let all = [
        ("title", run.experiment.title.clone()),
        ("result", Some(run.word().to_owned())),
        ("outcome", run.outcome.map(|outcome| <&str>::from(outcome).to_owned())),
        ("conclusive", run.outcome.map(|_| run.conclusive.to_string())),
        ("warnings", (!warnings.is_empty()).then(|| warnings.join(","))),
        ("reason", run.reason.clone()),
        ("trigger", run.trigger.map(|trigger| status::trigger(trigger).to_owned())),
        ("requestedBy", run.requested_by.clone()),
        ("tags", (!run.experiment.tags.is_empty()).then(|| run.experiment.tags.join(","))),
        ("chaostoolkit-lib", run.toolkit.lib.clone()),
        ("platform", run.toolkit.platform.clone()),
        ("rollbacks", run.rollback_summary.as_ref().map(|found| <&str>::from(found.state).to_owned())),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn seconds(seconds: Option<f64>) -> Duration {
    seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or_default()
}

fn time(time: Timestamp) -> Option<DateTime<FixedOffset>> {
    let nanoseconds = u32::try_from(time.subsec_nanosecond()).ok()?;
    DateTime::from_timestamp(time.as_second(), nanoseconds).map(|time| time.fixed_offset())
}
