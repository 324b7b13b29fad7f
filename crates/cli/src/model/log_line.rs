//! What a line in the log of the Chaos Toolkit says, and which lines are part of a journal.

use chaostoolkit_report::text::{one_line, plain};

/// What the toolkit says that it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// It begins an activity: `probe` or `action`, and the name.
    Activity(&'static str, String),
    /// It begins the rollback of this name.
    Rollback(String),
    /// It evaluates the hypothesis.
    Hypothesis,
    /// It says something else, such as that the hypothesis is met.
    Says(String),
}

/// Returns the words of a log line without its time and level, if it is at least an information.
fn words(line: &str) -> Option<&str> {
    let (head, words) = line.strip_prefix('[')?.split_once("] ")?;
    ["INFO", "WARNING", "ERROR", "CRITICAL"].iter().any(|level| head.ends_with(level)).then_some(words)
}

/// Reads a line of the log. Returns `None` if it tells nothing about the progress of a run.
#[must_use]
pub fn step(line: &str) -> Option<Step> {
    let line = one_line(line);
    let words = words(&line)?;
    let name = |prefix: &str| words.strip_prefix(prefix).map(|name| name.trim().to_owned());
    if let Some(name) = name("Probe: ") {
        return Some(Step::Activity("probe", name));
    }
    if let Some(name) = name("Action: ") {
        return Some(Step::Activity("action", name));
    }
    if let Some(name) = name("Rollback: ") {
        return Some(Step::Rollback(name));
    }
    if words.starts_with("Steady state hypothesis: ") {
        return Some(Step::Hypothesis);
    }
    let is_told = |beginning: &&str| words.starts_with(*beginning);
    let told = [
        "Steady state hypothesis is met",
        "Let's rollback",
        "No rollbacks",
        "Pausing ",
        "Experiment ended with status",
        "The steady-state has deviated",
        "Received the ",
        "Playing your experiment's method",
    ];
    told.iter().any(is_told).then(|| Step::Says(words.to_owned()))
}

/// Returns a line of a log as it may go to a terminal. Spaces stay, such as those of an indented traceback.
#[must_use]
pub fn shown(line: &str) -> String {
    plain(line).replace('\n', " ")
}

/// Where a line of a log stands: outside of a journal, or in one.
#[derive(Debug, Default)]
pub struct Frames {
    is_inside: bool,
}

/// How the first line of a journal in a log begins: see `chaostoolkit_journal::frame`.
const FIRST: &str = "chaostoolkit-journal {";
/// The last line of a journal in a log.
const LAST: &str = "chaostoolkit-journal-end";
/// The longest line of a journal.
const LONGEST: usize = 4096;

impl Frames {
    /// Whether a line may be shown, since it is no part of a journal.
    pub fn shows(&mut self, line: &str) -> bool {
        let line = line.trim_end_matches('\r');
        if line.starts_with(FIRST) {
            // Without lines of its own, a journal has no last line either.
            self.is_inside = !line.contains("\"none\":");
            return false;
        }
        if !self.is_inside {
            return line != LAST;
        }
        let is_base64 = |letter: u8| letter.is_ascii_alphanumeric() || b"+/=".contains(&letter);
        // A journal that was cut short ends with the first line that cannot be a part of it.
        self.is_inside = line != LAST && line.len() <= LONGEST && line.bytes().all(is_base64);
        !self.is_inside && line != LAST
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chaostoolkit_journal::frame;
    use proptest::prelude::*;
    use rstest::rstest;
    use std::io::Cursor;

    #[rstest]
    #[case("[2026-11-26 01:43:22 INFO] Action: kill-a-pod", Some(Step::Activity("action", "kill-a-pod".to_owned())))]
    #[case("[2026-11-26 01:43:22 INFO] Probe: a-pod-is-missing", Some(Step::Activity("probe", "a-pod-is-missing".to_owned())))]
    #[case("\u{1b}[32m[2026-11-26 01:43:22 INFO]\u{1b}[0m Action: x\u{1b}[2J", Some(Step::Activity("action", "x".to_owned())))]
    #[case("[2026-11-26 01:43:22 INFO] Rollback: back", Some(Step::Rollback("back".to_owned())))]
    #[case("[2026-11-26 01:43:22 INFO] Steady state hypothesis: All is well", Some(Step::Hypothesis))]
    #[case("[2026-11-26 01:43:22 INFO] Steady state hypothesis is met!", Some(Step::Says("Steady state hypothesis is met!".to_owned())))]
    #[case("[2026-11-26 01:43:22 DEBUG] Action: x", None)]
    #[case("[2026-11-26 01:43:22 INFO] Validating the experiment's syntax", None)]
    #[case("Action: x", None)]
    #[case("", None)]
    fn lines(#[case] line: &str, #[case] expected: Option<Step>) {
        assert_eq!(step(line), expected);
    }

    fn shown(log: &str) -> Vec<&str> {
        let mut frames = Frames::default();
        log.lines().filter(|line| frames.shows(line)).collect()
    }

    #[test]
    fn a_journal_in_a_log_is_hidden_and_nothing_else() {
        let mut log = b"before\n".to_vec();
        let journal: Vec<u8> =
            format!("{{\"status\": \"completed\", \"x\": \"{}\"}}", "7".repeat(40_000)).into_bytes();
        frame::write(&mut Cursor::new(journal), &mut log).unwrap();
        log.extend(b"after\n");
        let log = String::from_utf8(log).unwrap();
        assert!(log.lines().count() > 3);
        assert_eq!(shown(&log), ["before", "after"]);
        let cut = log.replace("chaostoolkit-journal-end\n", "");
        assert_eq!(shown(&cut), ["before"], "nobody can tell the word after it from base64");
        assert_eq!(shown(&cut.replace("after", "what comes after it")), ["before", "what comes after it"]);
    }

    proptest! {
        #[test]
        fn no_log_is_too_odd(log in "\\PC{0,60}|(chaostoolkit-journal \\{|chaostoolkit-journal-end|[a-z]{1,4}\n){0,9}") {
            let _ = shown(&log);
            let _ = log.lines().map(step).collect::<Vec<_>>();
        }
    }
}
