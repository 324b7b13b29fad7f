//! What happens to an experiment, one file for each policy. `experiment/mod.rs` has their order.

pub mod abort;
pub mod adopt;
pub mod cron;
pub mod failure;
pub mod follow;
pub mod give_up;
pub mod helpers;
pub mod jobs;
pub mod let_go;
pub mod missed;
pub mod orphans;
pub mod prepare;
pub mod release;
pub mod rerun;
pub mod rescue;
pub mod restored;
pub mod retention;
pub mod schedule;
pub mod schedule_rerun;
pub mod stalled;
pub mod start;
pub mod suspend;
pub mod teardown;
pub mod times;
pub mod ttl;
pub mod unknown_fields;
