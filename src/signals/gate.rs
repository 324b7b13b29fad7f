//! Gates, which are open or closed: pure.

use std::time::Duration;

use crate::signals::reading::{Reading, SignalError};
use crate::signals::signal::Signal;
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::spec::{GateOnError, OnClosed};

/// Something that has to hold before a run starts.
#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    /// The name.
    pub name: String,
    /// The signal, with what is expected of it.
    pub signal: Signal,
    /// What happens while the gate is closed.
    pub on_closed: OnClosed,
    /// What the gate is if the signal cannot be read.
    pub on_error: GateOnError,
    /// How long a run waits for the gate. `None` is for ever.
    pub timeout: Option<Duration>,
}

/// Whether a gate is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateState {
    /// Whether the gate is open.
    pub is_open: bool,
    /// Why the signal could not be read, if it could not.
    pub error: Option<Reason>,
    /// What was expected and what was read, in a sentence.
    pub message: String,
}

impl Gate {
    /// Returns the name of the experiment for whose end the gate waits, if it waits for one.
    #[must_use]
    pub fn waits_for(&self) -> Option<&str> {
        match &self.signal {
            Signal::Experiment(expected) => Some(&expected.name),
            Signal::Source(_) | Signal::Resource(_) => None,
        }
    }

    /// Returns whether the gate is open, by what was read of its signal.
    #[must_use]
    pub fn state(&self, read: &Result<Reading, SignalError>) -> GateState {
        let Self { name, signal, on_error, .. } = self;
        match read {
            Ok(Reading { holds, value }) => {
                let word = if *holds { "open" } else { "closed" };
                let message = format!("gate {name} is {word}: expected {}; read: {value}", signal.expected());
                GateState { is_open: *holds, error: None, message }
            }
            Err(SignalError { reason, message }) => {
                let is_open = *on_error == GateOnError::Open;
                let word = if is_open { "open (onError: Open)" } else { "closed" };
                let message = format!("gate {name} is {word}, since its signal cannot be read: {message}");
                GateState { is_open, error: Some(*reason), message }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signals::signal::{Asks, Question};
    use rstest::rstest;

    fn gate(on_error: GateOnError) -> Gate {
        let asks = Asks::Prometheus { query: "slo".to_owned(), expected: ">= 0.99".parse().unwrap() };
        let signal = Signal::Source(Question { source: "prom".to_owned(), asks });
        Gate { name: "slo".to_owned(), signal, on_closed: OnClosed::Wait, on_error, timeout: None }
    }

    #[rstest]
    #[case(true, "0.995", "gate slo is open: expected >= 0.99; read: 0.995")]
    #[case(false, "0.4", "gate slo is closed: expected >= 0.99; read: 0.4")]
    fn a_gate_is_open_while_its_signal_holds(
        #[case] holds: bool,
        #[case] value: &str,
        #[case] message: &str,
    ) {
        let state = gate(GateOnError::Open).state(&Ok(Reading::new(holds, value)));
        assert_eq!(state, GateState { is_open: holds, error: None, message: message.to_owned() });
    }

    #[rstest]
    #[case(GateOnError::Closed, false, "gate slo is closed, since its signal cannot be read: no answer")]
    #[case(
        GateOnError::Open,
        true,
        "gate slo is open (onError: Open), since its signal cannot be read: no answer"
    )]
    fn the_author_decides_on_a_signal_that_cannot_be_read(
        #[case] on_error: GateOnError,
        #[case] is_open: bool,
        #[case] message: &str,
    ) {
        let state = gate(on_error).state(&Err(SignalError::new(Reason::SourceTimeout, "no answer")));
        let error = Some(Reason::SourceTimeout);
        assert_eq!(state, GateState { is_open, error, message: message.to_owned() });
    }
}
