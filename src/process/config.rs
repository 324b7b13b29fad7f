//! Settings of the operator, checked once.

use std::time::Duration;

/// What the operator was told.
#[derive(Clone, Debug)]
pub struct Config {
    /// Its own namespace: experiments are watched there, and templates read from there.
    pub namespace: String,
    /// How many experiments are worked on at a time.
    pub concurrency: u16,
    /// How long a call to the API server may take.
    pub call_limit: Duration,
    /// How long the deletion of an experiment may be blocked before it is let go with what is left.
    pub cleanup_limit: Duration,
    /// What is put into pods to learn what their runs found.
    pub runner: Runner,
}

/// The image that [`Runner`] comes from, where nothing else is known: that of the release.
pub const RELEASED_IMAGE: &str = concat!("chaostoolkit/chaostoolkit-operator:", env!("CARGO_PKG_VERSION"));

/// How the runner gets into a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runner {
    /// The image that has it: the operator's own.
    pub image: String,
    /// When that is pulled, if not as Kubernetes does by default.
    pub pull_policy: Option<String>,
    /// Secrets of the run's namespace to pull it with.
    pub pull_secrets: Vec<String>,
    /// Whether it comes in a sidecar, which brings the journal as well, or in a plain init container.
    pub sidecar: bool,
    /// Whether the sidecar prints the journal.
    pub journal: bool,
}

impl Default for Runner {
    fn default() -> Self {
        Self {
            image: RELEASED_IMAGE.to_owned(),
            pull_policy: None,
            pull_secrets: Vec::new(),
            sidecar: true,
            journal: true,
        }
    }
}
