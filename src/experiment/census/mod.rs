//! What the caches say, as metrics: computed when somebody reads them, and not stored.
//!
//! Each replica has full caches. Only the one that leads shows them, or all would be counted twice.

pub mod counts;
mod each;
pub mod shown;
#[cfg(test)]
mod tests;

use std::fmt;

use kube::ResourceExt;
use kube::runtime::reflector::Store;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use crate::experiment::census::counts::Counts;
use crate::experiment::census::each::Each;
use crate::experiment::census::shown::Shown;
use crate::experiment::freezes::known::{self, read};
use crate::experiment::freezes::over::ACTIVE;
use crate::experiment::watches::Watches;
use crate::process::clock;
use crate::process::metrics::Metrics;
use crate::process::metrics::family::Gauge;
use chaostoolkit_api::reason::Reason;

const EXPERIMENTS: Gauge = Gauge::count("experiments", "Experiments, by phase.");
const ACTIVE_RUNS: Gauge =
    Gauge::count("runs_active", "Runs that go on, by the namespace in which they run.");
const WAITING: Gauge = Gauge::count("waiting", "Experiments whose run does not start for now, by reason.");
const WAITING_SINCE: Gauge = Gauge::seconds(
    "waiting_since_timestamp",
    "Time since when the experiment waits that has waited longest, by reason.",
);
const OVERDUE: Gauge = Gauge::count(
    "schedules_overdue",
    "Schedules that have started no run for more than a minute after one was due.",
);
const MISSING: Gauge =
    Gauge::count("rollbacks_missing", "Experiments whose last run has left rollbacks unplayed.");
const BLOCKED: Gauge = Gauge::count(
    "cleanups_blocked",
    "Experiments that are being deleted, and whose objects cannot be deleted.",
);
const FREEZES: Gauge = Gauge::count("freezes_active", "Freezes that keep runs from starting.");
const HELD: Gauge = Gauge::count("freezes_held", "Experiments that wait for the end of a freeze.");
const FROZEN_SINCE: Gauge = Gauge::seconds(
    "freeze_since_timestamp",
    "Time of the creation of the oldest freeze that is active and has no end.",
);
const GATES: Gauge = Gauge::count("gates_closed", "Experiments that wait for a gate.");
const CONDITIONS: Gauge =
    Gauge::count("stop_conditions_watched", "Stop conditions that are read, of all runs that go on.");

/// Reads all caches.
struct Census {
    shown: Shown,
    freezes: Store<known::Watched>,
    watches: Watches,
}

/// Has these metrics show what the caches say, by the names of experiments too if `by_name` is set.
pub fn show(
    metrics: &Metrics,
    shown: Shown,
    (freezes, watches): (Store<known::Watched>, Watches),
    by_name: bool,
) {
    if by_name {
        metrics.derive_named(Each(shown.clone()));
    }
    metrics.derive(Census { shown, freezes, watches });
}

impl fmt::Debug for Census {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Census").finish_non_exhaustive()
    }
}

impl Collector for Census {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some(experiments) = self.shown.experiments() else { return Ok(()) };
        let experiments = experiments.state();
        let experiments = experiments.iter().map(|experiment| experiment.0.as_ref().ok());
        let counts = Counts::of(experiments, clock::of_server());
        encode(&mut encoder, &counts)?;
        self.freezes(&mut encoder)?;
        CONDITIONS.one(&mut encoder, i64::try_from(self.watches.conditions()).unwrap_or(i64::MAX))
    }
}

impl Census {
    fn freezes(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let (freezes, now) = (self.freezes.state(), clock::of_server());
        let active = || freezes.iter().filter(|freeze| read(freeze).state(now) == ACTIVE);
        FREEZES.one(encoder, i64::try_from(active().count()).unwrap_or(i64::MAX))?;
        let created = |freeze: &known::Watched| Some(freeze.creation_timestamp()?.0.as_second());
        let lasting = active().filter(|freeze| read(freeze).until().is_none());
        match lasting.filter_map(|freeze| created(freeze)).min() {
            Some(since) => FROZEN_SINCE.one(encoder, since),
            None => Ok(()),
        }
    }
}

fn encode(encoder: &mut DescriptorEncoder<'_>, counts: &Counts) -> fmt::Result {
    EXPERIMENTS.all(encoder, counts.phases.iter().map(|(phase, count)| ([("phase", *phase)], *count)))?;
    let active = counts.active.iter().map(|(name, count)| ([("run_namespace", name.as_str())], *count));
    ACTIVE_RUNS.all(encoder, active)?;
    let waiting = || counts.waiting.iter().map(|(reason, waiting)| ([("reason", *reason)], waiting));
    WAITING.all(encoder, waiting().map(|(reason, waiting)| (reason, waiting.count)))?;
    let since = waiting().filter_map(|(reason, waiting)| Some((reason, waiting.since?.as_second())));
    WAITING_SINCE.all(encoder, since)?;
    for (gauge, value) in [
        (OVERDUE, counts.overdue),
        (MISSING, counts.rollbacks_missing),
        (BLOCKED, counts.cleanups_blocked),
        (HELD, counts.waiting_for(Reason::Frozen)),
        (GATES, counts.waiting_for(Reason::GateClosed)),
    ] {
        gauge.one(encoder, value)?;
    }
    Ok(())
}
