use rstest::rstest;

use super::*;
use chaostoolkit_api::Phase;
use chaostoolkit_api::reason::Reason;
use chaostoolkit_journal::message::File;
use chaostoolkit_journal::{Activities as Counts, Refusal, RefusalKind, Rollbacks as Played, Warning};

mod recorded;
mod seen;

fn summary(outcome: Outcome) -> Summary {
    Summary { outcome, conclusive: outcome == Outcome::Passed, ..Summary::default() }
}

/// The container ended with this code, and the runner says the same.
fn ended(code: i32) -> (End, Message) {
    let at =
        Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(k8s_openapi::jiff::Timestamp::UNIX_EPOCH));
    let end = End { exit_code: Some(code), started_at: at, has_runner: true, ..End::default() };
    (end, Message { exit_code: Some(code), ..Message::new(State::Ended) })
}

fn verdict(end: &End, message: Option<Message>, summary: Option<Summary>) -> (Phase, Outcome, Reason) {
    let evidence = Evidence { message, summary, ..Evidence::default() };
    let Verdict { phase, outcome, reason, .. } = judge("pod", end, &evidence);
    (phase, outcome, reason)
}

#[rstest]
#[case(Outcome::Passed, 0, Phase::Completed, Reason::Passed)]
#[case(Outcome::Deviated, 1, Phase::Completed, Reason::Deviated)]
#[case::during_alone(Outcome::Deviated, 0, Phase::Completed, Reason::Deviated)]
#[case(Outcome::BaselineNotMet, 0, Phase::Completed, Reason::BaselineNotMet)]
#[case(Outcome::ProbeError, 1, Phase::Completed, Reason::ProbeError)]
#[case(Outcome::Interrupted, 1, Phase::Aborted, Reason::Interrupted)]
#[case(Outcome::Aborted, 1, Phase::Failed, Reason::Aborted)]
fn the_journal_counts(
    #[case] outcome: Outcome,
    #[case] code: i32,
    #[case] phase: Phase,
    #[case] reason: Reason,
) {
    let (end, message) = ended(code);
    assert_eq!(verdict(&end, Some(message), Some(summary(outcome))), (phase, outcome, reason));
}

#[test]
fn a_journal_that_proves_nothing_is_no_verdict() {
    let (end, message) = ended(0);
    let found = verdict(&end, Some(message), Some(summary(Outcome::Unknown)));
    assert_eq!(found, (Phase::Failed, Outcome::Unknown, Reason::JournalUnreadable));
}

#[rstest]
#[case::activity(Warning::ActivityFailed, Reason::Inconclusive)]
#[case::dry(Warning::DryRun, Reason::Inconclusive)]
#[case::rollback(Warning::RollbackFailed, Reason::Passed)]
#[case::no_hypothesis(Warning::NoHypothesis, Reason::Passed)]
fn passing_without_doing_is_inconclusive(#[case] open: Warning, #[case] reason: Reason) {
    let (end, message) = ended(0);
    let summary = Summary {
        warnings: vec![open],
        activities: Counts { total: 2, failed: 1, ..Counts::default() },
        rollbacks: Played { total: 1, failed: 1, ..Played::default() },
        ..summary(Outcome::Passed)
    };
    let evidence = Evidence { message: Some(message), summary: Some(summary), ..Evidence::default() };
    let verdict = judge("pod", &end, &evidence);
    assert_eq!((verdict.outcome, verdict.reason), (Outcome::Passed, reason));
    assert_eq!(verdict.warnings, [open]);
    assert!(verdict.message.contains("; "), "{}", verdict.message);
}

/// None of these may make a run pass, whatever the termination message and the journal say.
#[rstest]
#[case::another_code(ended(0).0, Message { exit_code: Some(1), ..ended(1).1 })]
#[case::a_code_that_no_run_that_passed_has(ended(1).0, ended(1).1)]
#[case::the_runner_was_killed(ended(137).0, ended(137).1)]
#[case::it_never_said_more_than_running(ended(137).0, Message::new(State::Running))]
#[case::out_of_memory(End { word: "OOMKilled".into(), ..ended(137).0 }, ended(137).1)]
#[case::no_end_was_seen(End { exit_code: None, ..ended(0).0 }, ended(0).1)]
#[case::there_was_no_runner(End { has_runner: false, ..ended(0).0 }, ended(0).1)]
fn a_pass_cannot_be_forged(#[case] end: End, #[case] message: Message) {
    let found = verdict(&end, Some(message), Some(summary(Outcome::Passed)));
    assert_ne!(found.1, Outcome::Passed);
}

#[test]
fn words_that_are_not_the_runners_are_no_report() {
    let found = verdict(&ended(0).0, None, None);
    assert_eq!(found, (Phase::Failed, Outcome::Unknown, Reason::ReportInvalid));
}

#[rstest]
#[case::deadline(End { cause: Some(Reason::DeadlineExceeded), ..ended(1).0 }, Reason::DeadlineExceeded)]
#[case::eviction(End { cause: Some(Reason::Evicted), deleted: true, ..ended(1).0 }, Reason::Evicted)]
#[case::node(End { cause: Some(Reason::NodeLost), exit_code: None, ..ended(1).0 }, Reason::NodeLost)]
#[case::memory(End { word: "OOMKilled".into(), ..ended(1).0 }, Reason::OOMKilled)]
fn the_platform_is_told_apart(#[case] end: End, #[case] reason: Reason) {
    let message = end.exit_code.map(|_| ended(1).1);
    let found = verdict(&end, message, Some(summary(Outcome::Interrupted)));
    assert_eq!(found, (Phase::Failed, Outcome::Error, reason));
}

