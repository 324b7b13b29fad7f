//! `spec.schedule.stopAfter`: runs in a row that did not go well stop a schedule. Pure.

use chaostoolkit_api::spec::StopAfterSpec;
use chaostoolkit_api::{Outcome, PastRun, Phase};

/// Whether a run counts.
type Is = fn(&PastRun) -> bool;

/// Returns why a schedule starts no more runs, if its last runs stop it. The newest run is first in the history.
///
/// Runs that were skipped have found nothing, so they do not count. Whatever started a run, it counts: so a rerun that goes well
/// resumes the schedule.
#[must_use]
pub fn stopped(spec: Option<&StopAfterSpec>, history: &[PastRun]) -> Option<String> {
    let StopAfterSpec { deviated, failed } = spec?;
    let in_a_row = |is: Is| {
        history.iter().filter(|past| past.phase != Phase::Skipped).take_while(|past| is(past)).count()
    };
    let kinds: [(&str, Option<i32>, Is); 2] = [
        ("deviated", *deviated, |past| past.outcome == Outcome::Deviated),
        ("failed", *failed, |past| past.phase == Phase::Failed),
    ];
    kinds.into_iter().find_map(|(word, limit, is)| {
        let limit = usize::try_from(limit?).ok().filter(|limit| *limit > 0)?;
        (in_a_row(is) >= limit).then(|| message(word, limit))
    })
}

fn message(word: &str, limit: usize) -> String {
    let runs = if limit == 1 { "the last run".to_owned() } else { format!("the last {limit} runs") };
    format!(
        "no run starts, since {runs} {word} (schedule.stopAfter.{word}); the schedule goes on after a rerun that ends otherwise, or with a higher limit"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    /// Reads letters, the newest run first: `d` deviated, `f` failed, `p` passed, and `s` was skipped.
    fn history(letters: &str) -> Vec<PastRun> {
        let past = |letter: char| {
            let (phase, outcome) = match letter {
                'd' => ("Completed", "Deviated"),
                'f' => ("Failed", "Error"),
                's' => ("Skipped", "Unknown"),
                _ => ("Completed", "Passed"),
            };
            let run = json!({"number": 1, "podName": "p", "phase": phase, "outcome": outcome, "reason": "X"});
            serde_json::from_value(run).unwrap()
        };
        letters.chars().map(past).collect()
    }

    #[rstest]
    #[case::no_limit(None, None, "dddd", None)]
    #[case::no_run(Some(1), Some(1), "", None)]
    #[case::the_first(Some(1), None, "d", Some("deviated"))]
    #[case::two_of_three(Some(3), None, "dd", None)]
    #[case::in_a_row(Some(3), None, "dddp", Some("deviated"))]
    #[case::not_in_a_row(Some(2), None, "dpd", None)]
    #[case::another_kind_between(Some(2), Some(2), "dfd", None)]
    #[case::skipped_ones_do_not_count(Some(2), None, "sdsd", Some("deviated"))]
    #[case::failed(None, Some(2), "ff", Some("failed"))]
    #[case::only_failed_counts(None, Some(1), "d", None)]
    #[case::a_run_that_went_well_resumes_it(Some(1), Some(1), "pd", None)]
    fn a_schedule_is_stopped_by_runs_in_a_row(
        #[case] deviated: Option<i32>,
        #[case] failed: Option<i32>,
        #[case] runs: &str,
        #[case] expected: Option<&str>,
    ) {
        let why = stopped(Some(&StopAfterSpec { deviated, failed }), &history(runs));
        let word = why.as_deref().map(|why| if why.contains(" deviated ") { "deviated" } else { "failed" });
        assert_eq!(word, expected, "{why:?}");
        assert_eq!(stopped(None, &history(runs)), None);
    }
}
