//! From what happened to the next status and its events: pure.

mod draft;
pub mod events;
mod requests;
mod rescue;
mod schedule;

pub use draft::Draft;
pub use schedule::MAX_HISTORY;

#[cfg(test)]
mod tests;