#[test]
fn the_words_of_the_platform_are_told_whatever_the_container_said() {
    let words = "the node was low on resource: memory".to_owned();
    let end = End { cause: Some(Reason::Evicted), explanation: words, ..ended(137).0 };
    let verdict = judge("pod", &end, &Evidence::default());
    assert_eq!(verdict.message, "pod pod was evicted: the node was low on resource: memory");
}

#[test]
fn what_the_platform_does_after_the_verdict_does_not_change_it() {
    let end = End { cause: Some(Reason::DeadlineExceeded), ..ended(0).0 };
    let found = verdict(&end, Some(ended(0).1), Some(summary(Outcome::Passed)));
    assert_eq!(found, (Phase::Completed, Outcome::Passed, Reason::Passed));
}

#[test]
fn what_was_not_rolled_back_stays_said_when_the_platform_ended_the_run() {
    let end = End { cause: Some(Reason::DeadlineExceeded), ..ended(1).0 };
    let open = vec![Warning::RollbacksNotPlayed];
    let summary = Summary { warnings: open.clone(), ..summary(Outcome::Interrupted) };
    let evidence = Evidence { message: Some(ended(1).1), summary: Some(summary), ..Evidence::default() };
    assert_eq!(judge("pod", &end, &evidence).warnings, open);
}

fn report(code: i32, change: impl Fn(&mut Message)) -> (Phase, Outcome, Reason) {
    let (end, mut message) = ended(code);
    change(&mut message);
    verdict(&end, Some(message), None)
}

#[test]
fn without_a_journal_the_runner_tells_what_it_saw() {
    let problem = File { problem: Some("cut short".into()), ..File::default() };
    let cases = [
        (report(1, |_| ()), Outcome::Invalid, Reason::ExperimentInvalid),
        (report(2, |_| ()), Outcome::Invalid, Reason::ArgumentsInvalid),
        (report(0, |_| ()), Outcome::Unknown, Reason::NoJournal),
        (
            report(127, |message| message.not_started = Some("no".into())),
            Outcome::Error,
            Reason::CommandNotStarted,
        ),
        (report(137, |message| message.signal = Some(9)), Outcome::Error, Reason::ToolkitKilled),
        (
            report(130, |message| message.stopped_by = Some("SIGTERM".into())),
            Outcome::Interrupted,
            Reason::Interrupted,
        ),
        (
            report(0, |message| message.journal = Some(problem.clone())),
            Outcome::Unknown,
            Reason::JournalUnreadable,
        ),
    ];
    for ((_, outcome, reason), expected, why) in cases {
        assert_eq!((outcome, reason), (expected, why));
    }
}

#[test]
fn a_script_that_did_not_start_since_nothing_was_fetched_has_the_words_of_the_runner() {
    let (end, mut message) = ended(1);
    message.refusal =
        Some(Refusal { kind: RefusalKind::ExperimentUnreachable, line: "status 403".to_owned() });
    let end = End { is_wrapped: true, ..end };
    let verdict = judge("pod", &end, &Evidence { message: Some(message), ..Evidence::default() });
    assert_eq!((verdict.outcome, verdict.reason), (Outcome::Error, Reason::ExperimentUnreachable));
    assert!(verdict.message.contains("status 403"), "{}", verdict.message);
}

#[rstest]
#[case::while_it_loads(130, true)]
#[case::with_a_journal(1, false)]
fn a_pod_that_somebody_deleted_says_so(#[case] code: i32, #[case] is_early: bool) {
    let (end, mut message) = ended(code);
    message.stopped_by = Some("SIGTERM".into());
    let end = End { deleted: true, ..end };
    let journal = if is_early { None } else { Some(summary(Outcome::Interrupted)) };
    let found = verdict(&end, Some(message), journal);
    assert_eq!(found, (Phase::Aborted, Outcome::Interrupted, Reason::PodDeleted));
}

#[rstest]
#[case(0, "[INFO] Experiment ended with status: completed", Phase::Completed, Outcome::Unknown)]
#[case(1, "[INFO] Experiment ended with status: deviated\n[INFO] more", Phase::Completed, Outcome::Deviated)]
#[case(1, "Experiment ended with status: interrupted", Phase::Aborted, Outcome::Interrupted)]
#[case(1, "Experiment ended with status: failed", Phase::Failed, Outcome::Unknown)]
#[case(1, "Traceback", Phase::Failed, Outcome::Unknown)]
#[case(1, "Experiment ended with status: aborted", Phase::Failed, Outcome::Aborted)]
#[case(143, "", Phase::Aborted, Outcome::Interrupted)]
fn without_a_runner_it_is_a_guess(
    #[case] code: i32,
    #[case] log: &str,
    #[case] phase: Phase,
    #[case] outcome: Outcome,
) {
    let end = End { has_runner: false, ..ended(code).0 };
    let evidence = Evidence { log_tail: Some(log.into()), ..Evidence::default() };
    let verdict = judge("pod", &end, &evidence);
    assert_eq!((verdict.phase, verdict.outcome, verdict.conclusive), (phase, outcome, false));
    assert!(verdict.message.ends_with("a guess, since spec.report.mode is none"), "{}", verdict.message);
}
