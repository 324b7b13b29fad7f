use super::budgets::Budget;
use super::runs::End;
use super::*;
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::{Outcome, Phase, Trigger};
use chaostoolkit_journal::RollbackState;
use k8s_openapi::jiff::Timestamp;
use std::time::Duration;

fn end() -> End {
    End {
        phase: Some(Phase::Completed),
        outcome: Outcome::Passed,
        trigger: Trigger::Schedule,
        reason: Some(Reason::Passed),
        duration: Some(Duration::from_secs(40)),
        rollbacks: Some(RollbackState::Played),
    }
}

#[test]
fn what_was_counted_is_in_the_text() {
    let metrics = Metrics::default();
    metrics.reconciled(true, Duration::from_millis(3));
    metrics.failed(Reason::Forbidden);
    metrics.run_started(Trigger::Manual);
    metrics.run_start_took(Trigger::Manual, Duration::from_secs(3));
    metrics.run_finished(&end());
    metrics.run_finished(&End { phase: None, reason: None, duration: None, rollbacks: None, ..end() });
    metrics.runs_skipped(None, 2);
    metrics.stop_condition_met();
    metrics.budget_reached(Budget::LargeSpecs);
    metrics.source_asked("prom", Timestamp::from_second(1_700_000_000).ok());
    metrics.source_asked("prom", None);
    assert!(metrics.text().contains("chaostoolkit_operator_leader 0"));
    assert!(metrics.text().contains("sources_valid 1"), "no file was named");
    metrics.sources_read(false);
    metrics.clone().report_leadership(Leadership::forever());
    let text = metrics.text();
    for line in [
        r#"run_outcomes_total{phase="Completed",outcome="Passed"} 1"#,
        r#"run_outcomes_total{phase="Failed",outcome="Error"} 0"#,
        r#"build_info{version=""#,
        r#"reconciliations_total{result="success"} 1"#,
        r#"reconciliation_failures_total{reason="Forbidden"} 1"#,
        "reconciliation_duration_seconds_count 1",
        r#"runs_started_total{trigger="Manual"} 1"#,
        r#"run_start_latency_seconds_bucket{le="5.0",trigger="Manual"} 1"#,
        r#"runs_finished_total{phase="Completed",outcome="Passed",trigger="Schedule",reason="Passed"} 1"#,
        r#"runs_finished_total{phase="None",outcome="Passed",trigger="Schedule",reason="None"} 1"#,
        r#"run_duration_seconds_bucket{le="30.0",outcome="Passed"} 0"#,
        r#"run_duration_seconds_bucket{le="60.0",outcome="Passed"} 1"#,
        r#"rollbacks_total{state="Played"} 1"#,
        r#"runs_skipped_total{reason="None"} 2"#,
        "stop_conditions_met_total 1",
        r#"budgets_reached_total{budget="LargeSpecs"} 1"#,
        "leader 1",
        r#"source_up{source="prom"} 0"#,
        r#"source_last_success_timestamp_seconds{source="prom"} 1700000000"#,
        "sources_valid 0",
    ] {
        let line = format!("\nchaostoolkit_operator_{line}");
        assert!(text.contains(&line), "{line} is not in {text}");
    }
    assert!(!text.contains("journal"), "nobody has counted them, and there is no budget");
    metrics.source_gone("prom");
    assert!(!metrics.text().contains("prom\""), "a source that is gone has no metrics");
}

#[test]
fn of_several_watches_of_a_kind_the_one_that_is_silent_for_longest_counts() {
    let metrics = Metrics::default();
    let (silent, alive) = (metrics.watch_begins("Pod"), metrics.watch_begins("Pod"));
    metrics.watch_begins("Job").set(30);
    silent.set(10);
    alive.set(20);
    let text = metrics.text();
    for line in [r#"{kind="Pod"} 10"#, r#"{kind="Job"} 30"#] {
        assert!(text.contains(&format!("watch_last_event_timestamp_seconds{line}")), "{text}");
    }
    silent.now();
    assert!(metrics.text().contains(r#"{kind="Pod"} 20"#));
}

#[test]
fn the_values_of_labels_are_escaped() {
    let metrics = Metrics::default();
    metrics.source_asked("a\"b\\c\nd", None);
    assert!(metrics.text().contains(r#"source_up{source="a\"b\\c\nd"} 0"#), "{}", metrics.text());
}
