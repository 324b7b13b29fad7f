//! Knowledge about `chaos`, the command of the Chaos Toolkit.

pub mod lint;
pub mod options;
pub mod preflight;
pub mod rights;
pub mod rollback_time;
