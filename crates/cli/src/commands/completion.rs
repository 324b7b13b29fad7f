//! `completion`, and the hidden command that kubectl calls.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::CommandFactory;
use clap_complete::{Shell as Known, generate};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::ListParams;
use kube::core::PartialObjectMeta;

use chaostoolkit_report::text::one_line;

use crate::access::Access;
use crate::args::{Cli, Global, Shell};
use crate::failure::{Failure, Outcome};
use crate::model::complete::{self, FILES, NO_FILES, Next, Place};
use crate::output::ui::Ui;

/// The program that kubectl looks for on the PATH.
const PROGRAM: &str = "kubectl_complete-chaostoolkit";

/// What it does.
const SCRIPT: &str = "#!/bin/sh\n# kubectl calls this to complete `kubectl chaostoolkit`.\nexec kubectl-chaostoolkit __complete \"$@\"\n";

/// How many names are offered.
const MOST: usize = 500;

/// How long a shell waits for names.
const PATIENCE: Duration = Duration::from_secs(3);

/// Prints or installs the completion.
pub fn completion(ui: Ui, shell: &Shell) -> Outcome<()> {
    let known = match shell {
        Shell::Install { directory } => return install(ui, directory.as_deref()),
        Shell::Bash => Known::Bash,
        Shell::Zsh => Known::Zsh,
        Shell::Fish => Known::Fish,
    };
    let mut script = Vec::new();
    generate(
        known,
        &mut Cli::command().bin_name("kubectl-chaostoolkit"),
        "kubectl-chaostoolkit",
        &mut script,
    );
    ui.raw(&script)
}

fn install(ui: Ui, directory: Option<&Path>) -> Outcome<()> {
    let own = || std::env::current_exe().ok()?.parent().map(Path::to_owned);
    let directory: PathBuf = match directory {
        Some(directory) => directory.to_owned(),
        None => own().ok_or_else(|| {
            Failure::new("cannot find the directory of this program").hint("give one with --directory")
        })?,
    };
    let path = directory.join(PROGRAM);
    let write = || -> std::io::Result<()> {
        std::fs::write(&path, SCRIPT)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))
    };
    write().map_err(|error| {
        Failure::of_file("write", &path, error).hint("--directory names another directory on the PATH")
    })?;
    ui.line(&path.to_string_lossy())?;
    let is_on_path =
        std::env::var_os("PATH").is_some_and(|all| std::env::split_paths(&all).any(|one| one == directory));
    if !is_on_path {
        ui.warn(&format!("{} is not on the PATH, so kubectl does not find it", directory.display()));
    }
    ui.hint(
        "kubectl completes plugins once its own completion is loaded: `source <(kubectl completion bash)`",
    );
    Ok(())
}

/// Prints what may come next, as Cobra does. If names cannot be had, there are none: a shell is no place for errors.
pub async fn complete(global: &Global, ui: Ui, words: &[String]) -> Outcome<()> {
    let next = complete::next(&Cli::command(), words);
    let (lines, directive) = match next {
        Next::File => (Vec::new(), FILES),
        Next::Nothing => (Vec::new(), NO_FILES),
        Next::Words(words) => {
            (words.iter().map(|(word, help)| complete::line(word, help)).collect(), NO_FILES)
        }
        Next::Experiment(place, prefix) => {
            (patient(experiments(&at(global, place), &prefix)).await, NO_FILES)
        }
        Next::Namespace(place, prefix) => (patient(namespaces(&at(global, place), &prefix)).await, NO_FILES),
    };
    let mut text = Vec::new();
    for line in lines.iter().map(String::as_str).chain([directive]) {
        writeln!(text, "{line}").map_err(|error| Failure::of_output(&error))?;
    }
    ui.raw(&text)
}

/// The options of all commands, as the line has them.
fn at(global: &Global, place: Place) -> Global {
    Global {
        namespace: place.namespace,
        context: place.context,
        kubeconfig: place.kubeconfig.map(PathBuf::from),
        ..global.clone()
    }
}

async fn patient(names: impl Future<Output = Outcome<Vec<String>>>) -> Vec<String> {
    tokio::time::timeout(PATIENCE, names).await.ok().and_then(Result::ok).unwrap_or_default()
}

async fn experiments(global: &Global, prefix: &str) -> Outcome<Vec<String>> {
    let access = Access::open(global).await?;
    let mut found = Vec::new();
    let each = |page: Vec<kube::api::DynamicObject>| {
        for object in &page {
            let name = object.metadata.name.as_deref().unwrap_or_default();
            if name.starts_with(prefix) && found.len() < MOST {
                let text = |key: &str| object.data["status"][key].as_str().unwrap_or_default();
                found.push(complete::line(
                    name,
                    one_line(&format!("{} {}", text("phase"), text("result"))).trim(),
                ));
            }
        }
        Ok(())
    };
    access.pages(false, None, each).await?;
    Ok(found)
}

async fn namespaces(global: &Global, prefix: &str) -> Outcome<Vec<String>> {
    let access = Access::open(global).await?;
    let api = access.cluster.namespaces();
    let doing = "list namespaces".to_owned();
    let found = access.cluster.call(doing, api.list_metadata(&ListParams::default())).await;
    let found = found.map_err(|error| access.failure(&error))?;
    let name = |one: PartialObjectMeta<Namespace>| one.metadata.name;
    Ok(found.items.into_iter().filter_map(name).filter(|name| name.starts_with(prefix)).take(MOST).collect())
}
