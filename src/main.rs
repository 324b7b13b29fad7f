//! Parses the command line, starts logging, and does what was asked.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Parser;

use chaostoolkit_operator::cli::{Cli, Command, JournalArgs, RenderArgs};
use chaostoolkit_operator::commands::{cleanup, journal, render};
use chaostoolkit_operator::process::telemetry;
use chaostoolkit_operator::{controller, yaml};

fn main() -> anyhow::Result<()> {
    let Cli { telemetry, command } = Cli::parse();
    telemetry::init(&telemetry)?;
    match command {
        Command::Run(args) => tokio()?.block_on(controller::run(args)),
        Command::Cleanup(args) => tokio()?.block_on(cleanup::run(args)),
        Command::Crd => {
            print(&serde_saphyr::to_string(&chaostoolkit_api::crd()).context("cannot print the definition")?)
        }
        Command::Render(RenderArgs { file, templates, have }) => {
            let templates = templates.map(|path| read(&path)).transpose()?;
            let objects = render::render(&read(&file)?, templates.as_deref(), &have)?;
            let documents: Vec<String> = objects.iter().map(yaml::write).collect();
            print(&documents.join("---\n"))
        }
        Command::Journal(JournalArgs { files }) => judge(&files),
    }
}

fn tokio() -> anyhow::Result<tokio::runtime::Runtime> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(2).enable_all().build().context("cannot start the runtime")
}

fn judge(files: &[PathBuf]) -> anyhow::Result<()> {
    let mut unread = 0;
    for file in files {
        let (line, is_read) = journal::line(file);
        unread += usize::from(!is_read);
        print(&format!("{line}\n"))?;
    }
    ensure!(unread == 0, "{unread} of {} files could not be read", files.len());
    Ok(())
}

fn print(text: &str) -> anyhow::Result<()> {
    std::io::stdout().write_all(text.as_bytes()).context("cannot write to standard output")
}

fn read(path: &Path) -> anyhow::Result<String> {
    if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("cannot read standard input")?;
        return Ok(text);
    }
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
