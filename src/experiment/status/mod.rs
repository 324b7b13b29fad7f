//! From what happened to the next status and its events: pure.

mod accepted;
mod authorized;
pub mod counted;
mod draft;
mod end;
mod ended;
pub mod events;
mod held;
mod jobs;
pub mod new_runs;
mod permitted;
mod progress;
mod release;
mod requests;
pub mod rescue;
pub mod rescue_due;
pub mod rollbacks_missing;
pub mod run_events;
mod schedule;
mod stopped;
mod trusted;

pub use draft::Draft;
pub use schedule::MAX_HISTORY;
pub use trusted::trusted;

#[cfg(test)]
mod tests;
