//! The ends of other experiments: pure.

use crate::signals::answer::no_data;
use crate::signals::reading::{Reading, SignalError};
use chaostoolkit_api::status::RunResult;
use chaostoolkit_api::{Status, Text};

/// The end of another experiment in the same namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedEnd {
    /// The name of the experiment.
    pub name: String,
    /// The results that are accepted.
    pub results: Vec<RunResult>,
}

/// An experiment, as far as a gate looks at it.
#[derive(Clone, Copy, Debug)]
pub enum Other<'a> {
    /// It does not exist.
    Missing,
    /// It has this status, or none yet.
    Found(Option<&'a Status>),
}

/// Reads the end of another experiment. It is the result of its last run, also if another run goes on.
pub fn read(other: Other<'_>, expected: &ExpectedEnd) -> Result<Reading, SignalError> {
    let ExpectedEnd { name, results } = expected;
    let Other::Found(status) = other else {
        return Err(no_data(&format!("the experiment {name} does not exist")));
    };
    let result = status.and_then(|status| status.result);
    let value = match (result, status.and_then(|status| status.phase)) {
        (Some(result), _) => format!("the result of {name} is {}", result.as_str()),
        (None, Some(phase)) => format!("{name} has no result yet (phase {})", phase.as_str()),
        (None, None) => format!("{name} has no result yet"),
    };
    Ok(Reading::new(result.is_some_and(|result| results.contains(&result)), &value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chaostoolkit_api::Phase;
    use chaostoolkit_api::reason::Reason;
    use rstest::rstest;

    fn status(result: Option<RunResult>, phase: Option<Phase>) -> Status {
        Status { result, phase, ..Status::default() }
    }

    #[rstest]
    #[case(Some(status(Some(RunResult::Passed), Some(Phase::Completed))), true, "the result of a is Passed")]
    #[case(
        Some(status(Some(RunResult::Deviated), Some(Phase::Completed))),
        true,
        "the result of a is Deviated"
    )]
    #[case(
        Some(status(Some(RunResult::Inconclusive), Some(Phase::Completed))),
        false,
        "the result of a is Inconclusive"
    )]
    #[case(Some(status(None, Some(Phase::Running))), false, "a has no result yet (phase Running)")]
    #[case(Some(status(None, None)), false, "a has no result yet")]
    #[case(None, false, "a has no result yet")]
    fn the_last_result_is_accepted_or_not(
        #[case] status: Option<Status>,
        #[case] holds: bool,
        #[case] value: &str,
    ) {
        let expected =
            ExpectedEnd { name: "a".to_owned(), results: vec![RunResult::Passed, RunResult::Deviated] };
        let reading = read(Other::Found(status.as_ref()), &expected);
        assert_eq!(reading, Ok(Reading { holds, value: value.to_owned() }));
        assert_eq!(read(Other::Missing, &expected).unwrap_err().reason, Reason::SignalNoData);
    }
}
