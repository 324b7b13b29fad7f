//! The subcommands of the program, one file for each.

pub mod cleanup;
pub mod crd;
pub mod fields_policy;
pub mod journal;
mod output;
pub mod render;
pub mod run;
