//! The commands, one file for each.

mod actions;
mod check;
mod completion;
mod diff;
mod explain;
mod freeze;
mod get;
mod history;
mod input;
mod install;
mod journal;
mod list;
mod logs;
mod next;
mod report;
mod rerun;
mod run;
mod steps;
mod wait;
mod waiting;
mod watch;

use chaostoolkit_journal::ExitCode;
use k8s_openapi::jiff::Timestamp;

use crate::access::Access;
use crate::args::{Cli, Command};
use crate::failure::Outcome;
use crate::output::ui::Ui;

/// Runs the command, and returns the exit code.
pub async fn run(Cli { global, command }: Cli, ui: &Ui) -> Outcome {
    let ui = *ui;
    let done = |()| ExitCode::Passed;
    let open = || Access::open(&global);
    match command {
        // These need no cluster, or not always.
        Command::Run(args) => run::run(&global, ui, &args).await,
        Command::Check(args) => check::check(&global, ui, &args).await,
        Command::Explain(args) => explain::explain(&global, ui, &args).map(done),
        Command::Completion(args) => completion::completion(ui, &args.shell).map(done),
        Command::Report(args) => report::report(&global, ui, &args).await.map(done),
        Command::Complete { words } => completion::complete(&global, ui, &words).await.map(done),
        Command::Rerun(args) => rerun::rerun(&open().await?, ui, &args).await,
        Command::Abort(args) => actions::abort(&open().await?, ui, &args.name).await.map(done),
        Command::Rescue(args) => actions::rescue(&open().await?, ui, &args.name).await.map(done),
        Command::Suspend(args) => actions::suspend(&open().await?, ui, &args.name).await.map(done),
        Command::Resume(args) => actions::resume(&open().await?, ui, &args.name).await.map(done),
        Command::Freeze(args) => freeze::freeze(&open().await?, ui, &args).await.map(done),
        Command::Unfreeze(args) => freeze::unfreeze(&open().await?, ui, &args).await.map(done),
        Command::List(args) => list::list(&open().await?, ui, &args).await.map(done),
        Command::Get(args) => get::get(&open().await?, ui, &args).await.map(done),
        Command::History(args) => history::history(&open().await?, ui, &args).await.map(done),
        Command::Next(args) => next::next(&open().await?, ui, &args).await.map(done),
        Command::Watch(args) => watch::watch(&open().await?, ui, &args).await,
        Command::Wait(args) => wait::wait(&open().await?, ui, &args).await,
        Command::Logs(args) => logs::logs(&open().await?, ui, &args).await,
        Command::Journal(args) => journal::journal(&open().await?, ui, &args).await.map(done),
        Command::Diff(args) => diff::diff(&open().await?, ui, &args).await.map(done),
    }
}

/// The time, by the clock of this machine.
#[expect(clippy::disallowed_methods, reason = "the operator's clock is that of its API server")]
fn now() -> Timestamp {
    Timestamp::now()
}
