//! What a journal of the Chaos Toolkit says about a run: pure, without Kubernetes and without I/O.
//!
//! ```text
//!  journal.json ──parse──▶ Journal ──classify──▶ Verdict
//!                             └──────summary────▶ Summary ──to_json──▶ a termination message
//!  journal.json ──frame::write──▶ the log of a container ──frame::read──▶ journal.json.gz
//! ```
//!
//! The exit code of `chaos run` is not the outcome of the experiment: a baseline that was not met, an action that
//! failed and a deviation during the method can all exit with 0. The journal has what it takes, in all versions from
//! 1.0 to 1.21. Its format is documented with the [journal] and the [experiment] of the Chaos Toolkit.
//!
//! # Outcome
//! The first row that applies, top down. It is the order in which newer versions of the toolkit report a run.
//!
//! | outcome | when |
//! |---|---|
//! | [`Interrupted`](Outcome::Interrupted) | `status` is `interrupted`; or an activity failed by an interruption that an older version took for its failure |
//! | [`Aborted`](Outcome::Aborted) | `status` is `aborted` |
//! | [`Unknown`](Outcome::Unknown) | `status` is absent, or not one of the four words: what ranks higher cannot be ruled out |
//! | [`ProbeError`](Outcome::ProbeError) | a probe of the steady state, whenever it ran, did not succeed |
//! | [`BaselineNotMet`](Outcome::BaselineNotMet) | the steady state was not met before the method, whatever `status` says |
//! | [`Deviated`](Outcome::Deviated) | it was not met during or after the method; or `deviated` is true |
//! | [`Unknown`](Outcome::Unknown) | something that a run which passed always leaves in its journal is not there; see [`Doubt`] |
//! | [`Passed`](Outcome::Passed) | none of the above |
//!
//! [`Invalid`](Outcome::Invalid) and [`Error`](Outcome::Error) are for those who have no journal to read.
//!
//! A verdict is [conclusive](Verdict::conclusive) if it answers the question that the experiment asks: the system
//! passed or deviated, there was a hypothesis to judge it by, no activity of the method failed, and it was no dry run.
//!
//! # Where this is stricter than the toolkit
//! The toolkit's own report takes for passed whatever shows no sign of anything else. Here, a journal has to prove it:
//! each phase that was evaluated has to hold all declared probes, and at least one phase has to; the method has to
//! have run to its end; a failed activity has to say why. A hypothesis of which nothing was evaluated is
//! [`Unknown`](Outcome::Unknown), unless the experiment itself asks for the strategy `skip`: then nothing was judged,
//! which [`NoHypothesis`](Warning::NoHypothesis) says.
//!
//! # What a summary holds
//! Counts, words of fixed vocabularies, times, and three texts of the author: title, names of activities, and the
//! rollback strategy. Never an output, an argument, a configuration, a secret or the text of an exception: they are
//! not even kept while the journal is read. The toolkit itself fills in a title with variables, though, so a secret
//! that an author puts into the title is in it.
//!
//! [journal]: https://chaostoolkit.org/reference/api/journal/
//! [experiment]: https://chaostoolkit.org/reference/api/experiment/

mod classify;
mod field;
mod fit;
pub mod frame;
pub mod message;
mod model;
mod parse;
mod proof;
mod repair;
mod summary;
mod time;

pub use classify::{Outcome, Verdict, Warning, classify};
pub use fit::MAX_BYTES;
pub use model::{Journal, Status};
pub use parse::{Error, parse};
pub use proof::{Doubt, Phase};
pub use summary::{
    Activities, Experiment, RollbackState, Rollbacks, SteadyState, SteadyStates, Step, StepStatus, Summary,
    Toolkit,
};
