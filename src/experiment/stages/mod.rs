//! What happens to an experiment, one file for each policy.

pub mod adopt;
pub mod orphans;
pub mod rescue;
pub mod retention;
pub mod schedule;
pub mod start;
pub mod teardown;
