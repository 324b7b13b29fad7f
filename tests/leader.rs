//! Several operators and one lease: candidates with a lease in memory in virtual time, and the operator as a process
//! with a real API server.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by a panic")]

mod common;
#[path = "leader/leases.rs"]
mod leases;

use std::time::{Duration, Instant};

use chaostoolkit_api::names;
use common::install::Install;
use common::operator::Operator;
use common::{eventually, pod_of, within};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::rbac::v1::Role;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use leases::{Leases, Running};

const SECOND: Duration = Duration::from_secs(1);

// ------------------------------------------------------------------------------------------------- a lease in memory

/// Waits until the condition holds, and returns the seconds of virtual time that this took.
async fn seconds_until(is_so: impl Fn() -> bool) -> u64 {
    let began = tokio::time::Instant::now();
    while !is_so() {
        assert!(began.elapsed() < 600 * SECOND, "the condition never held");
        tokio::time::sleep(SECOND / 10).await;
    }
    began.elapsed().as_secs()
}

#[tokio::test(start_paused = true)]
async fn one_of_three_leads_and_after_its_death_another_one_within_20_seconds() {
    let leases = Leases::default();
    let mut all: Vec<Running> = ["a", "b", "c"].iter().map(|name| leases.start(name)).collect();
    for _ in 0..3 {
        let leading = || all.iter().filter(|one| one.lead.holds()).count();
        seconds_until(|| leading() == 1).await;
        for _ in 0..600 {
            tokio::time::sleep(SECOND / 10).await;
            assert_eq!(leading(), 1);
        }
        assert!(all.iter().all(|one| one.health.ready().is_ok() && one.health.alive().is_ok()));
        let dead = all.remove(all.iter().position(|one| one.lead.holds()).unwrap());
        dead.task.abort();
        if !all.is_empty() {
            let waited = seconds_until(|| all.iter().any(|one| one.lead.holds())).await;
            assert!((14..20).contains(&waited), "{waited}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_clean_stop_hands_over_at_once() {
    let leases = Leases::default();
    let first = leases.start("a");
    seconds_until(|| first.lead.holds()).await;
    let second = leases.start("b");
    tokio::time::sleep(5 * SECOND).await;
    let lead = first.lead.clone();
    first.stop().await;
    assert!(!lead.holds());
    assert!(seconds_until(|| second.lead.holds()).await <= 1);
    second.stop().await;
    assert_eq!(leases.holder(), Value::Null);
}

/// The work stops before anybody else may begin. The process stays, passes its liveness probe, and leads again.
#[tokio::test(start_paused = true)]
async fn a_leader_that_cannot_renew_stops_and_leads_again_once_it_can() {
    let leases = Leases::default();
    let only = leases.start("a");
    seconds_until(|| only.lead.holds()).await;
    for is_mute in [false, true] {
        {
            let mut state = leases.lock();
            (state.is_down, state.is_mute, state.requests) = (!is_mute, is_mute, 0);
        }
        let stopped = seconds_until(|| !only.lead.holds()).await;
        assert!((7..=10).contains(&stopped), "{stopped}");
        for _ in 0..600 {
            tokio::time::sleep(SECOND).await;
            assert_eq!(
                only.health.alive(),
                Ok(()),
                "the process stays alive, since a restart would not help"
            );
        }
        assert!(leases.lock().requests <= 611, "{} requests in ten minutes", leases.lock().requests);
        assert!(!only.lead.holds());
        {
            let mut state = leases.lock();
            (state.is_down, state.is_mute) = (false, false);
        }
        assert!(seconds_until(|| only.lead.holds()).await <= 6);
    }
    // A renewal that was done without an answer counts as the candidate's own.
    only.stop().await;
    assert_eq!(leases.holder(), Value::Null);
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_somebody_takes_or_deletes_is_noticed_with_the_next_renewal() {
    let leases = Leases::default();
    let one = leases.start("a");
    seconds_until(|| one.lead.holds()).await;
    {
        let mut state = leases.lock();
        state.version += 1;
        let version = state.version.to_string();
        let lease = state.lease.as_mut().unwrap();
        lease["spec"]["holderIdentity"] = json!("somebody");
        lease["metadata"]["resourceVersion"] = json!(version);
    }
    assert!(seconds_until(|| !one.lead.holds()).await <= 2);
    assert!((14..20).contains(&seconds_until(|| one.lead.holds()).await));
    leases.lock().lease = None;
    tokio::time::sleep(5 * SECOND).await;
    assert_eq!(leases.holder(), json!("a"));
    assert!(one.lead.holds());
}

#[tokio::test(start_paused = true)]
async fn a_candidate_with_the_same_identity_takes_over_its_lease_at_once() {
    let leases = Leases::default();
    let first = leases.start("pod");
    seconds_until(|| first.lead.holds()).await;
    first.task.abort();
    let second = leases.start("pod");
    assert_eq!(seconds_until(|| second.lead.holds()).await, 0);
}

// ------------------------------------------------------------------------------------------------ a real API server

const ELECT: [&str; 2] = ["--leader-elect", "yes"];

async fn leads(operator: &Operator) -> bool {
    let metrics = operator.get("/metrics").await.unwrap_or_default();
    metrics.lines().any(|line| line == "chaostoolkit_operator_leader 1")
}

/// Waits until one operator leads, and takes it out of the list.
async fn leader_of(operators: &mut Vec<Operator>) -> Operator {
    let place = eventually("an operator leads", async || {
        let mut leading = Vec::new();
        for (place, operator) in operators.iter().enumerate() {
            if leads(operator).await {
                leading.push(place);
            }
        }
        assert!(leading.len() < 2, "two operators lead");
        leading.pop()
    });
    let place = place.await;
    operators.remove(place)
}

async fn lease(install: &Install) -> Lease {
    Api::namespaced(install.client.clone(), &install.namespace).get(names::LEASE).await.unwrap()
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn of_several_operators_one_works_and_the_next_takes_over() {
    let install = Install::new("leaders").await;
    install.with_experiment("{}").await;
    let mut operators = Vec::new();
    for _ in 0..3 {
        // All of them are ready, though at most one leads, so that a rollout goes on.
        operators.push(Operator::start_with(&install, &ELECT).await);
    }
    let leader = leader_of(&mut operators).await;
    install.apply_experiment("first", json!({})).await;
    pod_of(&install, "first").await;

    install.apply_experiment("late", json!({"pod": {"experiment": {"configMapName": "late"}}})).await;
    let died = Instant::now();
    leader.kill();
    let second = leader_of(&mut operators).await;
    assert!(died.elapsed() < 20 * SECOND, "{:?}", died.elapsed());
    install.apply_experiment("second", json!({})).await;
    pod_of(&install, "second").await;
    // It also works on experiments that are older than its term.
    let map = common::config_map("late", json!({"experiment.json": "{}"}));
    common::create(&install.config_maps(&install.run_namespace), map).await;
    pod_of(&install, "late").await;

    assert!(second.stop().await.success());
    let third = within(3 * SECOND, "the last operator leads", async || {
        if leads(&operators[0]).await { Some(&operators[0]) } else { None }
    });
    assert!(third.await.log().contains("this operator leads"));
    install.apply_experiment("third", json!({})).await;
    pod_of(&install, "third").await;
    assert!(operators.remove(0).stop().await.success());
    let spec = lease(&install).await.spec.unwrap();
    assert_eq!((spec.holder_identity, spec.lease_transitions), (None, Some(3)));
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn a_leader_that_was_paused_beyond_its_lease_finds_out_and_waits() {
    let install = Install::new("paused").await;
    install.with_experiment("{}").await;
    let flags = [&ELECT[..], &["--lease-duration", "5"]].concat();
    let mut operators = vec![Operator::start_with(&install, &flags).await];
    let mut paused = leader_of(&mut operators).await;
    operators.push(Operator::start_with(&install, &flags).await);
    // It is busy: passes wait for a `ConfigMap` and come again.
    install.apply_experiment("exp", json!({"pod": {"experiment": {"configMapName": "late"}}})).await;
    common::wait_for_reason(&install.experiments(), "exp", "ConfigMapMissing").await;
    paused.signal("-STOP");
    let second = leader_of(&mut operators).await;
    paused.signal("-CONT");
    eventually("the paused operator has found out", async || {
        paused.log().contains("another operator leads").then_some(())
    })
    .await;
    assert!(!leads(&paused).await && paused.is_alive());
    let map = common::config_map("late", json!({"experiment.json": "{}"}));
    common::create(&install.config_maps(&install.run_namespace), map).await;
    pod_of(&install, "exp").await;
    let started = |operator: &Operator| operator.log().contains(r#"phase="Starting""#);
    eventually("the second operator has started the run", async || started(&second).then_some(())).await;
    assert!(!started(&paused));

    // It takes over again when it is needed.
    assert!(second.stop().await.success());
    eventually("the operator leads again", async || leads(&paused).await.then_some(())).await;
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn without_the_right_to_its_lease_an_operator_is_not_ready_and_says_why() {
    let install = Install::new("norights").await;
    let api = Api::<Role>::namespaced(install.client.clone(), &install.namespace);
    let role = api.get(&install.namespace).await.unwrap();
    let mut rules = role.rules.unwrap();
    rules.retain(|rule| rule.resources.iter().flatten().all(|resource| resource != "leases"));
    let without = json!({"rules": rules});
    api.patch(&install.namespace, &PatchParams::default(), &Patch::Merge(without)).await.unwrap();
    let mut operator = Operator::spawn(&install, &ELECT);
    operator.listens().await;
    eventually("only the election is missing", async || {
        let (is_ready, what) = operator.ask("/readyz").await?;
        assert!(!is_ready);
        (what == "not yet: it is known who leads").then_some(())
    })
    .await;
    assert!(operator.log().contains("cannot use lease chaostoolkit-operator"), "{}", operator.log());
    assert_eq!(operator.get("/livez").await.as_deref(), Some("ok"));
}
