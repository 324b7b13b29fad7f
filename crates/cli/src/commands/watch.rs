//! `watch`: a line for each change of experiments, until Ctrl-C.

use std::pin::pin;

use futures::StreamExt;

use chaostoolkit_journal::ExitCode;
use chaostoolkit_report::text::{cut, one_line};

use crate::access::Access;
use crate::access::experiments::read;
use crate::access::watching::Change;
use crate::args::WatchArgs;
use crate::commands::now;
use crate::failure::{Failure, Outcome};
use crate::model::moved::Said;
use crate::output::table::Table;
use crate::output::ui::Ui;

/// The longest message that is shown, in columns.
const LONGEST: usize = 100;

/// The widths of the columns, by examples.
const EXAMPLE: [&str; 6] =
    ["00:00:00", "an-experiment-of-some-length", "Terminating", "BaselineNotMet", "@999", ""];

/// Prints a line for each change.
pub async fn watch(access: &Access, ui: Ui, args: &WatchArgs) -> Outcome {
    if let Some(name) = &args.name {
        access.stored(name).await?;
    }
    let table = Table::fitting([&EXAMPLE.map(str::to_owned).to_vec()]);
    let header = ["TIME", "NAME", "PHASE", "RESULT", "RUN", "MESSAGE"].map(str::to_owned);
    ui.line(&table.line(&header, false))?;
    let mut changes =
        pin!(access.watch(args.name.as_deref(), args.all_namespaces, args.selector.as_deref())?);
    let mut interrupt = pin!(tokio::signal::ctrl_c());
    let mut said = Said::default();
    loop {
        let change = tokio::select! {
            change = changes.next() => change,
            _ = &mut interrupt => return Ok(ExitCode::Interrupted),
        };
        let Some(change) = change.transpose()? else { return Err(Failure::new("the watch has ended")) };
        let (stored, is_gone) = match change {
            Change::Is(stored) => (stored, false),
            Change::Gone(stored) => (stored, true),
            Change::Listed => continue,
            Change::Broken(why) => {
                ui.hint(&format!("the watch is broken and begins again: {why}"));
                continue;
            }
        };
        // One that cannot be read does not hide the others.
        let Ok(experiment) = read(stored) else { continue };
        let name = if args.all_namespaces { experiment.key() } else { experiment.name().to_owned() };
        let cells = if is_gone {
            said.gone(&experiment)
                .then(|| ["Deleted".to_owned(), String::new(), String::new(), String::new()])
        } else {
            said.changed(&experiment)
        };
        if let Some([phase, result, run, message]) = cells {
            let time = now().strftime("%H:%M:%S").to_string();
            ui.line(&table.line(&[time, one_line(&name), phase, result, run, cut(&message, LONGEST)], true))?;
            if is_gone && args.name.is_some() {
                return Ok(ExitCode::Passed);
            }
        }
    }
}
