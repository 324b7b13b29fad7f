//! `report`: runs of experiments, or journals in files, as a report in one of several formats.

use std::io::Read;
use std::path::{Path, PathBuf};

use chaostoolkit_report::{Format, MAX_JOURNAL, Options, Report, Run, Style, render};

use crate::access::Access;
use crate::args::{Global, ReportArgs, ReportTo};
use crate::failure::{Failure, Outcome};
use crate::model::select::{Number, Selection};
use crate::output::file;
use crate::output::ui::Ui;

/// The variable with the file to whose end a step of a GitHub workflow writes Markdown.
/// <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#adding-a-job-summary>
const SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// How many files of a directory are read.
const MOST_FILES: usize = 1000;

/// Writes a report. Nothing is written if a part of it cannot be read.
pub async fn report(global: &Global, ui: Ui, args: &ReportArgs) -> Outcome<()> {
    let options = Options { outputs: args.outputs };
    let runs = if args.all {
        Access::open(global).await?.all_runs(options).await?
    } else {
        named(global, args, options).await?
    };
    if runs.is_empty() {
        return Err(Failure::new("there are no runs to report on"));
    }
    write(ui, &Report::new(runs), args.output, args.output_file.as_deref())
}

/// Writes reports on a run that was just read.
pub fn at_end(ui: Ui, runs: Vec<Run>, reports: &[ReportTo]) -> Outcome<()> {
    let report = Report::new(runs);
    reports.iter().try_for_each(|ReportTo { format, path }| write(ui, &report, *format, Some(path)))
}

fn write(ui: Ui, report: &Report, format: Format, path: Option<&Path>) -> Outcome<()> {
    let style = Style { color: path.is_none(), ..Style::default() };
    let text = render(report, format, style).map_err(of_report)?;
    // Only Markdown is for people who look at a workflow.
    let summary = std::env::var_os(SUMMARY).filter(|name| format == Format::Markdown && !name.is_empty());
    match path {
        Some(path) => file::write(path, text.as_bytes())?,
        None if summary.is_some() => {}
        None => ui.text(&text)?,
    }
    match summary.map(PathBuf::from) {
        Some(summary) => {
            file::append(&summary, &text)?;
            ui.say(&format!("the report is in the summary of the step ({SUMMARY})"));
        }
        None => path.into_iter().for_each(|path| ui.say(&format!("the report is in {}", path.display()))),
    }
    Ok(())
}

/// Reads what is named: files, directories and experiments.
async fn named(global: &Global, args: &ReportArgs, options: Options) -> Outcome<Vec<Run>> {
    let mut access = None;
    let mut runs = Vec::new();
    for name in &args.what {
        let path = Path::new(name);
        if path.is_dir() {
            runs.extend(of_directory(path, options)?);
        } else if path.exists() {
            runs.push(of_file(path, options)?);
        } else {
            let Selection { name, run } = selection(name)?;
            let wanted = run.or_else(|| (!args.history).then_some(Number::Latest));
            let access: &Access = match &mut access {
                Some(access) => access,
                none => none.insert(Access::open(global).await?),
            };
            runs.extend(access.runs(&access.experiment(&name).await?, wanted, options).await?);
        }
    }
    Ok(runs)
}

/// Reads what is no file as the name of an experiment.
fn selection(name: &str) -> Outcome<Selection> {
    name.parse().map_err(|problem| {
        let is_path = name.contains('/') || is_journal(Path::new(name));
        let kind = if is_path {
            "there is no such file".to_owned()
        } else {
            format!("no experiment has this name: {problem}")
        };
        Failure::new(format!("cannot report on {name:?}: {kind}"))
    })
}

/// Reads the journals of a directory, in the order of their names. Other files are left out.
fn of_directory(directory: &Path, options: Options) -> Outcome<Vec<Run>> {
    let fail = |error: std::io::Error| Failure::of_file("read", directory, error);
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        if path.is_file() && is_journal(&path) {
            paths.push(path);
        }
    }
    if paths.len() > MOST_FILES {
        return Err(Failure::new(format!("{} has more than {MOST_FILES} journals", directory.display()))
            .hint("name fewer files"));
    }
    paths.sort();
    paths.iter().map(|path| of_file(path, options)).collect()
}

/// Whether a file has the name of a journal, plain or compressed.
fn is_journal(path: &Path) -> bool {
    let plain = if path.extension().is_some_and(|end| end == "gz") {
        path.with_extension("")
    } else {
        path.to_owned()
    };
    plain.extension().is_some_and(|end| end == "json")
}

fn of_file(path: &Path, options: Options) -> Outcome<Run> {
    let mut bytes = Vec::new();
    let opened =
        std::fs::File::open(path).and_then(|file| file.take(MAX_JOURNAL + 1).read_to_end(&mut bytes));
    opened.map_err(|error| Failure::of_file("read", path, error))?;
    Run::from_journal(&path.to_string_lossy(), &bytes, options).map_err(of_report)
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn of_report(error: chaostoolkit_report::Error) -> Failure {
    Failure::new(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("a@2", None)]
    #[case("no/such.json", Some("there is no such file"))]
    #[case("journal-1.json", None)]
    #[case("A", Some("no experiment has this name"))]
    fn what_is_no_file_is_the_name_of_an_experiment(#[case] name: &str, #[case] expected: Option<&str>) {
        let found = selection(name).err().map(|failure| failure.message).unwrap_or_default();
        assert_eq!(found.is_empty(), expected.is_none(), "{found}");
        assert!(found.contains(expected.unwrap_or_default()), "{found}");
    }

    #[rstest]
    #[case("d/a.json", true)]
    #[case("a.json.gz", true)]
    #[case("a.gz", false)]
    #[case("json", false)]
    #[case("a.txt", false)]
    fn journals_are_known_by_their_names(#[case] name: &str, #[case] expected: bool) {
        assert_eq!(is_journal(Path::new(name)), expected);
    }

    #[test]
    fn a_broken_journal_among_good_ones_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let good = br#"{"status": "interrupted", "experiment": {"title": "t"}, "run": []}"#;
        std::fs::write(directory.path().join("a.json"), good).unwrap();
        std::fs::write(directory.path().join("notes.txt"), "x").unwrap();
        assert_eq!(of_directory(directory.path(), Options::default()).unwrap().len(), 1);
        std::fs::write(directory.path().join("b.json"), "{").unwrap();
        let failure = of_directory(directory.path(), Options::default()).unwrap_err();
        assert!(failure.message.contains("b.json"), "{}", failure.message);
    }
}
