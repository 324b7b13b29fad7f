//! Runs plans and reports for each what went wrong.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures::{FutureExt, StreamExt};
use serde_json::Value;

use crate::common::within;
use crate::fault::WriteFault;
use crate::life::Life;
use crate::plan::{Fault, Moment, Plan};
use crate::plane::{self, Trouble};
use crate::proxy::Stroke;
use crate::rig::Rig;
use crate::state;
use crate::story::Story;
use crate::verdict::Verdict;

/// A life without a fault, to compare with.
#[derive(Clone, Debug)]
pub struct Reference {
    /// All writes of the operator in order.
    pub writes: Vec<String>,
    /// How many of the writes come before the pod runs. These create objects.
    pub creating: usize,
    /// The objects once the run has ended.
    pub children: Value,
    /// The status once the run has ended.
    pub status: Value,
    /// The last status if the experiment is deleted during a run.
    pub aborted: Value,
}

/// The reference of each story.
pub type References = BTreeMap<Story, Reference>;

/// How long faults of streams last.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    pub length: Duration,
}

/// How long the kubelet waits for an operator that only one write hinders.
const PATIENT: Duration = Duration::from_secs(20);

/// How long the kubelet waits for an operator that sees no events.
const IMPATIENT: Duration = Duration::from_secs(1);

/// Lives all stories without a fault.
pub async fn references() -> References {
    let all = Story::ALL.map(async |story| (story, Box::pin(reference(story)).await));
    futures::future::join_all(all).await.into_iter().collect()
}

/// Lives a story twice without a fault, to its end. A story with a single run is lived once more, with a deletion during its
/// run.
async fn reference(story: Story) -> Reference {
    let (first, second) = futures::join!(undisturbed(story, false), undisturbed(story, false));
    assert_same(&first.status, &second.status);
    assert_same(&first.children, &second.children);
    assert_same(&first.aborted, &second.aborted);
    let aborted = if story.is_single() { undisturbed(story, true).await.aborted } else { first.aborted };
    Reference {
        // A write that does not happen in both lives is no place for a fault.
        creating: common(&first.writes[..first.creating], &second.writes).len(),
        writes: common(&first.writes, &second.writes),
        aborted,
        ..first
    }
}

/// Returns the writes that the other life has, too.
fn common(writes: &[String], others: &[String]) -> Vec<String> {
    let mut others = others.to_vec();
    let take = |write: &String| others.iter().position(|other| other == write).map(|at| others.remove(at));
    writes.iter().filter_map(take).collect()
}

/// Lives a story without a fault. Its first run ends or is aborted.
async fn undisturbed(story: Story, is_aborted: bool) -> Reference {
    let rig = Rig::start().await;
    let mut life = Life::new(&rig, story, PATIENT, Duration::ZERO);
    life.create().await;
    let pod = life.starts().await;
    life.runs(&pod).await;
    let creating = rig.proxy.writes().len();
    let (mut status, mut children) = (Value::Null, Value::Null);
    let going_on = if is_aborted {
        Some(pod)
    } else {
        life.ends(&pod).await;
        status = state::status(&life.recorded(&pod).await);
        children = life.children().await;
        life.goes_on().await
    };
    life.delete().await;
    if let Some(pod) = going_on {
        life.is_stopped(&pod).await;
    }
    life.gone().await;
    life.check();
    let writes = rig.proxy.writes();
    let aborted = state::status(&life.seen.last());
    rig.end().await;
    Reference { writes, creating, children, status, aborted }
}

