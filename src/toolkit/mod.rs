//! What is known of `chaos`, the command of the Chaos Toolkit.

pub mod lint;
pub mod options;
