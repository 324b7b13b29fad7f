//! `diff`: what is different between two runs.

use crate::access::Access;
use crate::args::DiffArgs;
use crate::failure::{Failure, Outcome};
use crate::model::compare::{Compared, differences};
use crate::model::runs::{self, View};
use crate::model::select::Number;
use crate::output::table;
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
    let before = access.steps(&experiment, &first).await;
    let after = access.steps(&experiment, &second).await;
    // Activities are compared only if both journals tell of them.
    let has_both = before.is_some() && after.is_some();
    let of = |view, steps| Compared { view, steps };
    let (steps, later) = (before.as_deref().filter(|_| has_both), after.as_deref().filter(|_| has_both));
    let rows = differences(&of(&first, steps), &of(&second, later));
    if !has_both {
        ui.hint("the journals of both runs would tell more, and at least one cannot be read");
    }
    let names = [first.run.number, second.run.number].map(|number| format!("@{number}"));
    if rows.is_empty() {
        ui.say(&format!("nothing is different between {} and {}", names[0], names[1]));
        return Ok(());
    }
    ui.lines(&table::lines(&["WHAT", &names[0], &names[1]], &rows))
}

/// Returns the newest run before another one.
fn before(runs: &[View], view: &View) -> Option<View> {
    let earlier = |one: &&View| one.run.number > 0 && one.run.number < view.run.number;
    runs.iter().filter(earlier).max_by_key(|one| one.run.number).cloned()
}
