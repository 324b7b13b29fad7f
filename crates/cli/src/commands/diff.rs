//! `diff`: what changed between two runs.

use chaostoolkit_report::{Options, Style, terminal};

use crate::access::Access;
use crate::access::runs::known;
use crate::args::DiffArgs;
use crate::failure::{Failure, Outcome};
use crate::model::runs::{self, View};
use crate::model::select::Number;
use crate::output::ui::Ui;

/// Compares two runs.
pub async fn diff(access: &Access, ui: Ui, args: &DiffArgs) -> Outcome<()> {
    let experiment = access.experiment(&args.name).await?;
    let find = |number: Number| runs::find(&experiment, number).map_err(Failure::new);
    let second = find(args.second.unwrap_or(Number::Latest))?;
    let first = match args.first {
        Some(first) => find(first)?,
        None => before(&runs::of(&experiment), &second).ok_or_else(|| {
            Failure::new(format!("the status of experiment {} has only one run", experiment.key()))
                .hint(format!("`kubectl chaostoolkit rerun {}` runs it once more", args.name))
        })?,
    };
    let mut compared = Vec::new();
    for view in [first, second] {
        let number = Number::Of(view.run.number);
        let read = access.runs(&experiment, Some(number), Options::default()).await;
        compared.extend(known(&experiment, number, &read));
    }
    let [earlier, later] = &compared[..] else {
        return Err(Failure::new("one of the runs is not on the status any more"));
    };
    if [earlier, later].iter().any(|run| run.source.journal.is_none()) {
        ui.hint("the journals of both runs would tell more, and at least one cannot be read");
    }
    ui.text(&terminal::diff(earlier, later, Style { color: true, ..Style::default() }))
}

/// Returns the newest run before another one.
fn before(runs: &[View], view: &View) -> Option<View> {
    let earlier = |one: &&View| one.run.number > 0 && one.run.number < view.run.number;
    runs.iter().filter(earlier).max_by_key(|one| one.run.number).cloned()
}
