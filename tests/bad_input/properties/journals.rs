//! A journal as a run may write it, to the verdict and the status.

use chaostoolkit_journal::message::{Message, State};
use chaostoolkit_journal::{MAX_BYTES, Outcome, Summary};
use chaostoolkit_operator::experiment::judge::evidence::Evidence;
use serde_json::Value;

use super::{end, record};

/// Reads a journal as the operator does.
pub fn summary(data: &[u8]) -> Option<Summary> {
    chaostoolkit_journal::parse(data).ok().map(|journal| Summary::of(&journal))
}

/// Checks a journal.
pub fn hold(data: &[u8]) {
    of(data);
}

/// Checks a journal. Returns the outcome if it can be read.
pub fn of(data: &[u8]) -> Option<Outcome> {
    let summary = summary(data)?;
    let reported =
        Message { exit_code: Some(0), summary: Some(summary.clone()), ..Message::new(State::Ended) };
    let line = reported.to_json();
    assert!(line.len() <= MAX_BYTES, "{} bytes of a termination message", line.len());
    let read = Message::read(&line);
    let found = read.as_ref().and_then(|message| message.summary.as_ref()).map(|summary| summary.outcome);
    assert_eq!(found, Some(summary.outcome), "the operator reads what the runner reports");

    let ended = end(Some(0), &line);
    let evidence = |message| Evidence { message, summary: Some(summary.clone()), ..Evidence::default() };
    let verdict = record(&ended, &evidence(read));
    assert!(verdict.outcome != Outcome::Passed || says_completed(data), "a run passed that did not complete");
    // A journal alone proves nothing: whoever killed the runner may have written it.
    for (exit_code, message) in [
        (Some(137), None),
        (Some(0), None),
        (Some(0), Some(Message::new(State::Running))),
        (Some(1), Some(reported)),
    ] {
        let verdict = record(&end(exit_code, ""), &evidence(message));
        assert_ne!(verdict.outcome, Outcome::Passed, "without a credible report, with code {exit_code:?}");
    }
    Some(summary.outcome)
}

/// Whether a journal itself says that its run completed and that nothing deviated.
fn says_completed(data: &[u8]) -> bool {
    match serde_json::from_slice::<Value>(data) {
        Ok(journal) => journal["status"] == "completed" && journal["deviated"] != true,
        // The journal has what Python writes and JSON has not, or is nested deeply. `completed` has escapes then, at most.
        Err(_) => String::from_utf8_lossy(data).contains("status"),
    }
}
