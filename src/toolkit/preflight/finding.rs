//! What a preflight finds.

use std::fmt::{self, Display};

/// How many findings are listed. All of them share the message of one condition.
pub const MOST: usize = 10;

/// The kinds of findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A key that decides on the run is misspelled, so the toolkit ignores it.
    KeyMisspelled,
    /// The image lacks the module of an activity.
    ModuleMissing,
    /// The last run did not find a module in the image. The image may be another one by now.
    ModuleNotFound,
    /// Nothing gives a variable.
    VariableMissing,
    /// The account lacks a right that an activity needs.
    RightMissing,
    /// A `ConfigMap` lacks a key, or does not exist.
    KeyMissing,
}

impl Kind {
    /// Whether a finding may keep the run from starting. What an earlier run has found may not: no run would find out that it is
    /// mended.
    #[must_use]
    pub const fn is_certain(self) -> bool {
        !matches!(self, Self::ModuleNotFound)
    }

    /// Whether the check of the keys of an experiment says the same.
    #[must_use]
    pub const fn is_told_by_lint(self) -> bool {
        matches!(self, Self::KeyMisspelled)
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its kind.
    pub kind: Kind,
    /// Where it is in the experiment, such as `method[0].provider.module`. Its length is bounded.
    pub path: String,
    /// What is wrong, and what to do about it.
    pub message: String,
}

impl Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.path, self.message)
    }
}

/// What is wrong with an experiment, at most [`MOST`] things.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// The first ones.
    pub list: Vec<Finding>,
    /// How many more there are.
    pub left_out: usize,
}

impl Findings {
    /// Adds a finding.
    pub fn add(&mut self, kind: Kind, path: impl Into<String>, message: impl Into<String>) {
        if self.list.len() < MOST {
            self.list.push(Finding { kind, path: path.into(), message: message.into() });
        } else {
            self.left_out += 1;
        }
    }

    /// Returns the findings as warnings, without those that the check of the keys names as well.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let told = self.list.iter().filter(|finding| !finding.kind.is_told_by_lint());
        let more = (self.left_out > 0).then(|| format!("preflight: and {} more", self.left_out));
        told.map(|finding| format!("preflight: {finding}")).chain(more).collect()
    }

    /// Returns what keeps the run from starting, in words.
    #[must_use]
    pub fn refusal(&self) -> Option<String> {
        let certain: Vec<String> =
            self.list.iter().filter(|one| one.kind.is_certain()).map(ToString::to_string).collect();
        let more = if self.left_out > 0 { format!("; and {} more", self.left_out) } else { String::new() };
        (!certain.is_empty()).then(|| format!("{}{more}", certain.join("; ")))
    }
}
