//! What the passes share, and how long they wait.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;
use kube::core::{DeserializeGuard, PartialObjectMeta};
use kube::runtime::events::Recorder;
use kube::runtime::reflector::Store;
use tokio::time::Instant;

use crate::cluster::Cluster;
use crate::cluster::reads::{Memory, Reads};
use crate::experiment::apart::keeper::Keeper;
use crate::experiment::binding::Bindings;
use crate::experiment::followed::Followed;
use crate::experiment::freezes::known::Freezes;
use crate::experiment::journals::budget::Budget;
use crate::experiment::judge::log_follower::LogFollower;
use crate::experiment::mutexes::claims::Claims;
use crate::experiment::wait::Wait;
use crate::experiment::watches::Watches;
use crate::outbound::Outbound;
use crate::outbound::trace::PassSpan;
use crate::process::backoff::Backoff;
use crate::process::bell::Bell;
use crate::process::clock;
use crate::process::config::Config;
use crate::process::metrics::Metrics;
use crate::process::remembered::Remembered;
use crate::process::room::Room;
use crate::process::workers::Workers;
use crate::signals::readings::Readings;
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::{Experiment, Text};

/// What the passes share.
pub struct Context {
    /// Access to the API server.
    pub cluster: Cluster,
    /// The list of runs for the policy that keeps them apart.
    pub apart: Keeper,
    /// What keeps runs from starting, and stops them.
    pub freezes: Freezes,
    /// Which experiment may run next, of those that exclude each other.
    pub mutexes: Claims,
    /// What sources have answered to gates.
    pub readings: Readings,
    /// The stop conditions of the runs that go on.
    pub watches: Watches,
    /// Asks for a pass over all experiments.
    pub bell: Bell,
    /// Where the operator has rights.
    pub bindings: Bindings,
    /// Settings.
    pub config: Config,
    /// The experiments, as watched. The cache has what `cluster::slim` leaves of them.
    pub experiments: Store<DeserializeGuard<Experiment>>,
    /// Metadata of all runner pods, as watched.
    pub pods: Store<PartialObjectMeta<Pod>>,
    /// Publishes events. All passes share one recorder, since it folds repeated events into series.
    pub recorder: Recorder,
    /// Counters.
    pub metrics: Metrics,
    /// Tells other servers of runs.
    pub outbound: Outbound,
    /// Reads the logs of pods.
    pub log_follower: LogFollower,
    /// How many large specs are worked on at a time.
    pub room: Room,
    /// How much storage the journals take.
    pub journals: Budget,
    /// How long a failed experiment waits for its next pass.
    pub backoff: Backoff,
    /// Which passes may begin.
    pub workers: Workers,
    /// The last answers of the API server about rights.
    pub answers: Answers,
    /// Reads that passes share.
    pub memory: Memory,
    /// What the last pass saw of each run that goes on.
    pub followed: Followed,
    /// What was last told of the records that are ignored, by the uid of the experiment. No status remembers it.
    pub ignored: Arc<Remembered<String>>,
}

impl Context {
    /// Reads for a pass that was due at this time.
    #[must_use]
    pub const fn reads(&self, since: Instant) -> Reads<'_> {
        Reads::new(&self.cluster, &self.memory, since)
    }

    /// Counts a pass that has ended, and tells of it if its span is drawn.
    pub fn passed(&self, seen: &Experiment, took: Duration, failed: Option<Reason>) {
        self.metrics.reconciled(failed.is_none(), took);
        self.outbound.pass(|| PassSpan {
            experiment: seen.name().to_owned(),
            namespace: seen.namespace().to_owned(),
            uid: seen.uid().to_owned(),
            ended: clock::now(),
            took,
            failed: failed.map(Text::as_str),
        });
    }
}

/// The last answers of the API server about rights. `permit` asks the questions.
#[derive(Default)]
pub struct Answers {
    /// Whether a user has a right.
    pub reviews: Remembered<bool>,
    /// Since when a policy is bound as shipped, if it is.
    pub policies: Remembered<Option<Timestamp>>,
    /// The resources of an API group.
    pub served: Remembered<BTreeSet<String>>,
}

/// How long a pass waits for the first list of pods.
pub const FIRST_LIST: Duration = Duration::from_secs(1);

/// How often a teardown is checked if no event brings the next pass.
pub const TEARDOWN_RESYNC: Duration = Duration::from_secs(10);

/// The pause before a journal is requested again that could not be read.
pub const JOURNAL_RETRY: Duration = Duration::from_secs(2);

/// After how long a failure is told that is expected to pass by itself.
pub const LASTING: Duration = Duration::from_secs(30);

/// Requeues at a time, if there is one. Otherwise only a change brings the next pass.
#[must_use]
pub fn requeue_at(time: Option<Timestamp>, now: Timestamp) -> Wait {
    time.map_or_else(Wait::for_change, |time| Wait::at_most(clock::until(time, now)))
}
