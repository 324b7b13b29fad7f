//! Reports on runs of Chaos Toolkit experiments. Has no client and does no I/O.
//!
//! ```text
//!  journal ──Run::from_journal──▶ Run ─┐
//!  ConfigMap ──Run::from_config_map──▶ ├──join──▶ Report ──render──▶ terminal, Markdown, HTML, JUnit, CTRF, JSON
//!  experiment ──Run::from_status─────▶ ┘
//! ```
//!
//! The verdict on a run is that of [`chaostoolkit_journal`], or that of the operator on the status. This crate has no rules
//! of its own about it.
//!
//! # Use
//! ```
//! use chaostoolkit_report::{Format, Options, Report, Run, Style, render};
//!
//! # let bytes = br#"{"status": "interrupted", "experiment": {"title": "a test"}, "run": []}"#;
//! let run = Run::from_journal("journal.json", bytes, Options { outputs: false })?;
//! let report = Report::new(vec![run]);
//! let text = render(&report, Format::Terminal, Style { width: 80, color: false })?;
//! assert!(text.contains("Interrupted"));
//! # Ok::<(), chaostoolkit_report::Error>(())
//! ```
//!
//! - [`Run::from_journal`] reads a file, plain or compressed with gzip. [`Run::from_config_map`] reads a journal that the
//!   operator keeps. [`Run::from_status`] reads all runs of an experiment, also those without a journal.
//! - [`join()`] joins them: a run of a status with its journal.
//! - [`Report::new`] makes a report of runs in their order, with a comparison if there are several.
//! - [`render()`] writes it in a [`Format`], whose text (`markdown`) is that of the flag `-o`. [`terminal::run`] writes a
//!   single run as a tree, and [`terminal::diff`] what changed between two of them.
//! - [`Overview::of`] reads what the status says besides its runs, such as the schedule. [`terminal::overview`] writes it with a
//!   run, in at most 40 lines.
//!
//! # What is left out
//! Outputs, arguments, the configuration and most of an exception are left out while a journal is read, unless
//! [`Options::outputs`] asks for them. So no format can show them by mistake. Literal values of `secrets` are replaced in any
//! case, and so is what has the form of a secret ([`chaostoolkit_journal::redact`]). A secret from a variable or a vault is
//! not in the journal, so nothing can recognize it in an output.
//!
//! # Limits
//! Journals and statuses are not trusted. All lists and texts of the model are bounded, and control characters are
//! removed when they are read. Each writer escapes what its format needs.
//!
//! [`text`] and [`times`] put texts, numbers and times into words. `kubectl chaostoolkit` uses them for all that it prints.

mod bounded;
mod cases;
mod chart;
mod comparison;
mod config_map;
pub mod ctrf;
mod error;
mod facts;
pub mod html;
mod join;
mod journal;
pub mod json;
pub mod junit;
mod mark;
pub mod markdown;
mod model;
mod options;
mod overview;
mod redact;
mod render;
mod report;
mod status;
pub mod terminal;
pub mod text;
pub mod times;

pub use comparison::{Change, Changed, Comparison, Contributed, Contributions, Row, changes, totals};
pub use error::Error;
pub use join::join;
pub use journal::MAX_JOURNAL;
pub use mark::Mark;
pub use model::{
    Activity, ActivityKind, ActivityStatus, Chart, Contribution, Declared, Evaluation, Evaluations, Level,
    Listed, Pauses, Phase, Provider, Rescue, RollbackSummary, Run, Series, Source, Toolkit,
};
pub use options::{Format, Options, Style};
pub use overview::{Note, Overview, Schedule};
pub use render::render;
pub use report::Report;
