//! The model of a report. It holds only what is shown: texts are bounded, free of control characters and redacted.

mod activity;
mod declared;
mod evaluation;
mod listed;
mod parts;
mod run;
mod series;

pub use activity::{Activity, ActivityKind, ActivityStatus, Pauses, Provider};
pub use declared::{Contribution, Declared, Level};
pub use evaluation::{Evaluation, Evaluations, Phase};
pub use listed::Listed;
pub use parts::{Rescue, RollbackSummary, Source, Toolkit};
pub use run::Run;
pub use series::{Chart, Series};
