//! `kubectl chaostoolkit`: runs experiments of the Chaos Toolkit in a cluster, follows them, and tells how they ended.
//!
//! The command talks to the API server with the rights of its user, and needs nothing of the operator but its objects.
//!
//! ```text
//!  args ─▶ commands ─▶ access ──▶ API server      calls, watches and logs
//!             │ ▲
//!             │ └───── model                      what to say about objects: pure
//!             ▼
//!          output                                 tables, colors, progress
//! ```

mod access;
mod args;
mod commands;
mod failure;
mod model;
mod output;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command};
use crate::output::ui::Ui;

fn main() -> ExitCode {
    let cli = parse();
    let ui = Ui::new(&cli.global);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = match runtime {
        Ok(runtime) => {
            let ended = runtime.block_on(commands::run(cli, &ui));
            // A read of standard input may never end.
            runtime.shutdown_background();
            ended
        }
        Err(error) => Err(failure::Failure::new(format!("cannot start the runtime: {error}"))),
    };
    match ended {
        Ok(code) => ExitCode::from(code.number()),
        Err(failure) => {
            ui.failure(&failure);
            ExitCode::from(failure.code.number())
        }
    }
}

/// Reads the command line. What kubectl wants completed is no command line yet, so it is taken as it is.
fn parse() -> Cli {
    let mut words = std::env::args().skip(1);
    if words.next().as_deref() != Some("__complete") {
        return Cli::parse();
    }
    let mut cli = Cli::parse_from(["kubectl-chaostoolkit", "__complete"]);
    cli.command = Command::Complete { words: words.collect() };
    cli
}
