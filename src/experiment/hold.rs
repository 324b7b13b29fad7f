//! What keeps a run from starting for now.
//!
//! Nobody has failed, and nobody has to act: the run starts once the hold is over. That tells it from an error, which somebody
//! has to correct.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;

use crate::experiment::wait::Wait;
use crate::process::clock;
use chaostoolkit_api::reason::Reason;

/// What keeps a run from starting for now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The reason in one word.
    pub reason: Reason,
    /// The reason in a sentence, for people. It does not change while the hold lasts, since each change is a write.
    pub message: String,
    /// When the hold is over, if that is known.
    pub until: Option<Timestamp>,
    /// After how long to look again, if a change may bring no pass.
    pub again: Option<Duration>,
}

impl Hold {
    /// What a run waits for that is held: a change, or the end of the hold.
    #[must_use]
    pub fn wait(&self, now: Timestamp) -> Wait {
        // The clocks differ by a second or so, and a pass that comes too early finds the same.
        let until = self.until.map(|until| clock::until(until, now) + MARGIN);
        until.into_iter().chain(self.again).min().map_or_else(Wait::for_change, Wait::at_most)
    }
}

/// Why a run that was to start does not take place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// The reason in one word.
    pub reason: Reason,
    /// The reason in a sentence, for people.
    pub message: String,
    /// Whether that counts as a failure. Otherwise the run is skipped.
    pub is_failure: bool,
}

const MARGIN: Duration = Duration::from_secs(1);
