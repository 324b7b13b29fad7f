//! The Chaos Toolkit operator: runs Chaos Toolkit experiments that are declared as `ChaosToolkitExperiment` objects,
//! and puts the truth about each run on the object's status.
//!
//! ```text
//!  experiment ──observe──▶ facts ──plan──▶ Plan ──build──▶ Resources ──apply──▶ pod ──report──▶ status, events, metrics
//!              (client)           (pure)         (pure)              (client)        (pure, then one write)
//! ```
//!
//! One direction, one pass, level-triggered: what to do is derived from what is observed, never from a stored stage.
//! See [`experiment`] for the pass and `docs/architecture.md` for the reasons.

#![cfg_attr(
    test,
    allow(clippy::needless_pass_by_value, reason = "tables of cases are easier to read with values")
)]

pub mod cli;
pub mod cluster;
pub mod commands;
pub mod controller;
pub mod experiment;
pub mod process;
pub mod toolkit;
pub mod yaml;
