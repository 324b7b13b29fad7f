//! Gates and stop conditions, with a source that answers as the test says and the controllers of Kubernetes.

use std::time::{Duration, Instant};

use chaostoolkit_api::condition::Type;
use chaostoolkit_api::{Outcome, Phase};
use serde_json::{Value, json};

use crate::common::install::Install;
use crate::common::operator::{Operator, quiet};
use crate::common::source::{Source, signal};
use crate::common::{
    audit, bind, condition_of, delete_and_wait, end_grace, eventually, interrupted, pod_of, report_container,
    running, status_of, terminated, wait_for_phase, wait_for_reason, wait_until_stopping,
};

/// How long nothing may happen. Gates are read every 15 seconds.
const QUIET: Duration = Duration::from_secs(20);

async fn operator(install: &Install, source: &Source) -> Operator {
    Operator::start_with(install, &["--sources", source.file().to_str().unwrap()]).await
}

async fn set_up(test: &str, source: &Source) -> (Install, Operator) {
    let install = Install::new(test).await;
    install.with_experiment("{}").await;
    let operator = operator(&install, source).await;
    (install, operator)
}

fn gated(fields: &Value) -> Value {
    let mut gate = json!({"name": "slo", "prometheus": signal()});
    gate.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    json!({"gates": [gate]})
}

fn watched() -> Value {
    json!({"stopConditions": [{"name": "slo", "prometheus": signal(), "intervalSeconds": 5}]})
}

