//! The options of reports.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use chaostoolkit_report::Format;

/// The options of `report`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true).args(["what", "all"]))]
pub struct ReportArgs {
    /// What to report on: experiments as NAME, NAME@latest or NAME@3, files with journals, or directories with such files. A file
    /// or a directory of this name goes first.
    #[arg(value_name = "NAME[@RUN]|FILE|DIRECTORY")]
    pub what: Vec<String>,
    /// Report on all runs that the status of an experiment has, and not on the last one alone.
    #[arg(long)]
    pub history: bool,
    /// Report on all experiments of the namespace, and on the journals that are left of experiments that are gone.
    #[arg(long, conflicts_with = "what")]
    pub all: bool,
    /// The format of the report.
    #[arg(short, long, value_name = "FORMAT", default_value = "terminal", value_parser = format_parser())]
    pub output: Format,
    /// File to write. Default: standard output.
    #[arg(long, value_name = "FILE")]
    pub output_file: Option<PathBuf>,
    /// Also show outputs, arguments, the configuration and whole exceptions. They may hold secrets.
    #[arg(long)]
    pub outputs: bool,
}

/// A report that is written at the end of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportTo {
    /// Its format.
    pub format: Format,
    /// The file.
    pub path: PathBuf,
}

impl FromStr for ReportTo {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (format, path) =
            text.split_once('=').filter(|(_, path)| !path.is_empty()).ok_or("must be FORMAT=FILE")?;
        let formats: Vec<&str> = Format::ALL.iter().map(<&'static str>::from).collect();
        let format =
            format.parse().map_err(|_| format!("the format must be one of {}", formats.join(", ")))?;
        Ok(Self { format, path: PathBuf::from(path) })
    }
}

/// Reads the name of a format.
fn format_parser() -> impl TypedValueParser<Value = Format> {
    let names = Format::ALL.iter().map(<&'static str>::from);
    PossibleValuesParser::new(names).try_map(|name| name.parse::<Format>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("junit=a.xml", Some((Format::Junit, "a.xml")))]
    #[case("html=a=b.html", Some((Format::Html, "a=b.html")))]
    #[case("pdf=a.pdf", None)]
    #[case("junit", None)]
    #[case("junit=", None)]
    #[case("=a", None)]
    fn a_report_has_a_format_and_a_file(#[case] text: &str, #[case] expected: Option<(Format, &str)>) {
        let expected = expected.map(|(format, path)| ReportTo { format, path: PathBuf::from(path) });
        assert_eq!(text.parse().ok(), expected);
    }
}
