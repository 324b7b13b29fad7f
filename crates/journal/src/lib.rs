//! Reads journals of the Chaos Toolkit and judges the runs that wrote them. Knows nothing of Kubernetes and does no
//! I/O.
//!
//! ```text
//!  journal.json ──parse──▶ Journal ──classify──▶ Verdict ──rate──▶ one word ──exit_code──▶ a number
//!                             └──────summary────▶ Summary ──to_json──▶ a termination message
//!  journal.json ──frame::write──▶ the log of a container ──frame::read──▶ journal.json.gz
//! ```
//!
//! The exit code of `chaos run` does not show the outcome of the experiment. It can be 0 if the baseline was not met,
//! if an action failed, or if the system deviated during the method. The journal shows the outcome, in all versions
//! from 1.0 to 1.21. The Chaos Toolkit documents the format of the [journal] and of the [experiment].
//!
//! # Outcome
//! The first row that applies, from top to bottom, is the outcome. Newer versions of the toolkit report a run in the
//! same order, with one [exception](#differences-from-the-toolkit).
//!
//! | outcome | when |
//! |---|---|
//! | [`Interrupted`](Outcome::Interrupted) | `status` is `interrupted`; or an older version recorded an interruption as the failure of an activity |
//! | [`Aborted`](Outcome::Aborted) | `status` is `aborted` |
//! | [`Unknown`](Outcome::Unknown) | `status` is absent, or not one of the four words, so the rows above cannot be ruled out |
//! | [`Deviated`](Outcome::Deviated) | a probe of the hypothesis did not succeed, the baseline was met, and `deviated` is true. The verdict has the warning [`ProbeFailed`](Warning::ProbeFailed) |
//! | [`ProbeError`](Outcome::ProbeError) | a probe of the hypothesis did not succeed, in any phase |
//! | [`BaselineNotMet`](Outcome::BaselineNotMet) | the steady state was not met before the method, with any `status` |
//! | [`Deviated`](Outcome::Deviated) | the steady state was not met during or after the method; or `deviated` is true |
//! | [`Unknown`](Outcome::Unknown) | the journal lacks something that every passed run leaves there; see [`Doubt`] |
//! | [`Passed`](Outcome::Passed) | none of the above |
//!
//! No journal shows [`Invalid`](Outcome::Invalid) or [`Error`](Outcome::Error). The caller sets them if there is no
//! journal.
//!
//! A verdict is [conclusive](Verdict::conclusive) if it answers the question that the experiment asks. All of these
//! hold then:
//! - the outcome is passed or deviated
//! - there was a hypothesis to judge the system by
//! - no activity of the method failed
//! - the run was not a dry run
//! - each probe of the hypothesis could be executed
//!
//! # Differences from the toolkit
//! The toolkit's own report counts a run as passed if nothing in the journal indicates another outcome. This crate is
//! stricter: the journal has to prove that the run passed.
//! - Each phase that was evaluated has to contain all declared probes, and at least one phase has to be evaluated.
//! - The method has to have run to its end.
//! - Each failed activity has to say why it failed.
//!
//! If there is a hypothesis that was never evaluated, the outcome is [`Unknown`](Outcome::Unknown). The exception is an
//! experiment that itself asks for the strategy `skip`. The verdict then carries the warning
//! [`NoHypothesis`](Warning::NoHypothesis), since nothing was judged.
//!
//! The toolkit has two opinions on a run whose baseline was met and in which a probe fails after that, for example
//! because the system refuses connections. Its log and its journal say that the system deviated. The classifier of 1.21
//! says `probe-error`. This crate goes by the journal, for these reasons:
//! - A system that cannot be reached any more is the commonest way to deviate. The probe could be executed before the
//!   method, so the probe itself is sound.
//! - All versions write `deviated`, and people know the word from the log.
//!
//! It is not certain, since the probe may have failed for a reason of its own. So the verdict is not conclusive, and has
//! the warning [`ProbeFailed`](Warning::ProbeFailed). If the baseline was not evaluated or could not be evaluated, or
//! `deviated` is not true, the outcome is [`ProbeError`](Outcome::ProbeError), as in the classifier.
//!
//! # Contents of a summary
//! A summary holds counts, words of fixed vocabularies, times, and three texts of the author: the title, the names of
//! activities, and the rollback strategy. It never holds an argument, a configuration or a secret. The toolkit, however,
//! substitutes variables in the title. A secret that an author puts into the title is therefore in the summary.
//!
//! The [`Detail`] holds the beginning of one output and of one tolerance, or of one exception: those of the activity that
//! decided the run. As JSON, it has at most 200 bytes. If there is no room, it is left out after the steps and the title.
//! All values are cut while they are read. Outputs, tolerance and exception are left out in these cases:
//! - The experiment declares `secrets`. An activity may return any of them.
//! - A part would quote a literal text of `configuration` with 4 characters or more, or the configuration is too large
//!   or too deep to compare.
//!
//! A [`Forbidden`] is a right that an activity lacked: the account, the verb, the resource, the name and the namespace, as the
//! API server names them. Only texts in the form of its sentence are read, and only what a name may have. Values of the
//! configuration are not left out there, since most namespaces and names come from it. A run that lacked a right has the
//! warning [`ActivityForbidden`](Warning::ActivityForbidden). It changes neither the outcome nor whether it is conclusive.
//!
//! Paths and queries of URLs are always left out. A value of the environment that only `configuration` refers to is not
//! in the journal, so nothing can recognize it.
//!
//! [journal]: https://chaostoolkit.org/reference/api/journal/
//! [experiment]: https://chaostoolkit.org/reference/api/experiment/

mod classify;
mod decisive;
mod declared;
mod detail;
mod entry;
mod exit_code;
mod field;
mod fit;
mod folded;
mod forbidden;
pub mod frame;
mod limited;
pub mod message;
mod method;
mod model;
mod outcome;
mod parse;
mod proof;
mod redact;
mod refusal;
mod repair;
mod result;
mod shown;
mod step;
mod strategy;
mod summary;
mod time;
mod timeline;
mod zero;

pub use classify::{Verdict, classify};
pub use detail::{Detail, Place};
pub use exit_code::{ExitCode, exit_code};
pub use fit::MAX_BYTES;
pub use forbidden::{Forbidden, Scope};
pub use model::{Journal, Status};
pub use outcome::{Outcome, Warning};
pub use parse::{Error, as_json, parse, read};
pub use proof::{Doubt, Phase};
pub use redact::redact;
pub use refusal::{Refusal, RefusalKind, without_urls};
pub use result::{Rating, RunResult, rate};
pub use step::{Step, StepStatus};
pub use strategy::{HypothesisStrategy, RollbackStrategy};
pub use summary::{
    Activities, Experiment, RollbackState, Rollbacks, SteadyState, SteadyStates, Summary, Toolkit,
};
pub use timeline::{Evaluated, MAX_ACTIVITIES, Played, Timeline};
