//! What to say about objects, and what to make of files: pure. Nothing here reads a file, a clock or the network.

pub mod allow;
pub mod complete;
pub mod due;
pub mod ended;
pub mod explained;
pub mod file;
pub mod hindrance;
pub mod log_line;
pub mod moved;
pub mod object;
pub mod runs;
pub mod select;
pub mod verbs;
pub mod waited;
