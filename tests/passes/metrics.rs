//! What the metrics count of runs, over restarts of the operator and failed calls.

use super::schedule::{CRON_JOB, spec, tick};
use super::*;
use chaostoolkit_api::Experiment;
use chaostoolkit_operator::experiment::census::counts::Counts;
use chaostoolkit_operator::process::clock;
use k8s_openapi::jiff::SignedDuration;

/// The samples about runs that a process has counted, without those of buckets and sums.
fn counted(operator: &Operator) -> Vec<String> {
    let text = operator.context.metrics.text();
    let is_of_runs = |line: &&str| {
        let names =
            ["runs_", "run_duration_seconds_count", "run_start_latency_seconds_count", "rollbacks_total"];
        // Some are there from the start.
        !line.ends_with(" 0")
            && names.iter().any(|name| line.starts_with(&format!("chaostoolkit_operator_{name}")))
    };
    let mut lines: Vec<String> = text
        .lines()
        .filter(is_of_runs)
        .map(|line| line.trim_start_matches("chaostoolkit_operator_").to_owned())
        .collect();
    lines.sort();
    lines
}

const STARTED: &str = r#"runs_started_total{trigger="Created"} 1"#;
const TOOK: &str = r#"run_start_latency_seconds_count{trigger="Created"} 1"#;

fn is_end(line: &str, trigger: &str) -> bool {
    line.starts_with("runs_finished_total{")
        && line.contains(&format!("trigger=\"{trigger}\""))
        && line.ends_with(" 1")
}

/// Whether these are the samples of one run that has ended.
fn check_end(lines: &[String], trigger: &str) {
    assert_eq!(lines.iter().filter(|line| line.starts_with("runs_finished_total{")).count(), 1, "{lines:?}");
    assert!(lines.iter().any(|line| is_end(line, trigger)), "{lines:?}");
    for name in ["run_duration_seconds_count", "rollbacks_total"] {
        let of_name: Vec<_> = lines.iter().filter(|line| line.starts_with(name)).collect();
        assert!(of_name.len() == 1 && of_name[0].ends_with(" 1"), "{lines:?}");
    }
}

#[tokio::test]
async fn a_run_moves_each_counter_once_though_passes_are_repeated() {
    let (fake, mut operator) = begin(&json!({}));
    settle(&fake, &mut operator, None).await;
    assert_eq!(counted(&operator), [TOOK, STARTED]);
    settle(&fake, &mut operator, Some(0)).await;
    for _ in 0..3 {
        operator.pass().await;
    }
    let lines = counted(&operator);
    assert!(lines.contains(&STARTED.to_owned()) && lines.contains(&TOOK.to_owned()), "{lines:?}");
    check_end(&lines, "Created");
}

#[tokio::test]
async fn several_processes_one_after_the_other_count_a_run_once() {
    let (fake, mut first) = begin(&json!({}));
    settle(&fake, &mut first, None).await;
    assert_eq!(counted(&first), [TOOK, STARTED]);
    let mut second = Operator::new(&fake, Hangs::Crash);
    settle(&fake, &mut second, None).await;
    assert_eq!(counted(&second), Vec::<String>::new(), "the start was counted before");
    settle(&fake, &mut second, Some(0)).await;
    let lines = counted(&second);
    assert!(!lines.contains(&STARTED.to_owned()), "{lines:?}");
    check_end(&lines, "Created");
    let mut third = Operator::new(&fake, Hangs::Crash);
    settle(&fake, &mut third, Some(0)).await;
    third.pass().await;
    assert_eq!(counted(&third), Vec::<String>::new(), "the end was counted before");
}

/// Each call fails once, before or after the API server has done what it asks for.
#[tokio::test]
async fn no_run_is_counted_twice_though_the_answers_to_writes_are_lost() {
    for fault in [Fault::Before(503, "ServiceUnavailable"), Fault::After(503, "ServiceUnavailable")] {
        let calls = {
            let (fake, mut operator) = begin(&json!({}));
            settle(&fake, &mut operator, Some(0)).await;
            fake.calls().len()
        };
        for call in 0..calls {
            let (fake, mut operator) = begin(&json!({}));
            fake.fail(call, fault);
            settle(&fake, &mut operator, Some(0)).await;
            for line in counted(&operator) {
                assert!(line.ends_with(" 1"), "{line}, with {fault:?} at call {call}");
            }
            let ends = counted(&operator).iter().filter(|line| line.starts_with("runs_finished")).count();
            assert!(ends <= 1, "{fault:?} at call {call}");
            if matches!(fault, Fault::Before(..)) {
                check_end(&counted(&operator), "Created");
            }
        }
    }
}

#[tokio::test]
async fn a_run_of_a_schedule_is_counted_when_it_is_let_go_and_when_it_has_ended() {
    let (fake, mut operator) = begin(&spec());
    settle(&fake, &mut operator, None).await;
    assert!(fake.get(CRON_JOB).is_some());
    assert_eq!(counted(&operator), Vec::<String>::new());
    tick(&fake, &mut operator).await;
    let started = r#"runs_started_total{trigger="Schedule"} 1"#;
    assert_eq!(counted(&operator), [started]);
    settle(&fake, &mut operator, None).await;
    assert_eq!(counted(&operator), [started]);
    settle(&fake, &mut operator, Some(0)).await;
    operator.pass().await;
    let lines = counted(&operator);
    assert!(lines.contains(&started.to_owned()), "{lines:?}");
    check_end(&lines, "Schedule");
}

/// The next time that the status tells moves on, whether or not anything starts a run.
#[tokio::test]
async fn a_schedule_is_overdue_while_nothing_starts_its_runs() {
    let every_minute = json!({"pod": {"experiment": {"asFile": false}}, "schedule": {"kind": "cronJob", "value": "* * * * *"}});
    let (fake, mut operator) = begin(&every_minute);
    settle(&fake, &mut operator, None).await;
    let overdue = |fake: &FakeApi, seconds: i64| {
        let experiment: Experiment = serde_json::from_value(fake.get(EXPERIMENT).unwrap()).unwrap();
        let now = clock::now() + SignedDuration::from_secs(seconds);
        Counts::of([Some(&experiment)].into_iter(), now).overdue
    };
    assert_eq!((overdue(&fake, 0), overdue(&fake, 130)), (0, 1));
    for _ in 0..3 {
        operator.pass().await;
    }
    assert_eq!(overdue(&fake, 130), 1);
    tick(&fake, &mut operator).await;
    settle(&fake, &mut operator, None).await;
    assert_eq!(overdue(&fake, 130), 0, "a run goes on");
}
