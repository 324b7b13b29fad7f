//! The process: its settings, its signs of life, and who of several does the work. Knows nothing of experiments.

pub mod backoff;
pub mod clock;
pub mod config;
pub mod health;
pub mod leader;
pub mod metrics;
pub mod server;
pub mod telemetry;
