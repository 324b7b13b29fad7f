//! The options of commands that only read.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use crate::args::values::{Format, duration, name};
use crate::model::select::{Number, Selection};

/// The options of `list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// List the experiments of all namespaces.
    #[arg(short = 'A', long)]
    pub all_namespaces: bool,
    /// List only experiments with these labels.
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    pub selector: Option<String>,
    /// In which form they are printed.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}

/// The options of `get`.
#[derive(Debug, Args)]
pub struct GetArgs {
    /// Name of the experiment, and number of the run: NAME, NAME@latest or NAME@3.
    #[arg(value_name = "NAME[@RUN]")]
    pub selection: Selection,
    /// In which form it is printed.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}

/// The options of `history`.
#[derive(Debug, Args)]
pub struct HistoryArgs {
    /// Name of the experiment.
    #[arg(value_parser = name)]
    pub name: String,
    /// In which form the runs are printed.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}

/// The options of `next`.
#[derive(Debug, Args)]
pub struct NextArgs {
    /// Name of an experiment. Default: all of the namespace.
    #[arg(value_parser = name)]
    pub name: Option<String>,
    /// Days to look ahead.
    #[arg(long, default_value_t = 14, value_parser = clap::value_parser!(u16).range(1..=366))]
    pub days: u16,
    /// List the times of the experiments in all namespaces.
    #[arg(short = 'A', long, conflicts_with = "name")]
    pub all_namespaces: bool,
    /// In which form the times are printed.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}

/// The options of `watch`.
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// Name of an experiment. Default: all of the namespace.
    #[arg(value_parser = name)]
    pub name: Option<String>,
    /// Watch the experiments of all namespaces.
    #[arg(short = 'A', long, conflicts_with = "name")]
    pub all_namespaces: bool,
    /// Watch only experiments with these labels.
    #[arg(short = 'l', long, value_name = "SELECTOR", conflicts_with = "name")]
    pub selector: Option<String>,
}

/// The options of `logs`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true).args(["name", "selector"]))]
pub struct LogsArgs {
    /// Name of the experiment.
    #[arg(value_parser = name)]
    pub name: Option<String>,
    /// Follow the logs, also of runs that start later. Ends when the run has ended. With a schedule, ends if the experiment
    /// is deleted, or with Ctrl-C.
    #[arg(short, long)]
    pub follow: bool,
    /// Number of the run. Default: the last one.
    #[arg(long, value_name = "NUMBER", requires = "name", conflicts_with = "follow")]
    pub run: Option<Number>,
    /// Print the logs of the experiments with these labels.
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    pub selector: Option<String>,
    /// End after this many runs.
    #[arg(long, value_name = "COUNT", requires = "follow", value_parser = clap::value_parser!(u32).range(1..))]
    pub runs: Option<u32>,
}

/// The options of `journal`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true).args(["selection", "all"]))]
pub struct JournalArgs {
    /// Name of the experiment, and number of the run: NAME, NAME@latest or NAME@3.
    #[arg(value_name = "NAME[@RUN]")]
    pub selection: Option<Selection>,
    /// Save all journals of the namespace, also of experiments that are gone.
    #[arg(long, requires = "output")]
    pub all: bool,
    /// Directory for the journals with --all, or else a file. Default: standard output.
    #[arg(short, long, value_name = "PATH")]
    pub output: Option<PathBuf>,
}

/// The options of `diff`.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// Name of the experiment.
    #[arg(value_parser = name)]
    pub name: String,
    /// Number of the first run, such as @2. Default: the one before the second.
    #[arg(value_name = "@RUN")]
    pub first: Option<Number>,
    /// Number of the second run, such as @3. Default: the last one.
    #[arg(value_name = "@RUN")]
    pub second: Option<Number>,
}

/// The options of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// A file with experiments or objects, `-` for standard input, the name of an experiment in the cluster, or the word `install`
    /// for the installation of the operator. (Write ./NAME for a file of such a name.)
    #[arg(value_name = "FILE|NAME|install")]
    pub what: String,
    /// Also ask the API server: whether it would accept the objects, and whether you may create them.
    #[arg(long)]
    pub server: bool,
    /// File that says which packages with extensions the images have, as `--known-extensions` of the operator.
    #[arg(long, value_name = "FILE")]
    pub known_extensions: Option<PathBuf>,
    /// With `install`: wait until the operator is ready, at most this long.
    #[arg(long, value_name = "DURATION", num_args = 0..=1, default_missing_value = "2m", value_parser = duration)]
    pub wait: Option<Duration>,
}

/// The options of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// A file with objects, or with an experiment as `chaos run` takes it. `-` reads standard input.
    #[arg(value_name = "FILE")]
    pub file: String,
    /// File with the templates, which is their `ConfigMap`. Default: the shipped ones.
    #[arg(long, value_name = "FILE")]
    pub templates: Option<PathBuf>,
}

/// The options of `completion`.
#[derive(Debug, Args)]
pub struct CompletionArgs {
    /// What to do.
    #[command(subcommand)]
    pub shell: Shell,
}

/// A shell, or the installation of the completion of kubectl.
#[derive(Clone, Debug, Subcommand)]
pub enum Shell {
    /// Install `kubectl_complete-chaostoolkit`, which kubectl calls to complete `kubectl chaostoolkit`.
    Install {
        /// Directory on the PATH. Default: that of this program.
        #[arg(long, value_name = "DIRECTORY")]
        directory: Option<PathBuf>,
    },
    /// Print the completion of `kubectl-chaostoolkit` for bash.
    Bash,
    /// Print the completion of `kubectl-chaostoolkit` for zsh.
    Zsh,
    /// Print the completion of `kubectl-chaostoolkit` for fish.
    Fish,
}
