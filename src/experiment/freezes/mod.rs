//! Freezes: what keeps runs from starting, and can stop those that go on.
//!
//! [`over`] decides which freeze counts for a run. [`known`] has the freezes as watched. [`report`] writes their statuses.

pub mod known;
pub mod over;
pub mod report;
