//! The keys of an experiment that the toolkit knows.

pub(super) const HYPOTHESIS: &str = "steady-state-hypothesis";

pub(super) const EXPERIMENT: &[&str] = &[
    "version",
    "title",
    "description",
    "tags",
    "contributions",
    "configuration",
    "secrets",
    "controls",
    "extensions",
    "runtime",
    HYPOTHESIS,
    "method",
    "rollbacks",
    "dry",
    "$schema",
];
/// The keys whose value the toolkit reads without a check for null.
pub(super) const NEVER_NULL: &[&str] = &["configuration", "secrets", "controls", HYPOTHESIS, "rollbacks"];
pub(super) const STEADY_STATE: &[&str] = &["title", "probes", "controls"];
pub(super) const RUNTIME: &[&str] = &["hypothesis", "rollbacks", "python"];
pub(super) const STRATEGY: &[&str] = &["strategy"];
pub(super) const PYTHON: &[&str] = &["dependencies", "isolated", "version"];
pub(super) const ACTIVITY: &[&str] = &[
    "type",
    "name",
    "ref",
    "provider",
    "tolerance",
    "timeout",
    "pauses",
    "background",
    "controls",
    "dry",
    "configuration",
    "secret",
    "secrets",
];
pub(super) const PROVIDER: &[&str] = &[
    "type",
    "module",
    "func",
    "arguments",
    "secrets",
    "path",
    "url",
    "method",
    "headers",
    "expected_status",
    "verify_tls",
    "max_retries",
    "timeout",
];
pub(super) const PAUSES: &[&str] = &["before", "after"];
