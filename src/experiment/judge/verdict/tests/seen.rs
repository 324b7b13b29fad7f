//! Sentences say only what was seen: of the toolkit, of the command that starts it, and of the steady state.

use rstest::rstest;

use super::{ended, summary};
use crate::experiment::judge::evidence::Evidence;
use crate::experiment::judge::pod_state::End;
use crate::experiment::judge::verdict::{Verdict, judge};
use chaostoolkit_api::Phase;
use chaostoolkit_api::reason::Reason;
use chaostoolkit_journal::message::{Message, Starts, ToolkitEnd};
use chaostoolkit_journal::{
    Activities, Outcome, Refusal, RefusalKind, SteadyState, SteadyStates, Summary, Warning,
};

/// Judges a container whose command is a shell, without a journal.
fn wrapped(code: i32, change: impl Fn(&mut Message)) -> Verdict {
    let (end, mut message) = ended(code);
    change(&mut message);
    let end = End { is_wrapped: true, ..end };
    judge("pod", &end, &Evidence { message: Some(message), ..Evidence::default() })
}

fn direct(code: i32, change: impl Fn(&mut Message), log: &str) -> Verdict {
    let (end, mut message) = ended(code);
    change(&mut message);
    let evidence = Evidence { message: Some(message), log_tail: Some(log.to_owned()), ..Evidence::default() };
    judge("pod", &end, &evidence)
}

fn is(verdict: &Verdict) -> (Phase, Outcome, Reason) {
    (verdict.phase, verdict.outcome, verdict.reason)
}

#[rstest]
#[case::failed(7, None, Outcome::Unknown, Reason::NoJournal)]
#[case::well(0, None, Outcome::Unknown, Reason::NoJournal)]
#[case::usage(2, None, Outcome::Unknown, Reason::NoJournal)]
#[case::never_started(127, Some(Starts::default()), Outcome::Error, Reason::ToolkitNotStarted)]
#[case::never_started_and_well(0, Some(Starts::default()), Outcome::Unknown, Reason::NoJournal)]
fn a_command_without_the_toolkit_is_not_called_the_toolkit(
    #[case] code: i32,
    #[case] starts: Option<Starts>,
    #[case] outcome: Outcome,
    #[case] reason: Reason,
) {
    let verdict = wrapped(code, |message| message.starts.clone_from(&starts));
    assert_eq!(is(&verdict), (Phase::Failed, outcome, reason));
    assert!(
        verdict.message.starts_with(&format!("the command exited with code {code}")),
        "{}",
        verdict.message
    );
    assert!(!verdict.message.contains("the toolkit exited") && !verdict.message.contains("refused"));
}

#[test]
fn a_command_with_another_name_is_the_toolkit_if_the_runner_knows_its_version() {
    let verdict = wrapped(1, |message| message.toolkit = Some("1.19.0".into()));
    assert_eq!(is(&verdict), (Phase::Failed, Outcome::Invalid, Reason::ExperimentInvalid));
}

#[test]
fn the_end_of_the_toolkit_is_not_that_of_the_command_around_it() {
    let end = |exit_code, signal| Some(ToolkitEnd { exit_code, signal });
    let refused = wrapped(0, |message| message.toolkit_end = end(1, None));
    assert_eq!(is(&refused), (Phase::Failed, Outcome::Invalid, Reason::ExperimentInvalid));
    assert!(refused.message.starts_with("the toolkit exited with code 1"), "{}", refused.message);
    let killed = wrapped(3, |message| message.toolkit_end = end(137, Some(9)));
    assert_eq!(is(&killed), (Phase::Failed, Outcome::Error, Reason::ToolkitKilled));
    assert_eq!(killed.message, "signal 9 killed the toolkit in pod pod");
    let shell = wrapped(143, |message| message.signal = Some(15));
    assert_eq!(shell.message, "signal 15 killed the command in pod pod");
    let stopped = wrapped(143, |message| message.stopped_by = Some("SIGTERM".into()));
    assert_eq!(is(&stopped), (Phase::Aborted, Outcome::Interrupted, Reason::Interrupted));
    assert!(!stopped.message.contains("toolkit"), "{}", stopped.message);
}

