//! Runs plans, and says of each what went wrong.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::{FutureExt, StreamExt};
use serde_json::Value;

use crate::common::within;
use crate::fault::WriteFault;
use crate::life::Life;
use crate::plan::{Moment, Plan};
use crate::plane::{self, Trouble};
use crate::proxy::Stroke;
use crate::rig::Rig;
use crate::state;

/// How a run goes in which nothing goes wrong.
#[derive(Clone, Debug)]
pub struct Reference {
    /// All writes of the operator, in their order.
    pub writes: Vec<String>,
    /// How many of them come before the pod runs: these create.
    pub creating: usize,
    /// What there is once the run has ended.
    pub children: Value,
    /// What the status says then.
    pub status: Value,
    /// What the last status says where the experiment is deleted while it runs.
    pub aborted: Value,
}

/// How long faults of streams last.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    pub length: Duration,
}

/// How long the kubelet waits for an operator that is hindered by nothing but one write.
const PATIENT: Duration = Duration::from_secs(20);

/// How long it waits for one that sees nothing.
const IMPATIENT: Duration = Duration::from_secs(1);

/// Runs twice without a fault: to the end, and deleted while it runs.
pub async fn reference() -> Reference {
    let rig = Rig::start().await;
    let mut life = Life::new(&rig, PATIENT, Duration::ZERO);
    life.create().await;
    let pod = life.pod().await;
    life.runs(&pod).await;
    let creating = rig.proxy.writes().len();
    life.ends(&pod).await;
    let status = state::status(&life.recorded(&pod).await);
    let children = life.children().await;
    life.delete().await;
    life.gone().await;
    life.check();
    let writes = rig.proxy.writes();
    rig.end().await;

    let rig = Rig::start().await;
    let mut life = Life::new(&rig, PATIENT, Duration::ZERO);
    life.create().await;
    let pod = life.pod().await;
    life.runs(&pod).await;
    life.delete().await;
    life.is_stopped(&pod).await;
    life.gone().await;
    life.check();
    let aborted = state::status(&life.seen.last());
    rig.end().await;
    Reference { writes, creating, children, status, aborted }
}

/// Runs one plan. Panics if anything is not as it should be; the rig is the caller's, for the operator's last words.
async fn run(plan: &Plan, reference: &Reference, pace: Pace, rig: &Rig) {
    let (patience, fault) = match plan {
        Plan::Write(..) => (PATIENT, Duration::ZERO),
        Plan::Stream(..) => (IMPATIENT, pace.length * 2),
        Plan::Stale(_) => (IMPATIENT, pace.length),
        Plan::Plane(trouble, _) => (IMPATIENT, trouble.length()),
    };
    rig.operators.start();
    rig.filled(1).await;
    match plan {
        Plan::Write(point, fault) => rig.proxy.strike(point.clone(), Stroke::Fault(*fault)),
        Plan::Stale(point) => rig.proxy.strike(point.clone(), Stroke::Freeze),
        Plan::Stream(..) | Plan::Plane(..) => {}
    }
    let mut life = Life::new(rig, patience, fault);
    if let Plan::Plane(trouble, moment) = plan {
        return in_trouble(*trouble, *moment, reference, life).await;
    }
    arm(plan, Moment::Before, pace, rig);
    life.create().await;
    let pod = life.pod().await;
    life.runs(&pod).await;
    arm(plan, Moment::Running, pace, rig);
    if plan.is_aborted() {
        arm(plan, Moment::Deleting, pace, rig);
        life.delete().await;
        life.is_stopped(&pod).await;
        life.gone().await;
        assert_same(&reference.aborted, &state::status(&life.seen.last()));
    } else {
        life.ends(&pod).await;
        if let Plan::Stale(_) = plan {
            rig.operators.crash();
            rig.filled(2).await;
            // Long enough to act on what is no longer so.
            tokio::time::sleep(pace.length).await;
            rig.proxy.streaming().disarm();
        }
        let status = life.recorded(&pod).await;
        assert_same(&reference.status, &state::status(&status));
        assert_same(&reference.children, &life.children().await);
        life.delete().await;
        life.gone().await;
        let mut last = state::status(&life.seen.last());
        if let Plan::Write(_, WriteFault::Refused(403)) = plan {
            // Somebody has to know of a refusal, as long as there is an experiment to say it on.
            state::forgive_blocked_cleanup(&mut last, &reference.status);
        }
        assert_same(&reference.status, &last);
    }
    has_struck(plan, rig).await;
    life.check();
}

