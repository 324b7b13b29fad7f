use super::*;
use crate::signals::signal::{Asks, Question};
use chaostoolkit_api::spec::GateOnError;
use rstest::rstest;

fn gate(name: &str, on_closed: OnClosed) -> Gate {
    let asks = Asks::Prometheus { query: "slo".to_owned(), expected: ">= 1".parse().unwrap() };
    let signal = Signal::Source(Question { source: "prom".to_owned(), asks });
    let timeout = Some(Duration::from_secs(60));
    Gate { name: name.to_owned(), signal, on_closed, on_error: GateOnError::Closed, timeout }
}

type Read = Option<Result<Reading, SignalError>>;

/// What was read: nothing yet, an error or a value.
fn read(value: &str) -> Read {
    match value {
        "" => None,
        "error" => Some(Err(SignalError::new(Reason::SourceTimeout, "no answer"))),
        value => Some(Ok(Reading::new(value == "1", value))),
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn since(second: i64, message: &str) -> Waiting<'_> {
    Waiting { since: Some(at(second)), message }
}

/// What gates say, in a word and a message.
fn said(gates: Option<&Gates>) -> (&str, &str) {
    let Some(gates) = gates else { return ("not known", "") };
    match gates {
        Gates::Open | Gates::NotKnown(_) => ("open", ""),
        Gates::Closed(hold) => ("closed", &hold.message),
        Gates::Over(Dropped { is_failure: true, message, .. }) => ("fails", message),
        Gates::Over(Dropped { message, .. }) => ("skipped", message),
    }
}

#[rstest]
#[case(["1", "1"], "open", "")]
#[case(["1", "0"], "closed", "gate b is closed: expected >= 1; read: 0")]
#[case(["0", "0"], "closed", "gate a is closed: expected >= 1; read: 0")]
#[case(["error", "0"], "closed", "gate a is closed, since its signal cannot be read: no answer")]
fn the_first_gate_that_is_closed_counts(
    #[case] values: [&str; 2],
    #[case] word: &str,
    #[case] message: &str,
) {
    let gates = [gate("a", OnClosed::Wait), gate("b", OnClosed::Wait)];
    let found = judge(&gates, &values.map(read), None, false, at(100));
    assert_eq!(said(found.as_ref()), (word, message));
}

#[rstest]
#[case(["", "0"], "not known")]
#[case(["1", ""], "not known")]
#[case(["0", ""], "closed")]
fn nothing_is_said_before_the_gates_up_to_it_are_read(#[case] values: [&str; 2], #[case] word: &str) {
    let gates = [gate("a", OnClosed::Wait), gate("b", OnClosed::Fail)];
    assert_eq!(said(judge(&gates, &values.map(read), None, false, at(100)).as_ref()).0, word);
}

#[rstest]
#[case(OnClosed::Skip, false, "skipped")]
#[case(OnClosed::Skip, true, "skipped")]
#[case(OnClosed::Fail, false, "fails")]
#[case(OnClosed::Wait, false, "closed")]
fn the_author_decides_what_a_closed_gate_means(
    #[case] on_closed: OnClosed,
    #[case] is_scheduled: bool,
    #[case] word: &str,
) {
    let found = judge(&[gate("a", on_closed)], &[read("0")], None, is_scheduled, at(100));
    assert_eq!(said(found.as_ref()).0, word);
}

#[rstest]
#[case(100, false, "closed", 15)]
#[case(41, false, "closed", 1)]
#[case(40, false, "fails", 0)]
#[case(-1000, false, "fails", 0)]
#[case::a_schedule_skips_what_is_late(-1000, true, "closed", 15)]
#[case::another_clock(200, false, "closed", 15)]
fn a_run_fails_that_has_waited_for_too_long(
    #[case] began: i64,
    #[case] is_scheduled: bool,
    #[case] word: &str,
    #[case] again: u64,
) {
    let waiting = Some(since(began, ""));
    let found = judge(&[gate("a", OnClosed::Wait)], &[read("0")], waiting, is_scheduled, at(100));
    assert_eq!(said(found.as_ref()).0, word);
    if let Some(Gates::Closed(hold)) = found {
        assert_eq!(hold.again, Some(Duration::from_secs(again)));
    }
}

#[test]
fn the_message_of_the_end_has_what_was_read_last() {
    let waiting = Some(since(0, "gate a is closed: expected >= 1; read: 0.5"));
    let found = judge(&[gate("a", OnClosed::Wait)], &[read("0.7")], waiting, false, at(100));
    let message = "the run has waited for 100 seconds: gate a is closed: expected >= 1; read: 0.7";
    assert_eq!(said(found.as_ref()), ("fails", message));
}

#[rstest]
#[case("gate a is closed: expected >= 1; read: 0.5", true)]
#[case("gate b is closed: expected >= 1; read: 0.5", false)]
#[case("gate a is closed, since its signal cannot be read: no answer", false)]
#[case("", false)]
fn a_message_stays_while_the_same_gate_is_closed(#[case] known: &str, #[case] stays: bool) {
    let found = judge(&[gate("a", OnClosed::Wait)], &[read("0")], Some(since(90, known)), false, at(100));
    let expected = if stays { known } else { "gate a is closed: expected >= 1; read: 0" };
    assert_eq!(said(found.as_ref()), ("closed", expected));
}