#[rstest]
#[case::script_failed(
    5,
    0,
    Outcome::Passed,
    "the steady state held; the command exited with code 5 after that"
)]
#[case::script_hides_the_code(
    0,
    1,
    Outcome::Unknown,
    "the journal says that the run passed, and the toolkit exited with code 1"
)]
fn a_pass_depends_on_the_exit_code_of_the_toolkit(
    #[case] code: i32,
    #[case] toolkit: i32,
    #[case] outcome: Outcome,
    #[case] text: &str,
) {
    let (end, message) = ended(code);
    let toolkit_end = Some(ToolkitEnd { exit_code: toolkit, signal: None });
    let message = Message { toolkit_end, ..message };
    let evidence =
        Evidence { message: Some(message), summary: Some(summary(Outcome::Passed)), ..Evidence::default() };
    let verdict = judge("pod", &End { is_wrapped: true, ..end }, &evidence);
    assert_eq!((verdict.outcome, verdict.message.as_str()), (outcome, text));
}

#[test]
fn of_several_runs_the_message_is_about_the_worst() {
    let (end, message) = ended(1);
    let message = Message { starts: Some(Starts { total: 3, ..Starts::default() }), ..message };
    let evidence =
        Evidence { message: Some(message), summary: Some(summary(Outcome::Aborted)), ..Evidence::default() };
    let verdict = judge("pod", &End { is_wrapped: true, ..end }, &evidence);
    assert_eq!(verdict.message, "the worst of 3 runs: the toolkit met an error that it did not expect");
}

/// The start that was not observed may have ended in any way.
#[rstest]
#[case::nothing_else(0, None, Outcome::Unknown)]
#[case::nothing_else_and_failed(1, None, Outcome::Unknown)]
#[case::another_passed(0, Some(Outcome::Passed), Outcome::Unknown)]
#[case::another_deviated(1, Some(Outcome::Deviated), Outcome::Deviated)]
fn a_start_that_was_not_observed_is_neither_invalid_nor_passed(
    #[case] code: i32,
    #[case] journal: Option<Outcome>,
    #[case] outcome: Outcome,
) {
    let (end, message) = ended(code);
    let starts = Some(Starts { total: 2, unobserved: 1, ..Starts::default() });
    let message = Message { starts, ..message };
    let evidence = Evidence { message: Some(message), summary: journal.map(summary), ..Evidence::default() };
    let verdict = judge("pod", &End { is_wrapped: true, ..end }, &evidence);
    assert_eq!(verdict.outcome, outcome, "{}", verdict.message);
    if outcome == Outcome::Unknown {
        assert_eq!((verdict.phase, verdict.reason), (Phase::Failed, Reason::ToolkitUnobserved));
        assert!(verdict.message.contains("could not be observed"), "{}", verdict.message);
        assert!(!verdict.conclusive);
    }
}

#[rstest]
#[case(
    0,
    "",
    Phase::Completed,
    Outcome::Unknown,
    Reason::SubcommandCompleted,
    "chaos validate ended well; it runs no experiment, so there is no outcome"
)]
#[case(
    1,
    "[2026-11-21 08:35:23 ERROR] experiment requires a title",
    Phase::Failed,
    Outcome::Invalid,
    Reason::SubcommandFailed,
    "chaos validate failed with exit code 1: experiment requires a title"
)]
#[case(
    1,
    "",
    Phase::Failed,
    Outcome::Unknown,
    Reason::SubcommandFailed,
    "chaos validate failed with exit code 1"
)]
#[case(
    2,
    "",
    Phase::Failed,
    Outcome::Invalid,
    Reason::SubcommandFailed,
    "chaos validate failed with exit code 2: it did not understand its arguments"
)]
fn a_subcommand_is_named(
    #[case] code: i32,
    #[case] log: &str,
    #[case] phase: Phase,
    #[case] outcome: Outcome,
    #[case] reason: Reason,
    #[case] text: &str,
) {
    let verdict = direct(code, |message| message.subcommand = Some("validate".into()), log);
    assert_eq!((is(&verdict), verdict.message.as_str()), ((phase, outcome, reason), text));
}