/// Runs one plan. Panics if anything is wrong. The caller owns the rig, to get the operator's last words.
async fn run(plan: &Plan, reference: &Reference, pace: Pace, rig: &Rig) {
    let (patience, length) = match plan.fault {
        Fault::Write(..) => (PATIENT, Duration::ZERO),
        Fault::Stream(..) => (IMPATIENT, pace.length * 2),
        Fault::Stale(_) => (IMPATIENT, pace.length),
        Fault::Plane(trouble, _) => (IMPATIENT, trouble.length()),
    };
    rig.operators.start();
    rig.filled(1).await;
    match &plan.fault {
        Fault::Write(point, fault) => rig.proxy.strike(point.clone(), Stroke::Fault(*fault)),
        Fault::Stale(point) => rig.proxy.strike(point.clone(), Stroke::Freeze),
        Fault::Stream(..) | Fault::Plane(..) => {}
    }
    let mut life = Life::new(rig, plan.story, patience, length);
    if let Fault::Plane(trouble, moment) = plan.fault {
        return in_trouble(trouble, moment, reference, life).await;
    }
    arm(plan, Moment::Before, pace, rig);
    life.create().await;
    let wanted = life.is_asked_for().await;
    // An operator that sees no Jobs lets none go. The next one looks for itself.
    let is_blind = matches!(plan.fault, Fault::Stale(_)) && plan.story == Story::Schedule;
    if is_blind {
        rig.operators.crash();
        rig.filled(2).await;
    }
    let pod = life.pod(&wanted).await;
    life.runs(&pod).await;
    arm(plan, Moment::Running, pace, rig);
    let going_on = if plan.is_aborted() {
        Some(pod)
    } else {
        life.ends(&pod).await;
        if let Fault::Stale(_) = plan.fault {
            if !is_blind {
                rig.operators.crash();
                rig.filled(2).await;
            }
            // This is long enough for the operator to act on outdated state.
            tokio::time::sleep(pace.length).await;
            rig.proxy.streaming().disarm();
        }
        let status = life.recorded(&pod).await;
        assert_same(&reference.status, &state::status(&status));
        assert_same(&reference.children, &life.children().await);
        life.goes_on().await
    };
    arm(plan, Moment::Deleting, pace, rig);
    life.delete().await;
    let expected = if going_on.is_some() { &reference.aborted } else { &reference.status };
    if let Some(pod) = going_on {
        life.is_stopped(&pod).await;
    }
    life.gone().await;
    let mut last = state::status(&life.seen.last());
    if let Fault::Write(_, WriteFault::Refused(403)) = plan.fault {
        // The status has to report a refusal as long as the experiment exists.
        state::forgive_blocked_cleanup(&mut last, expected);
    }
    assert_same(expected, &last);
    has_struck(plan, rig).await;
    life.check();
}

/// Runs a plan in which the cluster is in trouble.
async fn in_trouble(trouble: Trouble, moment: Moment, reference: &Reference, mut life: Life<'_>) {
    let is_same = trouble.is_harmless(moment);
    let mut is_aborted = true;
    if let Some(status) = plane::live(&mut life, trouble, moment).await {
        if is_same {
            assert_same(&reference.status, &state::status(&status));
            assert_same(&reference.children, &life.children().await);
        }
        let going_on = life.goes_on().await;
        is_aborted = going_on.is_some();
        life.delete().await;
        if let Some(pod) = going_on {
            life.is_stopped(&pod).await;
        }
    }
    life.gone().await;
    let last = life.seen.last();
    if is_same && is_aborted {
        assert_same(&reference.aborted, &state::status(&last));
    }
    let has_end = last.is_finished() || !last.history.is_empty();
    assert!(has_end && last.outcome.is_some(), "a run has an end whatever happens: {last:#?}");
    life.check();
}

fn arm(plan: &Plan, moment: Moment, pace: Pace, rig: &Rig) {
    if let Fault::Stream(streams, fault, at) = plan.fault
        && at == moment
    {
        rig.proxy.streaming().arm(fault, streams, pace.length);
    }
}

/// Checks that the fault has happened. A plan without its fault would show nothing.
async fn has_struck(plan: &Plan, rig: &Rig) {
    within(Duration::from_secs(5), "the fault has struck", async || {
        let struck = match plan.fault {
            Fault::Stream(..) => rig.proxy.streaming().hits() > 0,
            Fault::Write(..) | Fault::Stale(_) => rig.proxy.struck().is_some(),
            Fault::Plane(..) => true,
        };
        struck.then_some(())
    })
    .await;
}

fn assert_same(reference: &Value, found: &Value) {
    let difference = state::difference(reference, found);
    assert!(difference.is_empty(), "the end differs from that of the reference:\n{}", difference.join("\n"));
}

/// Runs plans, `at_once` at a time.
pub async fn all(plans: Vec<Plan>, references: &References, pace: Pace, at_once: usize) -> Vec<Verdict> {
    let running = plans.into_iter().map(|plan| async move {
        let reference = &references[&plan.story];
        let began = Instant::now();
        let rig = Rig::prepare().await;
        let ended = AssertUnwindSafe(run(&plan, reference, pace, &rig)).catch_unwind().await;
        let wrong = ended.err().map(|panic| wrong(&panic, &rig));
        rig.end().await;
        let verdict = Verdict { class: plan.class(), name: plan.name(), took: began.elapsed(), wrong };
        verdict.tell();
        verdict
    });
    futures::stream::iter(running).buffer_unordered(at_once).collect().await
}

/// Returns the panic of a plan, the writes, and the operator's last words.
fn wrong(panic: &Box<dyn Any + Send>, rig: &Rig) -> String {
    let said = panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_default();
    format!(
        "{said}\nwrites: {:#?}\nthe operator's last words:\n{}",
        rig.proxy.writes(),
        rig.operators.last_words()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fault_points_are_the_writes_that_both_lives_make() {
        let of = |text: &str| -> Vec<String> { text.split(' ').map(ToOwned::to_owned).collect() };
        assert_eq!(common(&of("a b b c d"), &of("a b d c")), of("a b c d"));
        assert_eq!(common(&of("a b"), &of("a b b c")), of("a b"));
    }
}
