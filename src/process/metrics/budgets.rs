//! What users and runs may take, and when they have taken all of it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::{Registry, Unit};

use super::family::Gauge;
use super::{Label, Metrics};
use chaostoolkit_api::Text;

/// A budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
pub enum Budget {
    /// The journals in a namespace: `--journal-budget`. A journal was not stored.
    Journals,
    /// The journals of an experiment: `--journal-budget-per-experiment`. A journal was not stored.
    JournalsOfExperiment,
    /// The large specs that are worked on at a time. A pass was put off.
    LargeSpecs,
    /// The runs whose stop conditions are read. Those of a run were not read.
    StopConditions,
}

/// What is known of budgets.
#[derive(Clone)]
pub(super) struct Budgets {
    reached: Family<Label, Counter>,
    journals: Journals,
}

/// Sizes in bytes. What is negative is not known.
#[derive(Clone, Debug)]
struct Journals {
    limit: Arc<AtomicI64>,
    most: Arc<AtomicI64>,
}

static BYTES: Unit = Unit::Bytes;

const MOST: Gauge = Gauge {
    name: "journal",
    help: "Size of the journals in the namespace of experiments that has most, as last counted.",
    unit: Some(&BYTES),
};

const LIMIT: Gauge = Gauge {
    name: "journal_budget",
    help: "Size that the journals in a namespace of experiments may have.",
    unit: Some(&BYTES),
};

impl Budgets {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let budgets = Self { reached: Family::default(), journals: Journals::default() };
        let help = "How often something was refused or put off since a budget was used up";
        registry.register("budgets_reached", help, budgets.reached.clone());
        registry.register_collector(Box::new(budgets.journals.clone()));
        budgets
    }
}

impl Default for Journals {
    fn default() -> Self {
        Self { limit: Arc::new(AtomicI64::new(-1)), most: Arc::new(AtomicI64::new(-1)) }
    }
}

impl Collector for Journals {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for (gauge, value) in [(MOST, &self.most), (LIMIT, &self.limit)] {
            let value = value.load(Ordering::Relaxed);
            if value >= 0 {
                gauge.one(&mut encoder, value)?;
            }
        }
        Ok(())
    }
}

impl Metrics {
    /// Counts that something did not fit into a budget.
    pub fn budget_reached(&self, budget: Budget) {
        self.budgets.reached.get_or_create(&[("budget", budget.as_str())]).inc();
    }

    /// Sets what the journals in a namespace may take.
    pub fn set_journal_budget(&self, bytes: u64) {
        self.budgets.journals.limit.store(i64::try_from(bytes).unwrap_or(i64::MAX), Ordering::Relaxed);
    }

    /// Sets what the journals take in the namespace that has most.
    pub fn set_journals(&self, bytes: u64) {
        self.budgets.journals.most.store(i64::try_from(bytes).unwrap_or(i64::MAX), Ordering::Relaxed);
    }
}
