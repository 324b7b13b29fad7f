//! How data, progress and hints are printed.

pub mod file;
pub mod objects;
pub mod progress;
pub mod style;
pub mod table;
pub mod ui;
