//! The command line.

mod freeze;
mod reading;
mod report;
mod run;
mod values;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

pub use freeze::{FreezeArgs, UnfreezeArgs};
pub use reading::{
    CheckArgs, CompletionArgs, DiffArgs, ExplainArgs, GetArgs, HistoryArgs, JournalArgs, ListArgs, LogsArgs,
    NextArgs, Shell, WatchArgs,
};
pub use report::{ReportArgs, ReportTo};
pub use run::{NameArgs, RerunArgs, RescueArgs, RunArgs, WaitArgs};
pub use values::{Format, Variable};

/// Runs experiments of the Chaos Toolkit in a Kubernetes cluster, follows them, and tells how they ended.
///
/// Data goes to standard output. Progress and hints go to standard error. The exit codes are in docs/cli.md.
#[derive(Debug, Parser)]
#[command(name = "kubectl-chaostoolkit", bin_name = "kubectl chaostoolkit", version, max_term_width = 100)]
pub struct Cli {
    /// The options of all commands.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// The options of all commands.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Options of all commands")]
pub struct Global {
    /// Namespace of the experiments. Default: that of the context of the kubeconfig, or else chaostoolkit-crd.
    #[arg(short, long, global = true, value_name = "NAME", value_parser = values::namespace)]
    pub namespace: Option<String>,
    /// Context of the kubeconfig.
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// File with the kubeconfig. Default: the files of the variable KUBECONFIG, or else ~/.kube/config.
    #[arg(long, global = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// User to act as.
    #[arg(long = "as", global = true, value_name = "USER")]
    pub as_user: Option<String>,
    /// How long to wait for an answer of the API server.
    #[arg(long, global = true, value_name = "DURATION", default_value = "30s", value_parser = values::duration)]
    pub request_timeout: Duration,
    /// Print no colors. So does the variable `NO_COLOR`.
    #[arg(long, global = true)]
    pub no_color: bool,
    /// Print no progress and no hints.
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run an experiment from a file or a URL.
    Run(Box<RunArgs>),
    /// Run an experiment once more.
    Rerun(RerunArgs),
    /// Stop the run of an experiment. The toolkit plays its rollbacks.
    Abort(NameArgs),
    /// Play the rollbacks that the last run did not play, in another pod.
    Rescue(RescueArgs),
    /// Start no runs of an experiment until it is resumed. A run that goes on is not stopped.
    Suspend(NameArgs),
    /// Take back `suspend`.
    Resume(NameArgs),
    /// Let no run start, here or in the whole cluster. Can stop the runs that go on, too.
    Freeze(FreezeArgs),
    /// Take back `freeze`.
    Unfreeze(UnfreezeArgs),
    /// List experiments.
    List(ListArgs),
    /// Show an experiment and one of its runs.
    Get(GetArgs),
    /// List the runs of an experiment.
    History(HistoryArgs),
    /// List the times at which runs of schedules are due.
    Next(NextArgs),
    /// Print a line for each change of experiments until Ctrl-C.
    Watch(WatchArgs),
    /// Wait until a run has ended. The exit code tells how.
    Wait(WaitArgs),
    /// Print what the toolkit logs.
    Logs(LogsArgs),
    /// Print the journal of a run, or save all journals of a namespace.
    Journal(JournalArgs),
    /// Compare two runs of an experiment.
    Diff(DiffArgs),
    /// Write a report on runs, or on journals in files.
    Report(ReportArgs),
    /// Check a file with an experiment, or with `install` the installation of the operator.
    Check(CheckArgs),
    /// Show what the operator would create for a file, and what the run may do where. Needs no cluster.
    Explain(ExplainArgs),
    /// Print or install the completion of commands in a shell.
    Completion(CompletionArgs),
    /// Print completions as kubectl expects them.
    #[command(name = "__complete", hide = true)]
    Complete {
        /// The words so far. The last one is to be completed.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;
    use rstest::rstest;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[rstest]
    #[case::no_command("")]
    #[case::unknown("frobnicate")]
    #[case::nothing_to_run("run")]
    #[case::a_name_that_leads_elsewhere("get a/../b")]
    #[case::a_namespace_that_leads_elsewhere("get a -n a/b")]
    #[case::no_number("get a@x")]
    #[case::zero("get a@0")]
    #[case::no_duration("wait a --timeout soon")]
    #[case::no_days("next --days 0")]
    #[case::too_many_days("next --days 400")]
    #[case::no_variable("run -f x --env =1")]
    #[case::no_format("list -o xml")]
    #[case::no_exit_code("wait a --allow luck")]
    #[case::where_to("journal --all")]
    #[case::a_run_without_a_name("logs --run 2")]
    #[case::no_report("report")]
    #[case::no_format_of_reports("report a -o pdf")]
    #[case::two_ends("freeze --for 1h --until 2026-12-24T08:00:00Z")]
    #[case::a_time_without_a_zone("freeze --until 2026-12-24T08:00:00")]
    #[case::a_report_on_what_is_not_waited_for("run -f x --report junit=r.xml")]
    fn what_makes_no_sense_is_refused(#[case] line: &str) {
        let words = std::iter::once("kubectl-chaostoolkit").chain(line.split_whitespace());
        let error = Cli::try_parse_from(words).map(|_| ()).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{line}");
    }

    #[rstest]
    #[case(
        "run -f a.yaml -n x --env A=1 --env B= --image i --wait --timeout 30m --allow inconclusive,baseline"
    )]
    #[case("rerun a --follow")]
    #[case("get a@latest -o yaml")]
    #[case("get a@12")]
    #[case("list -A -l team=shop -o wide")]
    #[case("next --days 14")]
    #[case("logs -f a")]
    #[case("logs -f -l team=shop")]
    #[case("logs a --run 2")]
    #[case("journal a@2")]
    #[case("journal --all -o somewhere")]
    #[case("diff a @2 @3")]
    #[case("diff a")]
    #[case("report a@2 b -o html --output-file r.html --outputs")]
    #[case("report --all -o junit")]
    #[case("run -f x --wait --report junit=r.xml --report markdown=r.md")]
    #[case("check install --wait")]
    #[case("check a.yaml --server")]
    #[case("freeze")]
    #[case("freeze sale --for 2d --reason sale --abort-running")]
    #[case("unfreeze sale")]
    #[case("completion install")]
    #[case("__complete get -")]
    fn what_makes_sense_is_understood(#[case] line: &str) {
        let words = std::iter::once("kubectl-chaostoolkit").chain(line.split_whitespace());
        Cli::try_parse_from(words).unwrap_or_else(|error| panic!("{line}: {error}"));
    }
}
