//! Whose experiments are shown: those of the process that leads, once its caches are full.

use std::fmt;

use kube::core::DeserializeGuard;
use kube::runtime::reflector::Store;

use crate::process::health::Health;
use crate::process::leader::term::Leadership;
use chaostoolkit_api::Experiment;

/// The experiments, while this process shows them.
#[derive(Clone)]
pub struct Shown {
    /// The experiments as watched.
    pub experiments: Store<DeserializeGuard<Experiment>>,
    /// Whether this process leads.
    pub leadership: Leadership,
    /// Whether the caches are full.
    pub health: Health,
}

impl Shown {
    /// The experiments, if they are to be shown.
    #[must_use]
    pub fn experiments(&self) -> Option<&Store<DeserializeGuard<Experiment>>> {
        (self.leadership.holds() && self.health.ready().is_ok()).then_some(&self.experiments)
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shown").finish_non_exhaustive()
    }
}
