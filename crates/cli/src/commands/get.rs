//! `get`: an experiment and one of its runs.

use serde_json::Value;

use chaostoolkit_api::Experiment;
use chaostoolkit_report::{Options, Overview, Run, Style, terminal};

use crate::access::Access;
use crate::access::experiments::read;
use crate::access::runs::known;
use crate::args::{Format, GetArgs};
use crate::commands::now;
use crate::failure::{Failure, Outcome};
use crate::model::runs;
use crate::model::select::Number;
use crate::output::objects;
use crate::output::ui::Ui;

/// Shows an experiment.
pub async fn get(access: &Access, ui: Ui, GetArgs { selection, output }: &GetArgs) -> Outcome<()> {
    let stored = access.stored(&selection.name).await?;
    if !is_for_people(*output) {
        return print(ui, stored, selection.run, *output);
    }
    let experiment = read(stored)?;
    if let Some(number) = selection.run {
        runs::find(&experiment, number).map_err(Failure::new)?;
    }
    let number = selection.run.unwrap_or(Number::Latest);
    let runs = access.runs(&experiment, Some(number), Options::default()).await;
    show(ui, &experiment, known(&experiment, number, &runs).as_ref())
}

/// Whether a form of output shows a run with its activities.
pub const fn is_for_people(output: Format) -> bool {
    matches!(output, Format::Table | Format::Wide)
}

/// Shows an experiment with one of its runs to people.
pub fn show(ui: Ui, experiment: &Experiment, run: Option<&Run>) -> Outcome<()> {
    let style = Style { color: true, ..Style::default() };
    ui.text(&terminal::overview(&Overview::of(experiment), run, now(), style))
}

/// Prints an experiment for programs. A run that is asked for by its number is printed alone.
pub fn print(ui: Ui, stored: Value, number: Option<Number>, output: Format) -> Outcome<()> {
    let Some(number) = number.filter(|_| output != Format::Name) else {
        return objects::print(ui, &stored, output);
    };
    let view = runs::find(&read(stored)?, number).map_err(Failure::new)?;
    let run = serde_json::to_value(view);
    let run = run.map_err(|error| Failure::new(format!("the run cannot be written: {error}")))?;
    objects::print(ui, &run, output)
}
