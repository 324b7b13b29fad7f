//! Whether the toolkit may have ended without its rollbacks, since it was killed or nobody saw its end.

use crate::experiment::judge::evidence::Evidence;
use crate::experiment::judge::pod_state::End;
use crate::experiment::judge::verdict::platform::platform;
use crate::experiment::judge::verdict::toolkit::{Seen, seen};
use chaostoolkit_journal::RollbackState;
use chaostoolkit_journal::message::{Message, State};

/// SIGKILL.
const KILL: i32 = 9;

/// The exit code of a program that SIGKILL has ended.
const KILLED: i32 = 128 + KILL;

/// Whether the toolkit in a container that had started was killed, or nobody saw its end. The exit code alone does not tell: that
/// of a script is its own, and a container that the runtime has lost gets 255.
#[must_use]
pub fn was_killed(end: &End, evidence: &Evidence) -> bool {
    match &evidence.message {
        Some(message) if message.state == State::Ended && message.exit_code == end.exit_code => {
            was_seen_killed(end, message)
        }
        // The runner had begun, and something kept it from its report.
        Some(message) if message.state == State::Running => true,
        _ if matches!(end.word.as_str(), "StartError" | "ContainerCannotRun") => false,
        // The kubelet and the runtime say "unknown" of a container whose end they did not see.
        _ => {
            end.exit_code.is_none_or(|code| code == KILLED)
                || platform(end).is_some()
                || end.word == "Unknown"
                || is_lost(end)
        }
    }
}

/// Whether the kubelet has lost the container. It does not say of such a one whether it has started.
#[must_use]
pub fn is_lost(end: &End) -> bool {
    end.word == "ContainerStatusUnknown"
}

/// Whether the runner saw that a toolkit was killed.
fn was_seen_killed(end: &End, message: &Message) -> bool {
    let starts = message.starts.iter().flat_map(|starts| &starts.list);
    // The report is about the worst start. Another one may have been killed.
    let mut lost =
        starts.filter(|start| start.exit_code == Some(KILLED) && start.rollbacks == RollbackState::Unknown);
    let signal = match seen(end, message) {
        Seen::Nothing { is_certain: true, .. } => None,
        seen => seen.signal(),
    };
    // The signal with which the runner stops a toolkit kills one that has not begun its experiment.
    let is_lethal = |signal| message.stopped_by.is_none() || signal == KILL;
    signal.is_some_and(is_lethal) || lost.next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chaostoolkit_api::reason::Reason;
    use chaostoolkit_journal::message::{Start, Starts, ToolkitEnd};
    use rstest::rstest;

    fn end(exit_code: Option<i32>, word: &str) -> End {
        End { exit_code, word: word.to_owned(), has_runner: true, ..End::default() }
    }

    fn evicted(end: End) -> End {
        End { cause: Some(Reason::Evicted), ..end }
    }

    fn began() -> Message {
        Message::new(State::Running)
    }

    fn reported(code: i32, change: impl Fn(&mut Message)) -> Message {
        let mut message = Message { exit_code: Some(code), ..Message::new(State::Ended) };
        change(&mut message);
        message
    }

    fn signaled(code: i32, signal: i32, stopped_by: Option<&str>) -> Message {
        reported(code, |message| {
            message.toolkit_end = Some(ToolkitEnd { exit_code: 128 + signal, signal: Some(signal) });
            message.stopped_by = stopped_by.map(str::to_owned);
        })
    }

    /// A script that went on after a toolkit had ended with this code, and whose other toolkit ended well.
    fn another_start(code: i32, rollbacks: RollbackState) -> Message {
        reported(0, |message| {
            let start = Start { number: 2, exit_code: Some(code), rollbacks, ..Start::default() };
            message.toolkit_end = Some(ToolkitEnd { exit_code: 1, signal: None });
            message.starts =
                Some(Starts { total: 2, list: vec![Start::default(), start], ..Starts::default() });
        })
    }

    #[rstest]
    #[case::killed(end(Some(137), "Error"), Some(began()), true)]
    #[case::lost_by_the_runtime(end(Some(255), "Unknown"), Some(began()), true)]
    #[case::lost_without_a_message(end(Some(255), "Unknown"), None, true)]
    #[case::lost_by_the_kubelet(end(Some(137), "ContainerStatusUnknown"), None, true)]
    #[case::lost_after_the_report(end(Some(255), "Unknown"), Some(reported(0, |_| ())), true)]
    #[case::nobody_saw_its_end(end(None, "NodeLost"), None, true)]
    #[case::evicted(evicted(end(Some(143), "Error")), None, true)]
    #[case::out_of_memory(end(Some(1), "OOMKilled"), None, true)]
    #[case::in_a_script(end(Some(3), "Error"), Some(signaled(3, 9, None)), true)]
    #[case::another_signal(end(Some(3), "Error"), Some(signaled(3, 15, None)), true)]
    #[case::killed_while_stopping(end(Some(3), "Error"), Some(signaled(3, 9, Some("SIGTERM"))), true)]
    #[case::stopped_while_loading(end(Some(130), "Error"), Some(signaled(130, 2, Some("SIGTERM"))), false)]
    #[case::evicted_while_loading(evicted(end(Some(1), "Error")), Some(reported(1, |_| ())), false)]
    #[case::another_start(end(Some(0), "Completed"), Some(another_start(137, RollbackState::Unknown)), true)]
    #[case::another_start_that_played(
        end(Some(0), "Completed"),
        Some(another_start(137, RollbackState::Played)),
        false
    )]
    #[case::another_start_that_failed(
        end(Some(0), "Completed"),
        Some(another_start(1, RollbackState::Unknown)),
        false
    )]
    #[case::by_itself(end(Some(1), "Error"), Some(reported(1, |_| ())), false)]
    #[case::without_a_report(end(Some(1), "Error"), None, false)]
    #[case::never_ran(evicted(end(Some(128), "StartError")), None, false)]
    fn what_ended_a_toolkit_tells_whether_its_rollbacks_may_be_missing(
        #[case] end: End,
        #[case] message: Option<Message>,
        #[case] expected: bool,
    ) {
        assert_eq!(was_killed(&end, &Evidence { message, ..Evidence::default() }), expected);
    }

    #[test]
    fn a_command_that_is_killed_before_it_starts_a_toolkit_has_left_no_fault() {
        let end = End { is_wrapped: true, ..end(Some(143), "Error") };
        let killed = |starts: Option<Starts>| {
            let message = reported(143, |message| {
                message.signal = Some(15);
                message.starts.clone_from(&starts);
            });
            was_killed(&end, &Evidence { message: Some(message), ..Evidence::default() })
        };
        assert!(!killed(Some(Starts::default())));
        assert!(killed(None), "nobody counted the starts");
    }
}
