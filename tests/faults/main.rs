//! The shipped program behind a proxy that makes things go wrong, against a real API server: one fault a plan, and at
//! the end of each the same questions. See docs/reliability.md.

#![allow(missing_docs)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests panic to fail, and say how far they are"
)]
#![allow(clippy::missing_panics_doc, clippy::must_use_candidate, reason = "nobody reads the docs of tests")]

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

/// How many plans run at once: most of what they do is waiting.
fn at_once() -> usize {
    number("FAULTS_AT_ONCE", 12)
}

/// How everything goes without a fault, and all plans that follow from that.
async fn references() -> (References, Vec<Plan>) {
    let references = run::references().await;
    let mut plans = Vec::new();
    for (story, reference) in &references {
        let Reference { writes, creating, .. } = reference;
        eprintln!(
            "{story:?}: {} writes, {creating} of them before the first pod ran: {writes:#?}",
            writes.len()
        );
        assert!(writes.len() >= 22, "a run has 22 writes at least");
        plans.extend(Plan::all(*story, writes, *creating));
    }
    (references, plans)
}

fn assert_all_right(verdicts: &[Verdict]) {
    let table = verdict::table(verdicts);
    eprintln!("\n{table}");
    assert!(verdicts.iter().all(|verdict| verdict.wrong.is_none()), "some plans went wrong:\n{table}");
}

/// A part of the plans, from every class, with short faults: for every day.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs an API server"]
async fn whatever_goes_wrong_a_run_ends_as_it_would_have_in_a_sample_of_faults() {
    let (references, all) = references().await;
    let sample = Plan::sample(&all);
    let pace = Pace { length: Duration::from_secs(4) };
    assert_all_right(&run::all(sample, &references, pace, at_once()).await);
}

/// All plans. `FAULTS_ONLY` has a part of the names of those that are wanted.
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

/// Trouble with the cluster: control plane, node, namespace, a second operator. `FAULTS_CLUSTER` is the name of the
/// cluster, which nobody else may use meanwhile.
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
    // One after the other: each hits all that are at work.
    verdicts.extend(run::all(wanted(true), &references, pace, 1).await);
    assert_all_right(&verdicts);
}

/// `SOAK_EXPERIMENTS` in `SOAK_SECONDS`; `SOAK_SEED` makes another weather.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs an API server, and 20 minutes"]
async fn soak() {
    soak::run().await;
}
