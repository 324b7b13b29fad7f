//! The options of commands that start, stop and wait for runs.

use std::time::Duration;

use clap::Args;

use crate::args::report::ReportTo;
use crate::args::values::{Format, Variable, duration, name, namespace, variable};
use crate::model::allow::Allowed;

/// The options of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Where the experiment comes from: a file, `-` for standard input, or an http or https URL. The file is an experiment as
    /// `chaos run` takes it, or a `ChaosToolkitExperiment`, in JSON or YAML.
    #[arg(short, long, value_name = "FILE|URL")]
    pub file: String,
    /// Name of the object. Default: that of the manifest, or else one made from the name of the file.
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub name: Option<String>,
    /// Namespace in which the run takes place. Default: that of the manifest, or else that of the operator.
    #[arg(long, value_name = "NAME", value_parser = namespace)]
    pub run_namespace: Option<String>,
    /// Image with the Chaos Toolkit.
    #[arg(long, value_name = "IMAGE")]
    pub image: Option<String>,
    /// A variable of the environment of the run. May be given several times.
    #[arg(long, value_name = "NAME=VALUE", value_parser = variable)]
    pub env: Vec<Variable>,
    /// Print the object, and create nothing.
    #[arg(long, conflicts_with_all = ["wait", "follow"])]
    pub dry_run: bool,
    /// How to wait for the end.
    #[command(flatten)]
    pub waiting: WaitingArgs,
    /// In which form the object is printed.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}

/// How to wait for the end of a run.
#[derive(Clone, Debug, Args)]
#[command(group = clap::ArgGroup::new("is_waiting").multiple(true))]
pub struct WaitingArgs {
    /// Wait for the end of the run. The exit code tells how it ended.
    #[arg(short, long, group = "is_waiting")]
    pub wait: bool,
    /// Wait, and tell what the toolkit does meanwhile.
    #[arg(long, group = "is_waiting")]
    pub follow: bool,
    /// How long to wait. The run goes on when the time is over. Default: for ever.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub timeout: Option<Duration>,
    /// Ends that count as a success, so that the exit code is 0.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "END")]
    pub allow: Vec<Allowed>,
    /// Write a report at the end: terminal, markdown, html, junit, ctrf or json. May be given several times.
    #[arg(long, value_name = "FORMAT=FILE", requires = "is_waiting")]
    pub report: Vec<ReportTo>,
}

/// The options of `rerun`.
#[derive(Debug, Args)]
pub struct RerunArgs {
    /// Name of the experiment.
    #[arg(value_parser = name)]
    pub name: String,
    /// How to wait for the end.
    #[command(flatten)]
    pub waiting: WaitingArgs,
    /// In which form the experiment is printed after its end.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}

/// The options of `rescue`.
#[derive(Debug, Args)]
pub struct RescueArgs {
    /// Name of the experiment.
    #[arg(value_parser = name)]
    pub name: String,
}

/// The options of commands that take a name alone.
#[derive(Debug, Args)]
pub struct NameArgs {
    /// Name of the experiment.
    #[arg(value_parser = name)]
    pub name: String,
}

/// The options of `wait`.
#[derive(Debug, Args)]
pub struct WaitArgs {
    /// Name of the experiment.
    #[arg(value_parser = name)]
    pub name: String,
    /// How long to wait. The run goes on when the time is over. Default: for ever.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub timeout: Option<Duration>,
    /// Ends that count as a success, so that the exit code is 0.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "END")]
    pub allow: Vec<Allowed>,
    /// Write a report at the end: terminal, markdown, html, junit, ctrf or json. May be given several times.
    #[arg(long, value_name = "FORMAT=FILE")]
    pub report: Vec<ReportTo>,
    /// In which form the experiment is printed after its end.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}
