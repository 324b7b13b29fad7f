//! What the end of a run leaves on the status: its times, its verdict, and one more in the counters.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;

use crate::experiment::judge::pod_state::End;
use crate::experiment::judge::verdict::Verdict;
use chaostoolkit_api::{Counters, Outcome, Phase, Run, Status};

/// Records when and how a run ended.
pub(super) fn finish(run: &mut Run, end: &End, now: Timestamp) {
    run.started_at = end.started_at.clone().or_else(|| run.started_at.take());
    let finished = end.finished_at.clone().unwrap_or(Time(now));
    run.duration_seconds =
        run.started_at.as_ref().map(|started| (finished.0.as_second() - started.0.as_second()).max(0));
    run.finished_at = Some(finished);
    run.exit_code = end.exit_code;
    run.terminated_reason = Some(end.word.clone()).filter(|word| !word.is_empty());
}

/// Records the verdict on a run, and counts the run.
pub(super) fn count(status: &mut Status, verdict: &Verdict) {
    status.outcome = Some(verdict.outcome);
    status.result = Some(verdict.rating().result);
    status.warnings.clone_from(&verdict.warnings);
    status.conclusive = Some(verdict.conclusive);
    let counters: &mut Counters = status.counters.get_or_insert_default();
    counters.runs += 1;
    counters.passed += i32::from(verdict.outcome == Outcome::Passed);
    counters.deviated += i32::from(verdict.outcome == Outcome::Deviated);
    counters.failed += i32::from(verdict.phase == Phase::Failed);
    counters.aborted += i32::from(verdict.phase == Phase::Aborted);
}
