//! The termination message in which the runner reports a run.
//!
//! The kubelet copies [4,096 bytes] of it into the status of the pod, where they outlive the container. The runner
//! writes [`Running`](State::Running) before it starts the toolkit, and [`Ended`](State::Ended) after the toolkit has
//! ended.
//!
//! [4,096 bytes]: https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/

use serde::{Deserialize, Serialize};

use crate::{MAX_BYTES, Outcome, Refusal, RollbackState, Rollbacks, Summary, Warning};

/// The version of this format. There is only one so far.
pub const VERSION: u32 = 1;

/// The report of the runner.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// The version of this format. It marks the message as one of the runner.
    pub chaos_runner: u32,
    /// Whether the command still runs.
    pub state: State,
    /// The version of the Chaos Toolkit, if the runner found it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub toolkit: Option<String>,
    /// The rollback strategy on the toolkit's command line, whether the user or the runner put it there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback_strategy: Option<String>,
    /// The exit code of the runner: that of the command, or 128 plus the number of the signal that ended the command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The signal that ended the command, if a signal did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// The first signal that asked the runner to stop, such as `SIGTERM`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_by: Option<String>,
    /// Whether the runner held that signal back from the toolkit, because the rollbacks had already begun.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held_back: bool,
    /// Why the command could not be started, if the start failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_started: Option<String>,
    /// How the toolkit ended. `exit_code` and `signal` are those of the command, which can be another program that starts
    /// the toolkit. Absent if no start of the toolkit was seen, or if nobody saw its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub toolkit_end: Option<ToolkitEnd>,
    /// The subcommand of the toolkit, such as `validate`, if it was not told to run an experiment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subcommand: Option<String>,
    /// What the toolkit said if it ended without a journal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
    /// The starts of the toolkit, if there was not exactly one. The other fields are about the start with the worst
    /// outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts: Option<Starts>,
    /// The journal that the toolkit wrote, if it wrote one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal: Option<File>,
    /// The summary of the journal, if the journal could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
}

/// Whether the command still runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// The command runs, or the runner was killed before it could report the end.
    #[default]
    Running,
    /// The command has ended.
    Ended,
}

/// How the toolkit ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolkitEnd {
    /// Its exit code, or 128 plus the number of the signal that ended it.
    pub exit_code: i32,
    /// The signal that ended it, if a signal did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
}

/// The starts of the toolkit in one container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Starts {
    /// The number of starts of `chaos run` that the runner observed.
    pub total: u32,
    /// The number of other starts: the runner only saw them in the table of processes, or nobody saw how they ended.
    #[serde(default, skip_serializing_if = "crate::zero::is_zero")]
    pub unobserved: u32,
    /// The rollbacks of all starts, if the one with the worst outcome has no summary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollbacks: Option<Rollbacks>,
    /// The starts, in their order. The list is bounded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub list: Vec<Start>,
}

/// One start of the toolkit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Start {
    /// The number of the start. The first one has number 1.
    pub number: u32,
    /// The outcome of the run.
    pub outcome: Outcome,
    /// The warnings that qualify the outcome.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
    /// The exit code of the toolkit, or 128 plus the number of the signal that ended it. Absent if its end was not seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The state of the rollbacks.
    #[serde(default)]
    pub rollbacks: RollbackState,
    /// The title of the experiment, shortened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// The maximum length of the list of starts as JSON, in bytes. The summary needs the rest of the message.
const MAX_LIST_BYTES: usize = 1800;

impl Starts {
    /// Leaves out the titles if the list is too long, and then the starts with the best outcome, the last one first.
    fn shortened(&self) -> Self {
        let length = |starts: &Self| serde_json::to_string(starts).map_or(0, |text| text.len());
        let mut short = self.clone();
        if length(&short) > MAX_LIST_BYTES {
            for start in &mut short.list {
                start.title = None;
            }
        }
        while length(&short) > MAX_LIST_BYTES
            && let Some((best, _)) =
                short.list.iter().enumerate().max_by_key(|(_, start)| start.outcome.rank())
        {
            short.list.remove(best);
        }
        short
    }
}