/// Lets the run of an experiment begin and pass.
async fn pass(install: &Install, name: &str) {
    let pod = pod_of(install, name).await;
    report_container(&install.pods(), &pod, running()).await;
    report_container(&install.pods(), &pod, terminated(0)).await;
    wait_for_phase(&install.experiments(), name, Phase::Completed).await;
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn a_closed_gate_holds_a_run_until_it_opens_also_after_a_restart() {
    let source = Source::of("0").await;
    let (install, first) = set_up("gate", &source).await;
    install.apply_experiment("exp", gated(&json!({}))).await;
    let held = wait_for_reason(&install.experiments(), "exp", "GateClosed").await;
    assert_eq!((held.phase, held.run.as_ref()), (Some(Phase::Blocked), None));
    assert_eq!(held.message.as_deref(), Some("gate slo is closed: expected >= 1; read: 0"));
    let since = held.hold.unwrap().since;
    first.kill();
    let _second = operator(&install, &source).await;
    source.set("0.5");
    let asked = source.asked();
    eventually("the gate is read again", async || (source.asked() > asked + 1).then_some(())).await;
    let held = status_of(&install, "exp").await;
    assert_eq!((held.reason.as_deref(), held.hold.unwrap().since), (Some("GateClosed"), since));
    assert_eq!(audit::pods_created_in(&install.run_namespace), 0);
    source.set("1");
    pass(&install, "exp").await;
    assert_eq!(audit::pods_created_in(&install.run_namespace), 1);
    delete_and_wait(&install.experiments(), "exp").await;
    assert_eq!(install.left_behind().await, Vec::<String>::new());
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn a_closed_gate_skips_a_run_or_fails_it_at_once_or_in_the_end() {
    let source = Source::of("0").await;
    let (install, _operator) = set_up("gate-ends", &source).await;
    install.apply_experiment("skipped", gated(&json!({"onClosed": "Skip"}))).await;
    install.apply_experiment("failed", gated(&json!({"onClosed": "Fail"}))).await;
    install.apply_experiment("waits", gated(&json!({"timeoutSeconds": 10}))).await;
    let experiments = install.experiments();
    let skipped = wait_for_phase(&experiments, "skipped", Phase::Skipped).await;
    assert_eq!((skipped.reason.as_deref(), skipped.counters.unwrap().skipped), (Some("GateClosed"), 1));
    assert_eq!(condition_of(&skipped, Type::Finished), "True/GateClosed");
    let failed = wait_for_phase(&experiments, "failed", Phase::Failed).await;
    assert_eq!((failed.outcome, failed.reason.as_deref()), (Some(Outcome::Error), Some("GateClosed")));
    assert_eq!(failed.message.as_deref(), Some("gate slo is closed: expected >= 1; read: 0"));
    let late = wait_for_phase(&experiments, "waits", Phase::Failed).await;
    assert_eq!((late.outcome, late.reason.as_deref()), (Some(Outcome::Error), Some("GateClosed")));
    assert!(late.message.unwrap().starts_with("the run has waited for 1"), "of seconds");
    assert_eq!(audit::pods_created_in(&install.run_namespace), 0);
    for name in ["skipped", "failed", "waits"] {
        delete_and_wait(&experiments, name).await;
    }
    assert_eq!(install.left_behind().await, Vec::<String>::new());
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn a_source_that_never_answers_holds_up_nobody_who_does_not_ask_it() {
    let source = Source::of("0").await;
    source.hang();
    let (install, _operator) = set_up("gate-hangs", &source).await;
    // More than there are workers, and more than may ask at a time.
    for number in 0..40 {
        install.apply_experiment(&format!("waits-{number}"), gated(&json!({"timeoutSeconds": 0}))).await;
    }
    eventually("the source is asked", async || (source.asked() > 0).then_some(())).await;
    let began = Instant::now();
    install.apply_experiment("exp", json!({})).await;
    pass(&install, "exp").await;
    // The limit of the source.
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    let held = wait_for_reason(&install.experiments(), "waits-0", "GateClosed").await;
    assert!(held.message.unwrap().contains("its signal cannot be read"));
    assert_eq!(audit::pods_created_in(&install.run_namespace), 1);
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn a_stop_condition_is_watched_by_the_next_operator_too_and_stops_the_run_once() {
    let source = Source::of("1").await;
    let (install, first) = set_up("stop", &source).await;
    install.apply_experiment("exp", watched()).await;
    let pod = pod_of(&install, "exp").await;
    bind(&install, &pod).await;
    report_container(&install.pods(), &pod, running()).await;
    eventually("the condition is read", async || (source.asked() > 0).then_some(())).await;
    first.kill();
    let asked = source.asked();
    let _second = operator(&install, &source).await;
    eventually("the next operator reads it", async || (source.asked() > asked).then_some(())).await;
    source.set("0.4");
    wait_until_stopping(&install, &pod).await;
    let stopping = wait_for_phase(&install.experiments(), "exp", Phase::Aborting).await;
    assert_eq!(stopping.reason.as_deref(), Some("StopConditionMet"));
    // It holds again, and the run ends all the same.
    source.set("1");
    report_container(&install.pods(), &pod, interrupted()).await;
    end_grace(&install, &pod).await;
    let ended = wait_for_phase(&install.experiments(), "exp", Phase::Aborted).await;
    assert_eq!(
        (ended.outcome, ended.reason.as_deref()),
        (Some(Outcome::Interrupted), Some("StopConditionMet"))
    );
    let message = "stop condition slo is met: expected >= 1; read: 0.4";
    assert_eq!(
        (ended.message.as_deref(), ended.run.unwrap().stop.unwrap().message.as_str()),
        (Some(message), message)
    );
    let asked = source.asked();
    quiet(QUIET).await;
    assert_eq!(source.asked(), asked, "nobody watches a run that has ended");
    assert_eq!(audit::pods_created_in(&install.run_namespace), 1);
    delete_and_wait(&install.experiments(), "exp").await;
    assert_eq!(install.left_behind().await, Vec::<String>::new());
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn experiments_run_one_after_the_other_and_a_circle_is_refused() {
    let source = Source::of("0").await;
    let (install, _operator) = set_up("gate-row", &source).await;
    let after = |name: &str| json!({"gates": [{"name": "after", "experiment": {"name": name}}]});
    let experiments = install.experiments();
    install.apply_experiment("third", after("second")).await;
    install.apply_experiment("second", after("first")).await;
    for name in ["second", "third"] {
        wait_for_reason(&experiments, name, "GateClosed").await;
    }
    install.apply_experiment("first", json!({})).await;
    for (number, name) in ["first", "second", "third"].into_iter().enumerate() {
        pass(&install, name).await;
        assert_eq!(audit::pods_created_in(&install.run_namespace), number + 1, "{name}");
    }
    install.apply_experiment("a", after("b")).await;
    wait_for_reason(&experiments, "a", "GateClosed").await;
    install.apply_experiment("b", after("a")).await;
    let refused = wait_for_reason(&experiments, "b", "InvalidSpec").await;
    let message = refused.message.unwrap();
    assert!(message.ends_with("b → a → b"), "{message}");
    assert_eq!(status_of(&install, "a").await.phase, Some(Phase::Blocked));
}
