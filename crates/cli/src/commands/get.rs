//! `get`: an experiment and one of its runs.

use serde_json::Value;

use crate::access::Access;
use crate::access::experiments::read;
use crate::args::{Format, GetArgs};
use crate::commands::now;
use crate::failure::{Failure, Outcome};
use crate::model::runs;
use crate::model::select::{Number, Selection};
use crate::model::tree::tree;
use crate::output::objects;
use crate::output::ui::Ui;

/// Shows an experiment.
pub async fn get(access: &Access, ui: Ui, GetArgs { selection, output }: &GetArgs) -> Outcome<()> {
    let stored = access.stored(&selection.name).await?;
    show(access, ui, stored, selection, *output).await
}

/// Shows an experiment that was read.
pub async fn show(
    access: &Access,
    ui: Ui,
    stored: Value,
    selection: &Selection,
    output: Format,
) -> Outcome<()> {
    let experiment = read(stored.clone())?;
    let view = match selection.run {
        Some(number) => Some(runs::find(&experiment, number).map_err(Failure::new)?),
        None => runs::find(&experiment, Number::Latest).ok(),
    };
    if !matches!(output, Format::Table | Format::Wide) {
        // A run that is asked for by its number is printed alone.
        let is_run = selection.run.is_some() && output != Format::Name;
        let run = view.filter(|_| is_run).map(serde_json::to_value).transpose();
        let run = run.map_err(|error| Failure::new(format!("the run cannot be written: {error}")))?;
        return objects::print(ui, &run.unwrap_or(stored), output);
    }
    let steps = match &view {
        Some(view) => access.steps(&experiment, view).await,
        None => None,
    };
    ui.lines(&tree(&experiment, view.as_ref(), steps.as_deref(), now()))
}
