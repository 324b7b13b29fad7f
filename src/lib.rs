//! The Chaos Toolkit operator. It runs Chaos Toolkit experiments that are declared as `ChaosToolkitExperiment` objects, and
//! records the outcome of each run on the status of the object.
//!
//! ```text
//!  experiment ──observe──▶ Facts ──plan──▶ Plan ──build──▶ Resources ──create──▶ pod ──judge──▶ Verdict ──▶ status, events
//!              (client)           (pure)         (pure)              (client)         (client)           (pure, then a write)
//! ```
//!
//! A pass is level-triggered and goes in one direction. It derives the next step from the observed state, never from a
//! stored stage. See [`experiment`] for the pass and `docs/architecture.md` for the reasons.

#![cfg_attr(
    test,
    allow(clippy::needless_pass_by_value, reason = "tables of cases are easier to read with values")
)]

pub mod cli;
pub mod cluster;
pub mod commands;
pub mod controller;
pub mod experiment;
pub mod outbound;
pub mod process;
pub mod requests;
pub mod signals;
pub mod strategic;
pub mod toolkit;
pub mod yaml;
