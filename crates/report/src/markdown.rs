//! Markdown, as GitHub and GitLab show it in summaries of jobs and in comments.

mod escape;
mod run;

use crate::comparison::{Changed, Comparison, Contributed, totals};
use crate::markdown::escape::text;
use crate::markdown::run::{mark, run};
use crate::model::Run;
use crate::report::Report;

/// The maximum length of a report in bytes. GitHub takes 1,024 KiB for the summary of a job,
/// <https://docs.github.com/en/actions/reference/workflow-commands#step-isolation-and-limits>. The rest is left for what
/// others write there.
pub const MAX_BYTES: usize = 900 * 1024;

/// The room for the sentence that says what was left out.
const RESERVE: usize = 512;

/// Writes a report as Markdown of at most [`MAX_BYTES`]. If it is longer, it ends after the last run that fits as a whole, and
/// says how many runs are left out. A single run that does not fit is written without outputs, or else as one line.
#[must_use]
pub fn write(report: &Report) -> String {
    write_within(report, MAX_BYTES)
}

fn write_within(report: &Report, max: usize) -> String {
    let level = if report.comparison.is_some() { 2 } else { 1 };
    let mut text =
        report.comparison.as_ref().map(|found| comparison(found, &report.runs)).unwrap_or_default();
    let room = max.saturating_sub(RESERVE);
    if text.len() > room {
        text = format!("# Chaos Toolkit report\n\n{}\n\n", totals(&report.runs));
    }
    for (at, found) in report.runs.iter().enumerate() {
        let fits = |part: &String| text.len() + part.len() <= room;
        let whole = Some(run(found, level, true)).filter(fits);
        // Only a report of one run goes on without outputs: of several, the others may be whole.
        let shorter = || Some(run(found, level, false)).filter(|part| at == 0 && fits(part));
        let note = "Outputs are left out, since the report would be too long for Markdown.\n\n";
        let Some(part) = whole.or_else(|| Some(shorter()? + note)) else {
            return text + &left_out(report.runs.len() - at, max);
        };
        text.push_str(&part);
    }
    text
}

fn left_out(runs: usize, max: usize) -> String {
    let (runs, are) = (crate::text::count(runs, "run"), if runs == 1 { "is" } else { "are" });
    let limit = max / 1024;
    format!(
        "{runs} {are} left out, since a report in Markdown has at most {limit} KiB. The format `html` has no limit.\n"
    )
}

fn comparison(comparison: &Comparison, runs: &[Run]) -> String {
    let mut parts = vec![format!("# Chaos Toolkit report\n\n{}\n\n", totals(runs))];
    parts.push(
        "| Run | Experiment | Hypothesis | Held | Result | Duration |\n|---|---|---|---|---|---|\n"
            .to_owned(),
    );
    for (row, run) in comparison.rows.iter().zip(runs) {
        let duration = row.duration_seconds.map(crate::times::duration).unwrap_or_default();
        parts.push(format!(
            "| {} | {} | {} | {} | {} {} | {duration} |\n",
            text(&row.run),
            text(&row.title),
            text(row.hypothesis.as_deref().unwrap_or_default()),
            row.held,
            mark(run),
            row.result
        ));
    }
    parts.push("\n".to_owned());
    let found = &comparison.contributions;
    for (title, entries) in
        [("Contributions of the experiments", &found.experiments), ("Contributions by tag", &found.tags)]
    {
        if !entries.is_empty() {
            parts.push(contributions(title, &found.names, entries));
        }
    }
    parts.extend(comparison.changes.iter().map(changed));
    parts.concat()
}

fn contributions(title: &str, names: &[String], entries: &[Contributed]) -> String {
    let names: Vec<String> = names.iter().map(|name| text(name)).collect();
    let row = |entry: &Contributed| {
        let levels = entry.levels.iter().map(|level| level.map_or("-", <&str>::from));
        format!("| {} | {} |\n", text(&entry.name), levels.collect::<Vec<&str>>().join(" | "))
    };
    let rows: String = entries.iter().map(row).collect();
    format!("## {title}\n\n| | {} |\n|---|{}\n{rows}\n", names.join(" | "), "---|".repeat(names.len()))
}

fn changed(changed: &Changed) -> String {
    let title = format!("## Changes from {} to {}\n\n", text(&changed.from), text(&changed.to));
    if changed.changes.is_empty() {
        return format!("{title}Nothing changed.\n\n");
    }
    let row = |change: &crate::comparison::Change| {
        format!("| {} | {} | {} |\n", text(&change.what), text(&change.from), text(&change.to))
    };
    let rows: String = changed.changes.iter().map(row).collect();
    format!("{title}| What | Before | After |\n|---|---|---|\n{rows}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Activity;

    fn run(name: &str, output: usize) -> Run {
        let mut run = Run { name: Some(name.to_owned()), ..Run::default() };
        run.method.items.push(Activity { output: Some("o".repeat(output)), ..Activity::default() });
        run
    }

    #[test]
    fn a_long_report_ends_after_a_whole_run_and_says_so() {
        let report = Report::new((0..9).map(|at| run(&format!("run{at}"), 3_000)).collect());
        let text = write_within(&report, 12 * 1024);
        assert!(text.len() <= 12 * 1024, "{}", text.len());
        assert!(text.ends_with("runs are left out, since a report in Markdown has at most 12 KiB. The format `html` has no limit.\n"));
        assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
        let whole = text.matches("<details>").count();
        assert!(
            (1..9).contains(&whole) && text.contains(&format!("{} runs are left out", 9 - whole)),
            "{text}"
        );
        assert!(!write(&report).contains("left out"));
    }

    #[test]
    fn a_single_run_that_is_too_long_loses_its_outputs() {
        let text = write_within(&Report::new(vec![run("long", 100_000)]), 4 * 1024);
        assert!(text.len() <= 4 * 1024 && text.contains("Outputs are left out"), "{text}");
        let mut longer = run("longer", 1);
        longer.experiment.description = Some("d".repeat(9_000));
        let text = write_within(&Report::new(vec![longer]), 4 * 1024);
        assert!(text.len() <= 4 * 1024 && text.contains("1 run is left out"), "{text}");
    }
}