#[rstest]
#[case(RefusalKind::ExtensionMissing, Outcome::Invalid, Reason::ExtensionMissing)]
#[case(RefusalKind::ConfigurationMissing, Outcome::Invalid, Reason::ConfigurationMissing)]
#[case(RefusalKind::ExperimentInvalid, Outcome::Invalid, Reason::ExperimentInvalid)]
#[case(RefusalKind::ArgumentsInvalid, Outcome::Invalid, Reason::ArgumentsInvalid)]
#[case(RefusalKind::ExperimentUnreachable, Outcome::Error, Reason::ExperimentUnreachable)]
fn the_words_of_the_toolkit_are_in_the_message(
    #[case] kind: RefusalKind,
    #[case] outcome: Outcome,
    #[case] reason: Reason,
) {
    let refusal = Some(Refusal { kind, line: "its words".into() });
    let verdict = direct(1, |message| message.refusal.clone_from(&refusal), "[2026 ERROR] those of the log");
    assert_eq!(is(&verdict), (Phase::Failed, outcome, reason));
    assert_eq!(verdict.message, "the toolkit ran no experiment (exit code 1): its words");
}

#[test]
fn a_run_that_began_was_not_refused() {
    let log = "[2026-11-21 08:35:23 INFO] Experiment ended with status: completed\nTraceback (most recent call last):\n  x\nPermissionError: [Errno 13] Permission denied: '/j.json'";
    let verdict = direct(1, |_| (), log);
    assert_eq!(is(&verdict), (Phase::Failed, Outcome::Unknown, Reason::NoJournal));
    assert!(verdict.message.starts_with("the toolkit began to run the experiment"), "{}", verdict.message);
}

fn told(summary: Summary) -> String {
    let (end, message) = ended(i32::from(summary.outcome != Outcome::Passed));
    let evidence = Evidence { message: Some(message), summary: Some(summary), ..Evidence::default() };
    judge("pod", &end, &evidence).message
}

#[test]
fn the_method_did_not_run_only_if_nothing_ran() {
    let of = |played, before| {
        told(Summary {
            activities: Activities { total: 2, played, ..Activities::default() },
            steady_state: SteadyStates { before, ..SteadyStates::default() },
            ..summary(Outcome::BaselineNotMet)
        })
    };
    let text = "the steady state did not hold before the method";
    assert_eq!(of(0, SteadyState::NotMet), format!("{text}, which therefore did not run"));
    assert_eq!(of(1, SteadyState::NotMet), format!("{text}; 1 of 2 activities of it were started anyway"));
    assert_eq!(of(0, SteadyState::Unknown), text, "the summary was shortened");
}

#[test]
fn without_a_hypothesis_nothing_held() {
    let of = |succeeded, failed, warnings: &[Warning]| {
        told(Summary {
            activities: Activities { total: 2, played: 2, succeeded, failed },
            warnings: warnings.to_vec(),
            ..summary(Outcome::Passed)
        })
    };
    let nothing = "nothing was judged, since no steady-state hypothesis was evaluated";
    let all = of(2, 0, &[Warning::NoHypothesis]);
    assert_eq!(all, format!("{nothing}; 2 of 2 activities of the method succeeded"));
    let one = of(1, 1, &[Warning::ActivityFailed, Warning::NoHypothesis]);
    assert!(one.starts_with(&format!("{nothing}; 1 of 2 activities of the method succeeded")), "{one}");
}

#[rstest]
#[case(
    SteadyState::Met,
    SteadyState::NotEvaluated,
    SteadyState::NotMet,
    "the steady state held before the method, and did not hold after it"
)]
#[case(
    SteadyState::Met,
    SteadyState::NotMet,
    SteadyState::Met,
    "the steady state held before the method, and did not hold during it"
)]
#[case(
    SteadyState::NotEvaluated,
    SteadyState::NotEvaluated,
    SteadyState::NotMet,
    "the steady state did not hold after the method, and was not evaluated before it"
)]
#[case(
    SteadyState::Met,
    SteadyState::NotEvaluated,
    SteadyState::ProbeError,
    "the steady state held before the method; a probe failed after it, which the toolkit calls a deviation"
)]
#[case(
    SteadyState::Unknown,
    SteadyState::Unknown,
    SteadyState::Unknown,
    "the toolkit says that the system deviated"
)]
fn a_deviation_says_when(
    #[case] before: SteadyState,
    #[case] during: SteadyState,
    #[case] after: SteadyState,
    #[case] text: &str,
) {
    let steady_state = SteadyStates { before, during, after };
    assert_eq!(told(Summary { steady_state, ..summary(Outcome::Deviated) }), text);
}
