//! What the world around an operator does to it, case by case, against a real API server and controller manager without
//! a node. The list of cases, and which test has which, is in docs/reliability.md.

#![allow(missing_docs)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests panic to fail"
)]

mod again;
#[path = "../common/mod.rs"]
mod common;
mod crowd;
mod edits;
mod forced;
mod garbage;
mod outages;
mod owners;
mod refusal;
mod rights;
mod schedules;
mod specs;
mod squatters;
mod watched;
