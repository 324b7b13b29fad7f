//! What the runner leaves as the termination message of its container: the word about a run from whoever started it.
//!
//! The kubelet keeps [4,096 bytes] of it and puts them on the status of the pod, where they outlive the container. The
//! runner writes it twice: [`Running`](State::Running) before it starts the toolkit, [`Ended`](State::Ended) after.
//!
//! [4,096 bytes]: https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/

use serde::{Deserialize, Serialize};

use crate::{MAX_BYTES, Summary};

/// The only version of this format so far.
pub const VERSION: u32 = 1;

/// What the runner says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Version of this format: proof that it is one of ours.
    pub chaos_runner: u32,
    /// How far the runner has come.
    pub state: State,
    /// The version of the Chaos Toolkit, if the runner found it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub toolkit: Option<String>,
    /// The rollback strategy on the toolkit's command line, whoever put it there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback_strategy: Option<String>,
    /// The code that the runner exits with: that of the command, or 128 and the number of the signal that ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The signal that ended the command, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// The first signal that asked the runner to stop, such as `SIGTERM`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_by: Option<String>,
    /// Whether that signal came when the rollbacks were being played already, and was kept from the toolkit for that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held_back: bool,
    /// Why the command could not be started, if it could not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_started: Option<String>,
    /// The journal that the toolkit wrote, if it wrote one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal: Option<File>,
    /// What the journal says, if it could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
}

/// How far the runner has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// The command runs, or the runner was ended before it could say more.
    #[default]
    Running,
    /// The command has ended.
    Ended,
}

/// The file of a journal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct File {
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of it, in hex.
    pub sha256: String,
    /// Why it is not readable as a journal, if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl Message {
    /// A message of this version.
    #[must_use]
    pub fn new(state: State) -> Self {
        Self { chaos_runner: VERSION, state, ..Self::default() }
    }

    /// Reads a termination message. `None` is one of somebody else's making.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text.trim()).ok().filter(|message: &Self| message.chaos_runner == VERSION)
    }

    /// One line of JSON of at most [`MAX_BYTES`]. The summary gives way where there is not enough room.
    #[must_use]
    pub fn to_json(&self) -> String {
        let bare = Self {
            not_started: self.not_started.as_deref().map(truncate),
            journal: self
                .journal
                .clone()
                .map(|file| File { problem: file.problem.as_deref().map(truncate), ..file }),
            toolkit: self.toolkit.as_deref().map(truncate),
            summary: None,
            ..self.clone()
        };
        let text = serde_json::to_string(&bare).unwrap_or_default();
        let Some(summary) = &self.summary else { return text };
        let room = MAX_BYTES.saturating_sub(text.len() + SUMMARY_KEY.len());
        let summary = summary.to_json(room);
        match text.strip_suffix('}') {
            Some(open) => format!("{open}{SUMMARY_KEY}{summary}}}"),
            None => text,
        }
    }
}

/// What goes between the rest and the summary.
const SUMMARY_KEY: &str = r#","summary":"#;

/// The texts of others in a message have at most this many characters: escaped, six times as many bytes.
const MAX_TEXT_CHARS: usize = 100;

fn truncate(text: &str) -> String {
    text.chars().take(MAX_TEXT_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Outcome, Step, StepStatus};
    use proptest::prelude::*;

    fn full(text: &str, steps: usize) -> Message {
        let step = |index| Step { name: format!("{text}{index}"), status: StepStatus::Succeeded };
        Message {
            toolkit: Some(text.to_owned()),
            not_started: Some(text.to_owned()),
            journal: Some(File { bytes: u64::MAX, sha256: "f".repeat(64), problem: Some(text.to_owned()) }),
            summary: Some(Summary {
                outcome: Outcome::Deviated,
                steps: (0..steps).map(step).collect(),
                ..Summary::default()
            }),
            ..Message::new(State::Ended)
        }
    }

    #[test]
    fn messages_survive_a_round_trip() {
        for message in [Message::new(State::Running), full("x", 3)] {
            assert_eq!(Message::read(&message.to_json()), Some(message));
        }
    }

    #[test]
    fn other_messages_are_none() {
        for text in ["", "hello", "{}", r#"{"chaosRunner":2,"state":"ended"}"#, r#"{"chaosRunner":1}"#, "[1]"]
        {
            assert_eq!(Message::read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_message_fits_and_keeps_the_outcome(text in "\\PC{0,300}", steps in 0_usize..300) {
            let line = full(&text, steps).to_json();
            prop_assert!(line.len() <= MAX_BYTES);
            let back = Message::read(&line).unwrap();
            prop_assert_eq!(back.summary.unwrap().outcome, Outcome::Deviated);
        }
    }
}
