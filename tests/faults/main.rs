//! The shipped program behind a proxy that injects faults, against a real API server. Each plan has one fault, and the
//! same checks follow at its end. See docs/reliability.md.

#![allow(missing_docs)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests fail by a panic, and report their progress"
)]
#![allow(clippy::missing_panics_doc, clippy::must_use_candidate, reason = "tests have no public docs")]

mod call;
mod certificate;
#[path = "../common/mod.rs"]
mod common;
mod fault;
mod job;
mod life;
mod lines;
mod plan;
mod plane;
mod proxy;
mod pump;
mod rig;
mod run;
mod seen;
mod soak;
mod state;
mod story;
mod streams;
mod verdict;
mod weather;

use std::time::Duration;

use common::variables::{number, text};
use plan::Plan;
use run::{Pace, Reference, References};
use story::Story;
use verdict::Verdict;

/// Returns how many plans run at once. They mostly wait.
fn at_once() -> usize {
    number("FAULTS_AT_ONCE", 12)
}

/// Returns the references, and the plans that follow from their writes.
async fn references() -> (References, Vec<Plan>) {
    let references = run::references().await;
    let mut plans = Vec::new();
    for (story, reference) in &references {
        let Reference { writes, creating, .. } = reference;
        eprintln!(
            "{story:?}: {} writes, {creating} of them before the first pod ran: {writes:#?}",
            writes.len()
        );
        assert!(writes.len() >= 22, "a run has at least 22 writes");
        plans.extend(Plan::all(*story, writes, *creating));
    }
    (references, plans)
}

fn assert_all_right(verdicts: &[Verdict]) {
    let table = verdict::table(verdicts);
    eprintln!("\n{table}");
    assert!(verdicts.iter().all(|verdict| verdict.wrong.is_none()), "some plans went wrong:\n{table}");
}

/// Runs a sample of plans from every class, with short faults, for daily use.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs an API server"]
async fn whatever_goes_wrong_a_run_ends_as_it_would_have_in_a_sample_of_faults() {
    let (references, all) = references().await;
    let sample = Plan::sample(&all);
    let pace = Pace { length: Duration::from_secs(4) };
    assert_all_right(&run::all(sample, &references, pace, at_once()).await);
}

/// Runs all plans, or those with `FAULTS_ONLY` in their names.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs an API server, and some minutes"]
async fn whatever_goes_wrong_a_run_ends_as_it_would_have_in_all_plans() {
    let (references, all) = references().await;
    let only = text("FAULTS_ONLY").unwrap_or_default();
    let wanted: Vec<Plan> = all.into_iter().filter(|plan| plan.name().contains(&only)).collect();
    assert!(!wanted.is_empty(), "no plan has {only:?} in its name");
    let pace = Pace { length: Duration::from_secs(number("FAULTS_SECONDS", 30)) };
    assert_all_right(&run::all(wanted, &references, pace, at_once()).await);
}

/// Trouble with the cluster: control plane, node, namespace, a second operator. `FAULTS_CLUSTER` names the cluster,
/// which nobody else may use meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a control plane that may be broken"]
async fn whatever_becomes_of_the_cluster_a_run_has_one_end() {
    let only = text("FAULTS_ONLY").unwrap_or_default();
    let wanted = |is_everywhere| -> Vec<Plan> {
        let all = Story::ALL.into_iter().flat_map(|story| Plan::plane(story, is_everywhere));
        all.filter(|plan| plan.name().contains(&only)).collect()
    };
    let references = run::references().await;
    let pace = Pace { length: Duration::ZERO };
    let mut verdicts = run::all(wanted(false), &references, pace, at_once()).await;
    // These run one after the other, since each hits all running plans.
    verdicts.extend(run::all(wanted(true), &references, pace, 1).await);
    assert_all_right(&verdicts);
}

/// Runs `SOAK_EXPERIMENTS` in `SOAK_SECONDS`. `SOAK_SEED` selects the faults.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs an API server, and 20 minutes"]
async fn soak() {
    soak::run().await;
}
