//! From the spec of an experiment to the plan of a run.

pub mod observe;
pub mod plan;
pub mod templates;
