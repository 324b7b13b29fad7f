//! Knowledge about `chaos`, the command of the Chaos Toolkit.

pub mod lint;
pub mod options;
