//! The operator with its policies about authors, as they are shipped: those that judge and the one that stamps are bound for the
//! whole cluster, and the operator has its own rights. The API server and the controllers of Kubernetes are real.

#![allow(missing_docs)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests fail by a panic"
)]

mod asked_again;
#[path = "../common/mod.rs"]
mod common;
mod golden;
mod policed;
mod runs;
mod schedule;
mod takeover;
mod uninstall;