/// A run in a cluster in trouble.
async fn in_trouble(trouble: Trouble, moment: Moment, reference: &Reference, mut life: Life<'_>) {
    let is_same = trouble.is_harmless(moment);
    if let Some(status) = plane::live(&mut life, trouble, moment).await {
        if is_same {
            assert_same(&reference.status, &state::status(&status));
            assert_same(&reference.children, &life.children().await);
        }
        life.delete().await;
        life.gone().await;
    } else {
        life.gone().await;
        if is_same {
            assert_same(&reference.aborted, &state::status(&life.seen.last()));
        }
    }
    let last = life.seen.last();
    assert!(last.is_finished() && last.outcome.is_some(), "whatever happens, a run has an end: {last:#?}");
    life.check();
}

fn arm(plan: &Plan, moment: Moment, pace: Pace, rig: &Rig) {
    if let Plan::Stream(streams, fault, at) = plan
        && *at == moment
    {
        rig.proxy.streaming().arm(*fault, *streams, pace.length);
    }
}

/// A plan whose fault never came about shows nothing.
async fn has_struck(plan: &Plan, rig: &Rig) {
    within(Duration::from_secs(5), "the fault has struck", async || {
        let struck = match plan {
            Plan::Stream(..) => rig.proxy.streaming().hits() > 0,
            Plan::Write(..) | Plan::Stale(_) => rig.proxy.struck().is_some(),
            Plan::Plane(..) => true,
        };
        struck.then_some(())
    })
    .await;
}

fn assert_same(reference: &Value, found: &Value) {
    let difference = state::difference(reference, found);
    assert!(difference.is_empty(), "another end than that of the reference:\n{}", difference.join("\n"));
}

/// What came of a plan.
pub struct Verdict {
    pub class: &'static str,
    pub name: String,
    pub took: Duration,
    /// What was wrong, and the operator's last words.
    pub wrong: Option<String>,
}

/// Runs plans, some at a time.
pub async fn all(plans: Vec<Plan>, reference: Arc<Reference>, pace: Pace, at_once: usize) -> Vec<Verdict> {
    let running = plans.into_iter().map(|plan| {
        let reference = reference.clone();
        async move {
            let name = plan.name();
            let class = plan.class();
            let began = Instant::now();
            let rig = Rig::prepare().await;
            let ended = AssertUnwindSafe(run(&plan, &reference, pace, &rig)).catch_unwind().await;
            let wrong = ended.err().map(|panic| wrong(&panic, &rig));
            rig.end().await;
            let verdict = Verdict { class, name, took: began.elapsed(), wrong };
            verdict.tell();
            verdict
        }
    });
    futures::stream::iter(running).buffer_unordered(at_once).collect().await
}

/// What a plan panicked with, and what the operator said last.
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

impl Verdict {
    fn tell(&self) {
        match &self.wrong {
            None => eprintln!("ok    {:5.1} s  {}", self.took.as_secs_f32(), self.name),
            Some(wrong) => eprintln!("WRONG {:5.1} s  {}: {wrong}", self.took.as_secs_f32(), self.name),
        }
    }
}

/// The table by class; the names of those that went wrong below it.
pub fn table(verdicts: &[Verdict]) -> String {
    let mut classes: Vec<&str> = Vec::new();
    for verdict in verdicts {
        if !classes.contains(&verdict.class) {
            classes.push(verdict.class);
        }
    }
    let row = |name: &str, of: &dyn Fn(&&Verdict) -> bool| {
        let all = verdicts.iter().filter(of).count();
        let passed = verdicts.iter().filter(of).filter(|verdict| verdict.wrong.is_none()).count();
        format!("| {name} | {passed} | {all} |\n")
    };
    let mut text = "| class | passed | plans |\n|---|---|---|\n".to_owned();
    for class in classes {
        text.push_str(&row(class, &|verdict| verdict.class == class));
    }
    text.push_str(&row("all", &|_| true));
    let wrong = verdicts.iter().filter(|verdict| verdict.wrong.is_some());
    text.extend(wrong.flat_map(|verdict| ["\nwrong: ", &verdict.name, "\n"]));
    text
}
