//! The model of a report. It holds only what is shown: texts are bounded, free of control characters and redacted.

mod activity;
mod evaluation;
mod listed;
mod run;
mod series;

pub use activity::{Activity, ActivityKind, ActivityStatus, Pauses, Provider};
pub use evaluation::{Evaluation, Phase};
pub use listed::Listed;
pub use run::{Contribution, Declared, Evaluations, Level, Rescue, RollbackSummary, Run, Source, Toolkit};
pub use series::{Chart, Series};
