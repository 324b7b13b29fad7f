//! Journals of real runs of four versions of the toolkit.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests panic to fail")]

mod common;

use chaostoolkit_journal::{Summary, parse};
use chaostoolkit_report::{Format, Report, Style, render};
use common::{journal, journals, read, reports};
use rstest::rstest;

#[test]
fn the_verdict_and_the_counts_are_those_of_the_judge() {
    let journals = journals();
    assert_eq!(journals.len(), 64);
    for (name, journal) in journals {
        let run = read(&name, &journal, true);
        let summary = Summary::of(&parse(journal.to_string().as_bytes()).unwrap());
        assert_eq!(run.outcome, Some(summary.outcome), "{name}");
        assert_eq!((run.warnings, run.conclusive), (summary.warnings, summary.conclusive), "{name}");
        assert_eq!(run.method.len(), summary.activities.played, "{name}");
        assert_eq!(run.rollbacks.len(), summary.rollbacks.played, "{name}");
        let failed = run.method.items.iter().filter(|activity| activity.word() == "failed").count();
        assert_eq!(failed, summary.activities.failed, "{name}");
        let timed =
            run.method.items.iter().all(|activity| activity.offset_seconds.is_some_and(|at| at >= 0.0));
        assert!(timed && run.started_at.is_some(), "{name}");
    }
}

#[test]
fn each_format_shows_each_run() {
    let runs: Vec<_> = journals().iter().map(|(name, journal)| read(name, journal, false)).collect();
    for (format, text) in reports(runs) {
        for (name, journal) in journals() {
            let title = journal["experiment"]["title"].as_str().unwrap();
            assert!(text.contains(title), "{format}: {name}");
        }
    }
}

/// The report of one run in a format, as snapshots show it: without the style, which a test of its own reads.
fn shown(name: &str, format: Format) -> String {
    let report = Report::new(vec![read(name, &journal(name), false)]);
    let text = render(&report, format, Style::default()).unwrap();
    match text.split_once("<style>").zip(text.split_once("</style>")) {
        // A line for each element shows what has changed.
        Some(((before, _), (_, after))) => format!("{before}{after}").replace("><", ">\n<"),
        None => text,
    }
}

#[rstest]
#[case("passed", "ok@1.21.4")]
#[case("deviated", "ssh-after-dev@1.0.0")]
#[case("deviated_during", "during-continuously@1.21.4")]
#[case("baseline_not_met", "ssh-before-tol@1.9.4")]
#[case("probe_error", "ssh-before-crash@1.19.0")]
#[case("aborted", "ctl-interrupt@1.0.0")]
#[case("interrupted", "long-proc-always-sigint@1.21.4")]
#[case("inconclusive", "act-http@1.21.4")]
#[case("rollback_failed", "rb-fail@1.9.4")]
#[case("no_hypothesis", "nossh@1.19.0")]
fn each_outcome_in_each_format(#[case] outcome: &str, #[case] journal: &str) {
    for format in Format::ALL {
        insta::assert_snapshot!(format!("{outcome}.{format}"), shown(journal, *format));
    }
}
