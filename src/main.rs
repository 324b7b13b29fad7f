//! Parses the command line, starts logging, and runs the subcommand.

use anyhow::Context;
use clap::Parser;

use chaostoolkit_operator::cli::{Cli, Command};
use chaostoolkit_operator::commands::{cleanup, crd, fields_policy, journal, render, run};
use chaostoolkit_operator::process::telemetry;

fn main() -> anyhow::Result<()> {
    let Cli { telemetry, command } = Cli::parse();
    telemetry::init(&telemetry.log, telemetry.log_format)?;
    match command {
        Command::Run(args) => tokio()?.block_on(run::run(*args)),
        Command::Cleanup(args) => tokio()?.block_on(cleanup::run(args)),
        Command::Crd => crd::run(),
        Command::FieldsPolicy => fields_policy::run(),
        Command::Render(args) => render::run(&args),
        Command::Journal(args) => journal::run(&args),
    }
}

fn tokio() -> anyhow::Result<tokio::runtime::Runtime> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(2).enable_all().build().context("cannot start the runtime")
}