/// The file that holds a journal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct File {
    /// The length of the file.
    pub bytes: u64,
    /// The SHA-256 of the file, in hex.
    pub sha256: String,
    /// Why the file could not be read as a journal, if reading failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl Message {
    /// Creates a message of this version.
    #[must_use]
    pub fn new(state: State) -> Self {
        Self { chaos_runner: VERSION, state, ..Self::default() }
    }

    /// Reads a termination message. Returns `None` if another program or another version wrote it, or if it is longer than
    /// [`MAX_BYTES`], which no kubelet keeps.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        if text.len() > MAX_BYTES {
            return None;
        }
        serde_json::from_str(text.trim()).ok().filter(|message: &Self| message.chaos_runner == VERSION)
    }

    /// Returns one line of JSON of at most [`MAX_BYTES`]. If the message is too long, the summary is shortened.
    #[must_use]
    pub fn to_json(&self) -> String {
        let bare = Self {
            not_started: self.not_started.as_deref().map(truncate),
            journal: self
                .journal
                .clone()
                .map(|file| File { problem: file.problem.as_deref().map(truncate), ..file }),
            toolkit: self.toolkit.as_deref().map(truncate),
            subcommand: self.subcommand.as_deref().map(truncate),
            refusal: self.refusal.clone().map(|refusal| Refusal { line: fitting(&refusal.line), ..refusal }),
            starts: self.starts.as_ref().map(Starts::shortened),
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

/// The text between the other fields and the summary.
const SUMMARY_KEY: &str = r#","summary":"#;

/// The maximum length of texts from elsewhere, in characters. An escaped character takes up to six bytes.
const MAX_TEXT_CHARS: usize = 100;

fn truncate(text: &str) -> String {
    text.chars().take(MAX_TEXT_CHARS).collect()
}

/// Shortens a text to the bytes of JSON that the other texts may have. So a plain text may have more characters than those.
fn fitting(text: &str) -> String {
    let mut room = 6 * MAX_TEXT_CHARS;
    let escaped = |letter: char| match letter {
        '"' | '\\' => 2,
        _ if letter.is_ascii_control() => 6,
        _ => letter.len_utf8(),
    };
    let mut fits = |letter: &char| {
        let rest = room.checked_sub(escaped(*letter));
        room = rest.unwrap_or_default();
        rest.is_some()
    };
    text.chars().take_while(|letter| fits(letter)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RefusalKind, Step, StepStatus};
    use proptest::prelude::*;

    fn full(text: &str, steps: usize) -> Message {
        let step = |index| Step { name: format!("{text}{index}"), status: StepStatus::Succeeded };
        Message {
            toolkit: Some(text.to_owned()),
            not_started: Some(text.to_owned()),
            subcommand: Some(text.to_owned()),
            refusal: Some(Refusal { kind: RefusalKind::ExtensionMissing, line: text.to_owned() }),
            starts: Some(Starts {
                total: u32::MAX,
                unobserved: 1,
                rollbacks: Some(Rollbacks::default()),
                list: vec![Start { title: Some(text.to_owned()), ..Start::default() }; steps.min(16)],
            }),
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
    fn a_plain_refusal_is_not_shortened() {
        let longest = "x".repeat(crate::refusal::MAX_LINE_BYTES);
        let line = |text: &str| Message::read(&full(text, 0).to_json()).unwrap().refusal.unwrap().line;
        assert_eq!(line(&longest), longest);
        assert_eq!(line(&"\u{1}".repeat(200)).len(), MAX_TEXT_CHARS);
    }

    #[test]
    fn the_worst_start_stays_in_the_list() {
        let warnings = vec![Warning::ActivityFailed, Warning::RollbackFailed, Warning::NoHypothesis];
        let start =
            |number, outcome| Start { number, outcome, warnings: warnings.clone(), ..Start::default() };
        let mut list: Vec<Start> = (1..16).map(|number| start(number, Outcome::Passed)).collect();
        list.push(start(77, Outcome::Deviated));
        let starts = Some(Starts { total: 100, list, ..Starts::default() });
        let line = Message { starts, ..Message::new(State::Ended) }.to_json();
        let kept = Message::read(&line).unwrap().starts.unwrap().list;
        let numbers: Vec<u32> = kept.iter().map(|start| start.number).collect();
        assert!(numbers.len() < 16 && numbers.starts_with(&[1, 2, 3]), "{numbers:?}");
        assert_eq!(numbers.last(), Some(&77));
    }

    #[test]
    fn other_messages_are_none() {
        for text in ["", "hello", "{}", r#"{"chaosRunner":2,"state":"ended"}"#, r#"{"chaosRunner":1}"#, "[1]"]
        {
            assert_eq!(Message::read(text), None, "{text}");
        }
        let padded = |length| format!("{:length$}", Message::new(State::Ended).to_json());
        assert!(Message::read(&padded(MAX_BYTES)).is_some());
        assert_eq!(Message::read(&padded(MAX_BYTES + 1)), None, "no kubelet keeps so much");
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
