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

pub mod api;
pub mod backoff;
pub mod cli;
pub mod client;
pub mod clock;
pub mod cluster;
pub mod config;
pub mod depth;
pub mod experiment;
pub mod health;
pub mod journal;
pub mod leader;
pub mod metrics;
pub mod names;
pub mod own;
pub mod reason;
pub mod render;
pub mod runtime;
pub mod server;
pub mod telemetry;
pub mod uninstall;
pub mod watch;
pub mod yaml;
