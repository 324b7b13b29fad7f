//! Reads a journal into the model. The verdict on it is that of the journal crate.

mod activity;
mod evaluation;
mod experiment;
mod field;

use chaostoolkit_journal::{Detail, Error as Cause, Journal, Summary, frame, rate};
use serde_json::Value;

use crate::bounded;
use crate::error::Error;
use crate::journal::field::Fields;
use crate::model::{RollbackSummary, Run, Source, Toolkit};
use crate::options::Options;
use crate::redact::{MAX_NAME, MAX_TEXT, Redactor};

/// The maximum length of an unpacked journal in bytes. It is that of the operator.
pub const MAX_JOURNAL: u64 = 256 * 1024 * 1024;

/// How a file begins that is compressed with gzip.
const GZIP: [u8; 2] = [0x1f, 0x8b];

impl Run {
    /// Reads a run from its journal, which may be compressed with gzip. `from` is the file or the object, for errors and
    /// for the name of the run.
    ///
    /// The journal may be of any version of the toolkit from 1.0 to 1.21. Whatever else it holds is read with limits:
    /// 64 KiB of a text, 40 levels of an output, and 1,000 activities of a list. Fails if this is not a journal, or if it has
    /// more than [`MAX_JOURNAL`] bytes.
    pub fn from_journal(from: &str, bytes: &[u8], options: Options) -> Result<Self, Error> {
        let failed = |cause| Error::Journal { from: crate::text::one_line(from), cause };
        let run = if bytes.starts_with(&GZIP) {
            read(|| frame::unpack(bytes), MAX_JOURNAL, options)
        } else {
            read(|| bytes, MAX_JOURNAL, options)
        };
        let mut run = run.map_err(failed)?;
        run.source.journal = Some(crate::text::cut(&crate::text::one_line(from), MAX_TEXT));
        Ok(run)
    }
}

fn read<R: std::io::Read>(open: impl Fn() -> R, limit: u64, options: Options) -> Result<Run, Cause> {
    let judged = chaostoolkit_journal::read(|| Ok(open()), limit)?;
    let json = bounded::read(chaostoolkit_journal::as_json(open(), limit)).map_err(Cause::from)?;
    Ok(run(&judged, &json, options))
}

fn run(judged: &Journal, json: &Value, options: Options) -> Run {
    let summary = Summary::of(judged);
    let experiment = &json["experiment"];
    let redactor = Redactor::new(experiment);
    let start = json.time("start");
    let reader = activity::Reader { redactor: &redactor, options, start };
    let word = |field: &str| json.line(field, &redactor, MAX_NAME);
    let line = |text: &str| redactor.line(text, MAX_NAME);
    let states = &json["steady_states"];
    Run {
        source: Source::default(),
        started_at: start,
        finished_at: json.time("end"),
        duration_seconds: summary.duration_seconds,
        outcome: Some(summary.outcome),
        result: Some(rate(summary.outcome, &summary.warnings).result),
        conclusive: summary.conclusive,
        doubt: summary.doubt.clone(),
        detail: summary.detail.map(|detail| redacted(detail, &redactor)),
        forbidden: summary.forbidden.clone(),
        status: word("status"),
        deviated: summary.deviated,
        dry: experiment::dry(experiment, &redactor),
        interruption: experiment::interruption(&json["interruption"], &redactor),
        experiment: experiment::declared(experiment, &redactor, options),
        toolkit: Toolkit {
            lib: summary.toolkit.lib.as_deref().map(line),
            platform: word("platform"),
            host: word("node"),
            ..Toolkit::default()
        },
        steady_state: Some(summary.steady_state),
        hypothesis: evaluation::read(states, &reader),
        method: reader.list(&json["run"]),
        rollbacks: reader.list(&json["rollbacks"]),
        rollback_summary: Some(RollbackSummary {
            strategy: summary.rollbacks.strategy.as_deref().map(line),
            state: summary.rollbacks.state,
            total: summary.rollbacks.total,
            failed: summary.rollbacks.failed,
        }),
        warnings: summary.warnings,
        ..Run::default()
    }
}

/// The judge cuts the texts of an activity. They are still those of the author.
fn redacted(detail: Detail, redactor: &Redactor) -> Detail {
    let line = |text: String| redactor.line(&text, MAX_NAME);
    Detail {
        activity: line(detail.activity),
        phase: detail.phase,
        returned: detail.returned.map(line),
        expected: detail.expected.map(line),
        error: detail.error.map(line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_that_is_too_long_is_refused() {
        let long = format!("{{\"status\": \"completed\", \"run\": [],{}\"end\": null}}", " ".repeat(1_000));
        assert_eq!(read(|| long.as_bytes(), 1_000, Options::default()), Err(Cause::TooLong));
        assert!(read(|| long.as_bytes(), 2_000, Options::default()).is_ok());
    }
}
