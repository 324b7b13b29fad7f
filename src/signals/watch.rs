//! Stop conditions, and what was read of them during a run: pure.

use std::time::Duration;

use crate::signals::reading::{Reading, SignalError};
use crate::signals::signal::Signal;
use crate::signals::text::{VALUE, shown};
use chaostoolkit_api::spec::StopOnError;

/// Something that has to hold while a run goes on.
#[derive(Clone, Debug, PartialEq)]
pub struct StopCondition {
    /// The name.
    pub name: String,
    /// The signal, with what is expected of it.
    pub signal: Signal,
    /// The time between two readings.
    pub interval: Duration,
    /// How many readings in a row that do not hold stop the run. At least 1.
    pub failure_threshold: u32,
    /// What a signal means that cannot be read.
    pub on_error: StopOnError,
}

/// What was read of a stop condition during a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watch {
    /// How many of the last readings did not hold.
    failures: u32,
    /// What was read last, for people: a value, or why there is none.
    last: Option<String>,
}

/// What follows from a reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The run goes on.
    Continue,
    /// The run is stopped.
    Stop {
        /// Which condition is met, and what was read.
        message: String,
    },
}

impl Watch {
    /// Returns how many of the last readings did not hold.
    #[must_use]
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// Returns what was read last, if anything was.
    #[must_use]
    pub fn last(&self) -> Option<&str> {
        self.last.as_deref()
    }

    /// Counts a reading, and returns what follows.
    ///
    /// An error that is ignored is no reading: it neither adds to those that did not hold, nor ends their row. So a source that
    /// cannot be reached now and then hides nothing.
    pub fn advance(&mut self, condition: &StopCondition, read: &Result<Reading, SignalError>) -> Step {
        let failed = match read {
            Ok(Reading { holds, value }) => {
                self.last = Some(value.clone());
                Some(!holds)
            }
            Err(SignalError { message, .. }) => {
                self.last = Some(format!("cannot be read: {}", shown(message, VALUE)));
                (condition.on_error == StopOnError::Stop).then_some(true)
            }
        };
        match failed {
            None => return Step::Continue,
            Some(false) => self.failures = 0,
            Some(true) => self.failures = self.failures.saturating_add(1),
        }
        if self.failures < condition.failure_threshold.max(1) {
            return Step::Continue;
        }
        Step::Stop { message: self.message(condition) }
    }

    fn message(&self, condition: &StopCondition) -> String {
        let StopCondition { name, signal, .. } = condition;
        let (expected, last) = (signal.expected(), self.last.as_deref().unwrap_or_default());
        let times =
            if self.failures > 1 { format!(" ({} times in a row)", self.failures) } else { String::new() };
        format!("stop condition {name} is met: expected {expected}; read: {last}{times}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signals::signal::{Asks, Question};
    use chaostoolkit_api::reason::Reason;
    use proptest::prelude::*;
    use rstest::rstest;

    fn condition(failure_threshold: u32, on_error: StopOnError) -> StopCondition {
        let asks = Asks::Prometheus { query: "slo".to_owned(), expected: ">= 0.99".parse().unwrap() };
        let signal = Signal::Source(Question { source: "prom".to_owned(), asks });
        StopCondition {
            name: "slo".to_owned(),
            signal,
            interval: Duration::from_secs(10),
            failure_threshold,
            on_error,
        }
    }

    /// Reads letters: `y` holds, `n` does not, and `e` is an error.
    fn read(letter: char) -> Result<Reading, SignalError> {
        match letter {
            'y' => Ok(Reading::new(true, "1")),
            'n' => Ok(Reading::new(false, "0.42")),
            _ => Err(SignalError::new(Reason::SourceTimeout, "no answer")),
        }
    }

    /// Returns after how many readings the run is stopped.
    fn stopped_after(readings: &str, condition: &StopCondition) -> Option<usize> {
        let mut watch = Watch::default();
        let mut steps = readings.chars().map(|letter| watch.advance(condition, &read(letter)));
        steps.position(|step| step != Step::Continue).map(|at| at + 1)
    }

    #[rstest]
    #[case(1, StopOnError::Ignore, "yyn", Some(3))]
    #[case(1, StopOnError::Ignore, "eeee", None)]
    #[case(1, StopOnError::Stop, "ye", Some(2))]
    #[case(3, StopOnError::Ignore, "nnynnyn", None)]
    #[case(3, StopOnError::Ignore, "nynnn", Some(5))]
    #[case(3, StopOnError::Ignore, "neneen", Some(6))]
    #[case(3, StopOnError::Stop, "neny", Some(3))]
    #[case(3, StopOnError::Stop, "eey", None)]
    #[case(0, StopOnError::Ignore, "n", Some(1))]
    fn a_run_is_stopped_after_a_row_of_readings_that_do_not_hold(
        #[case] threshold: u32,
        #[case] on_error: StopOnError,
        #[case] readings: &str,
        #[case] expected: Option<usize>,
    ) {
        assert_eq!(stopped_after(readings, &condition(threshold, on_error)), expected);
    }

    #[test]
    fn the_message_has_what_was_read() {
        let mut watch = Watch::default();
        let once = condition(1, StopOnError::Stop);
        let message = "stop condition slo is met: expected >= 0.99; read: 0.42".to_owned();
        assert_eq!(watch.advance(&once, &read('n')), Step::Stop { message });
        let message =
            "stop condition slo is met: expected >= 0.99; read: cannot be read: no answer (2 times in a row)"
                .to_owned();
        assert_eq!(watch.advance(&once, &read('e')), Step::Stop { message });
        assert_eq!((watch.failures(), watch.last()), (2, Some("cannot be read: no answer")));
        assert_eq!(watch.advance(&once, &read('y')), Step::Continue);
        assert_eq!((watch.failures(), watch.last()), (0, Some("1")));
    }

    proptest! {
        #[test]
        fn a_run_goes_on_while_no_row_is_long_enough(readings in "[yne]{0,40}", threshold in 1_u32..5, stop: bool) {
            let on_error = if stop { StopOnError::Stop } else { StopOnError::Ignore };
            let counted: String = if stop { readings.replace('e', "n") } else { readings.replace('e', "") };
            let longest = counted.split('y').map(str::len).max().unwrap_or_default();
            let stopped = stopped_after(&readings, &condition(threshold, on_error));
            prop_assert_eq!(stopped.is_some(), longest >= threshold as usize);
        }
    }
}
