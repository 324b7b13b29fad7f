//! The starts of the toolkit in this container: which run, and how each of them ended.
//!
//! A start has a number. The first [`MAX_STARTS`](registry::MAX_STARTS) starts have a directory of their own, with the journal and a record. The
//! others share one record, which holds the worst of them, so that a loop without end cannot fill the volume.

pub mod merge;
mod record;
mod registry;

pub use record::Record;
pub use registry::{Registration, complete, look_again, recorded, registered};
