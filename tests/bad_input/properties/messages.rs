//! A termination message as whatever runs in the container may write it.

use chaostoolkit_journal::message::{Message, State};
use chaostoolkit_journal::{MAX_BYTES, Outcome};
use chaostoolkit_operator::experiment::judge::evidence::Evidence;

use super::{end, record};

/// Checks a message.
pub fn hold(data: &[u8]) {
    // The kubelet copies as much, as text.
    let data = &data[..data.len().min(4096)];
    of(&String::from_utf8_lossy(data));
}

/// Checks a message. Returns whether it is one of the runner.
pub fn of(text: &str) -> bool {
    let message = Message::read(text);
    for exit_code in [Some(0), Some(1), Some(137), None] {
        let end = end(exit_code, text);
        let verdict = record(&end, &Evidence::reported(&end));
        let is_proven = message.as_ref().is_some_and(|message| {
            let passed = message.summary.as_ref().is_some_and(|found| found.outcome == Outcome::Passed);
            let is_seen = message.starts.as_ref().is_none_or(|starts| starts.unobserved == 0);
            let code = message.toolkit_end.map_or(message.exit_code, |end| Some(end.exit_code));
            message.state == State::Ended
                && message.exit_code == exit_code
                && code == Some(0)
                && passed
                && is_seen
        });
        assert!(
            verdict.outcome != Outcome::Passed || is_proven,
            "a run passed with code {exit_code:?}, and the report is: {text:.2000}"
        );
    }
    let Some(message) = message else { return false };
    let line = message.to_json();
    assert!(line.len() <= MAX_BYTES, "{} bytes of a termination message", line.len());
    let again = Message::read(&line).expect("what is written is read");
    let key = |message: &Message| {
        let outcome = message.summary.as_ref().map(|summary| summary.outcome);
        (message.state, message.exit_code, message.signal, outcome)
    };
    assert_eq!(key(&again), key(&message));
    true
}
