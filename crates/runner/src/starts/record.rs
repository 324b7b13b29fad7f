//! How one start of the toolkit went.

use std::path::PathBuf;

use chaostoolkit_journal::message::File;
use chaostoolkit_journal::{Outcome, Refusal, RefusalKind, RollbackState, Summary};
use serde::{Deserialize, Serialize};

use crate::exit::Exit;
use crate::started::FileStamp;

/// How one start of the toolkit went, as its supervisor saw it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Record {
    /// The number of the start.
    pub number: u32,
    /// The process that supervised it: its id, and when it was started, as in [`Process`](crate::processes::Process).
    pub supervisor: Option<(i32, u64)>,
    /// The version of the toolkit.
    pub toolkit: Option<String>,
    /// The rollback strategy on the command line.
    pub rollback_strategy: Option<String>,
    /// The subcommand, if the toolkit was not told to run an experiment.
    pub subcommand: Option<String>,
    /// How the process ended. `None` if nobody saw its end.
    pub exit: Option<Exit>,
    /// Whether the toolkit was asked to stop.
    pub stopped: bool,
    /// Whether the toolkit was never started, because the run had been stopped before.
    pub skipped: bool,
    /// Whether the toolkit did not get the signal, because its rollbacks had already begun.
    pub held_back: bool,
    /// The path of the journal, if the user named it, and the state of that file when it was read. Only of the first start.
    pub journal_at: Option<(PathBuf, FileStamp)>,
    /// The journal, if the toolkit wrote one.
    pub journal: Option<File>,
    /// The summary of the journal, if it could be read.
    pub summary: Option<Summary>,
    /// What the toolkit said if it ended without a journal.
    pub refusal: Option<Refusal>,
}

impl Record {
    /// Returns whether nobody knows how this start went: its supervisor was killed, and no journal proves a bad outcome.
    pub fn is_unobserved(&self) -> bool {
        self.exit.is_none() && self.outcome() == Outcome::Unknown
    }

    /// Returns the outcome of this start.
    pub fn outcome(&self) -> Outcome {
        if let Some(summary) = &self.summary {
            // The toolkit exits with 0 after a run that passed.
            let is_contradicted = summary.outcome == Outcome::Passed && self.exit != Some(Exit::Code(0));
            return if is_contradicted { Outcome::Unknown } else { summary.outcome };
        }
        match self.exit {
            _ if self.stopped => Outcome::Interrupted,
            Some(Exit::Signal(_)) => Outcome::Error,
            None | Some(Exit::Code(0)) => Outcome::Unknown,
            Some(Exit::Code(_)) if self.journal.is_some() => Outcome::Unknown,
            Some(Exit::Code(_)) => match &self.refusal {
                Some(Refusal { kind: RefusalKind::ExperimentUnreachable, .. }) => Outcome::Error,
                _ => Outcome::Invalid,
            },
        }
    }

    /// Returns the state of the rollbacks of this start.
    pub fn rollbacks(&self) -> RollbackState {
        self.summary.as_ref().map_or(RollbackState::Unknown, |summary| summary.rollbacks.state)
    }
}
