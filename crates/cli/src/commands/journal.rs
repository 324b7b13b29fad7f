//! `journal`: the journal of a run, or all journals of a namespace as files.

use std::path::{Path, PathBuf};

use chaostoolkit_api::names::{self, JournalKey};
use chaostoolkit_report::text::{count, one_line};

use crate::access::Access;
use crate::args::JournalArgs;
use crate::failure::{Failure, Outcome};
use crate::model::runs;
use crate::model::select::{Number, Selection};
use crate::output::file::write;
use crate::output::ui::Ui;

/// Prints or saves journals.
pub async fn journal(access: &Access, ui: Ui, args: &JournalArgs) -> Outcome<()> {
    match (&args.selection, &args.output) {
        (Some(selection), output) => one(access, ui, selection, output.as_deref()).await,
        (None, Some(directory)) => all(access, ui, directory).await,
        (None, None) => Err(Failure::usage("give the name of an experiment, or --all and -o DIRECTORY")),
    }
}

async fn one(access: &Access, ui: Ui, selection: &Selection, output: Option<&Path>) -> Outcome<()> {
    let experiment = access.experiment(&selection.name).await?;
    let number = selection.run.unwrap_or(Number::Latest);
    let view = runs::find(&experiment, number).map_err(Failure::new)?;
    let bytes = access.journal(&experiment, &view).await?;
    if view.run.journal.as_ref().is_some_and(|journal| journal.truncated) {
        ui.warn("the journal lacks the outputs of its activities, since they did not fit into a ConfigMap");
    }
    match output {
        None => ui.raw(&bytes),
        Some(path) => write(path, &bytes),
    }
}

/// Saves all journals of the namespace. One that is broken does not keep the others from being saved.
async fn all(access: &Access, ui: Ui, directory: &Path) -> Outcome<()> {
    let maps = access.journal_names().await?;
    if maps.is_empty() {
        ui.say(&format!("there are no journals in namespace {}", access.namespace));
        return Ok(());
    }
    std::fs::create_dir_all(directory).map_err(|error| Failure::of_file("create", directory, error))?;
    let mut broken: i64 = 0;
    for map in &maps {
        let name = map.metadata.name.as_deref().unwrap_or_default();
        // The name becomes that of a file.
        if names::check_dns_subdomain(name).is_err() {
            continue;
        }
        match access.journals(name).await? {
            Ok(journals) => {
                for (key, bytes) in journals {
                    let path = path_of(directory, name, key);
                    write(&path, &bytes)?;
                    ui.line(&path.to_string_lossy())?;
                }
            }
            Err(problem) => {
                broken += 1;
                ui.warn(&one_line(&problem));
            }
        }
    }
    if broken > 0 {
        let message = format!(
            "{} could not be saved; the others are in {}",
            count(broken, "journal"),
            directory.display()
        );
        return Err(
            Failure::new(message).hint("`kubectl describe configmap NAME` shows what a broken one holds")
        );
    }
    Ok(())
}

/// The file for a journal of the `ConfigMap` with this name: `NAME.json`, or `NAME.2.json` for the second start of the toolkit.
fn path_of(directory: &Path, map: &str, key: JournalKey) -> PathBuf {
    directory.join(match key {
        JournalKey::Verdict => format!("{map}.json"),
        JournalKey::Start(start) => format!("{map}.{start}.json"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(JournalKey::Verdict, "d/m-1.json")]
    #[case(JournalKey::Start(2), "d/m-1.2.json")]
    fn files_have_the_names_of_their_runs(#[case] key: JournalKey, #[case] expected: &str) {
        assert_eq!(path_of(Path::new("d"), "m-1", key), Path::new(expected));
    }
}
