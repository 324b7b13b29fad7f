//! Cases of what can happen around an operator, against a real API server and controller manager without a node.
//! docs/reliability.md lists the cases and their tests.

#![allow(missing_docs)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests fail by a panic"
)]

mod again;
mod authors;
mod chosen;
#[path = "../common/mod.rs"]
mod common;
mod crowd;
mod edits;
mod forced;
mod forgeries;
mod freezes;
mod garbage;
mod held;
mod mutexes;
mod outages;
mod own_namespace;
mod owners;
mod refusal;
mod rights;
mod schedules;
mod signals;
mod specs;
mod squatters;
mod stalled;
mod targets;
mod tenants;
mod watched;
