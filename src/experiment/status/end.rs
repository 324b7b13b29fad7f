//! What the end of a run leaves on the status: its times, its verdict, and one more in the counters.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;

use crate::experiment::judge::evidence::Evidence;
use crate::experiment::judge::pod_state::End;
use crate::experiment::judge::verdict::{self, Verdict};
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::{Counters, Outcome, Phase, Run, Status};

/// Records when and how a run ended.
pub(super) fn finish(run: &mut Run, end: &End, evidence: &Evidence, now: Timestamp) {
    run.started_at = end.started_at.clone().or_else(|| run.started_at.take());
    let finished = end.finished_at.clone().unwrap_or(Time(now));
    run.duration_seconds =
        run.started_at.as_ref().map(|started| (finished.0.as_second() - started.0.as_second()).max(0));
    run.finished_at = Some(finished);
    run.exit_code = end.exit_code;
    run.terminated_reason = Some(end.word.clone()).filter(|word| !word.is_empty());
    // A container that never started has left nothing behind.
    let may_have_begun = run.started_at.is_some() || (verdict::is_lost(end) && run.node_name.is_some());
    run.killed = may_have_begun && verdict::was_killed(end, evidence);
}

/// Records that the pod of a run is gone, and that nobody saw the end of the run.
pub(super) fn lose(run: &mut Run, reason: Reason, now: Timestamp) {
    run.finished_at = Some(Time(now));
    // Nobody knows whether the container of a pod with a node started after the last look. Without a node, none could.
    let may_have_begun = run.started_at.is_some() || run.node_name.is_some();
    run.killed = reason == Reason::PodLost && may_have_begun;
}

/// Records the verdict on a run, and counts the run. A run that was skipped found nothing, so what the last run found stays.
pub(super) fn count(status: &mut Status, verdict: &Verdict) {
    if verdict.phase == Phase::Skipped {
        let skipped = &mut status.counters.get_or_insert_default().skipped;
        *skipped = skipped.saturating_add(1);
        return;
    }
    status.outcome = Some(verdict.outcome);
    status.result = Some(verdict.rating().result);
    status.warnings.clone_from(&verdict.warnings);
    status.conclusive = Some(verdict.conclusive);
    let counters: &mut Counters = status.counters.get_or_insert_default();
    // The recorded numbers may be any.
    let add = |counter: &mut i32, counts: bool| *counter = counter.saturating_add(i32::from(counts));
    add(&mut counters.runs, true);
    add(&mut counters.passed, verdict.outcome == Outcome::Passed);
    add(&mut counters.deviated, verdict.outcome == Outcome::Deviated);
    add(&mut counters.failed, verdict.phase == Phase::Failed);
    add(&mut counters.aborted, verdict.phase == Phase::Aborted);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn any_number() -> impl Strategy<Value = i32> {
        prop_oneof![Just(i32::MAX), Just(i32::MIN), any::<i32>()]
    }

    proptest! {
        #[test]
        fn a_run_is_counted_whatever_was_counted_before(runs in any_number(), failed in any_number()) {
            let counters = Counters { runs, failed, ..Counters::default() };
            let mut status = Status { counters: Some(counters), ..Status::default() };
            count(&mut status, &Verdict::lost(Reason::PodLost, String::new()));
            let counted = status.counters.unwrap_or_default();
            prop_assert_eq!((counted.runs, counted.failed), (runs.saturating_add(1), failed.saturating_add(1)));
        }
    }

    #[rstest]
    #[case::lost_by_the_kubelet("ContainerStatusUnknown", Some("node"), true)]
    #[case::never_on_a_node("ContainerStatusUnknown", None, false)]
    #[case::never_started("Error", Some("node"), false)]
    fn a_container_that_the_kubelet_has_lost_may_have_started(
        #[case] word: &str,
        #[case] node: Option<&str>,
        #[case] expected: bool,
    ) {
        let end = End { exit_code: Some(137), word: word.to_owned(), ..End::default() };
        let mut run = Run { node_name: node.map(str::to_owned), ..Run::default() };
        finish(&mut run, &end, &Evidence::default(), Timestamp::UNIX_EPOCH);
        assert_eq!(run.killed, expected);
    }
}
