//! `history`: the runs of an experiment, as its status has them.

use chaostoolkit_api::Text;
use chaostoolkit_report::text::{cut, one_line};
use chaostoolkit_report::times;

use crate::access::Access;
use crate::args::{Format, HistoryArgs};
use crate::failure::Outcome;
use crate::model::runs::{self, View};
use crate::output::objects::{self, Items};
use crate::output::table;
use crate::output::ui::Ui;

/// The columns, and how many of them are for all tables.
const HEADER: [&str; 10] =
    ["RUN", "RESULT", "STARTED (UTC)", "TOOK", "TRIGGER", "REASON", "BY", "POD", "ROLLBACKS", "MESSAGE"];
const NARROW: usize = 6;

/// The longest message of a wide table, in columns.
const LONGEST: usize = 120;

/// Lists the runs, the newest first.
pub async fn history(access: &Access, ui: Ui, HistoryArgs { name, output }: &HistoryArgs) -> Outcome<()> {
    let experiment = access.experiment(name).await?;
    let runs = runs::of(&experiment);
    match output {
        Format::Table | Format::Wide if runs.is_empty() => {
            ui.say(&format!("experiment {} has not run yet", experiment.key()));
            Ok(())
        }
        Format::Table | Format::Wide => {
            let columns = if *output == Format::Wide { HEADER.len() } else { NARROW };
            let rows: Vec<Vec<String>> = runs.iter().map(|view| row(view, columns)).collect();
            ui.lines(&table::lines(&HEADER[..columns], &rows))
        }
        Format::Name => {
            let numbered = runs.iter().filter(|view| view.run.number > 0);
            let lines: Vec<String> =
                numbered.map(|view| format!("{}@{}", objects_name(name), view.run.number)).collect();
            ui.lines(&lines)
        }
        format => {
            let mut items = Items::new(*format);
            runs.iter().try_for_each(|view| items.add(ui, view))?;
            items.end(ui)
        }
    }
}

/// The name as this command takes it.
fn objects_name(name: &str) -> String {
    objects::name(name).rsplit('/').next().unwrap_or_default().to_owned()
}

fn row(view: &View, columns: usize) -> Vec<String> {
    let run = &view.run;
    let text = |text: Option<&str>| text.map(one_line).unwrap_or_default();
    let number = if run.number > 0 { format!("@{}", run.number) } else { String::new() };
    let started = run.started_at.as_ref().or(run.requested_at.as_ref());
    let mut cells = vec![
        number,
        runs::word(view).to_owned(),
        started.map(|time| times::date_time(time.0)).unwrap_or_default(),
        run.duration_seconds.map(times::age).unwrap_or_default(),
        format!("{:?}", run.trigger),
        one_line(&view.reason),
        text(run.requested_by.as_deref()),
        one_line(&run.pod_name),
        run.rollbacks.as_ref().map(|rollbacks| rollbacks.state.as_str().to_owned()).unwrap_or_default(),
        cut(&text(view.message.as_deref()), LONGEST),
    ];
    cells.truncate(columns);
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_run_has_a_cell_for_each_column() {
        let view: View = serde_json::from_value(json!({"number": 3, "podName": "p", "trigger": "Rerun", "durationSeconds": 70,
            "startedAt": "2026-01-01T00:00:00Z", "phase": "Completed", "outcome": "Passed", "result": "Passed", "reason": "Passed",
            "requestedBy": "dev", "message": "held\u{1b}[2J", "rollbacks": {"state": "Played", "total": 1, "failed": 0}}))
        .unwrap();
        let cells = row(&view, HEADER.len());
        let expected =
            ["@3", "Passed", "2026-01-01 00:00:00", "70s", "Rerun", "Passed", "dev", "p", "Played", "held"];
        assert_eq!(cells, expected);
        assert_eq!(row(&view, NARROW).len(), NARROW);
    }
}
