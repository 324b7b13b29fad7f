//! The model of a report. It holds only what is shown: texts are bounded, free of control characters and redacted.

mod activity;
mod declared;
mod evaluation;
mod listed;
mod run;
mod series;

pub use activity::{Activity, ActivityKind, ActivityStatus, Pauses, Provider};
pub use declared::{Contribution, Declared, Level};
pub use evaluation::{Evaluation, Evaluations, Phase};
pub use listed::Listed;
pub use run::{Rescue, RollbackSummary, Run, Source, Toolkit};
pub use series::{Chart, Series};
