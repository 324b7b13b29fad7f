//! The objects of a run at the API server: how they are created, found, changed and deleted.

pub mod create;
pub mod cron_job;
pub mod delete;
pub mod events;
pub mod held;
pub mod image_volumes;
pub mod jobs;
pub mod namespaces;
pub mod pages;
pub mod pods;
pub mod pull_secrets;
pub mod references;
pub mod rights;
pub mod rule;
