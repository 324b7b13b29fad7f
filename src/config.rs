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
}
