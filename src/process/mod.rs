//! The process: settings, health, leader election, metrics and logs. Knows nothing of experiments.

pub mod backoff;
pub mod bell;
pub mod clock;
pub mod config;
pub mod extensions;
pub mod health;
pub mod key_list;
pub mod leader;
pub mod metrics;
pub mod nonce;
pub mod remembered;
pub mod resources;
pub mod room;
pub mod server;
pub mod telemetry;
pub mod workers;
