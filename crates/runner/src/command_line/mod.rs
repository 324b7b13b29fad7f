//! The command line of the toolkit: what it means, and what is added to it.

pub mod args;
pub mod edit;
mod experiment;
pub mod version;
mod yaml;
