//! Parses the command line, starts logging, and does what was asked.

use std::io::Write;

use anyhow::Context;
use chaostoolkit_operator::cli::{Cli, Command};
use chaostoolkit_operator::{api, runtime, telemetry};
use clap::Parser;

fn main() -> anyhow::Result<()> {
    let Cli { telemetry, command } = Cli::parse();
    telemetry::init(&telemetry)?;
    match command {
        Command::Run(args) => tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .context("cannot start the runtime")?
            .block_on(runtime::run(args)),
        Command::Crd => {
            let yaml = serde_saphyr::to_string(&api::crd()).context("cannot print the definition")?;
            std::io::stdout().write_all(yaml.as_bytes()).context("cannot write to standard output")
        }
    }
}
