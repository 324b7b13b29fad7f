//! The line that `watch` prints for an experiment, if it has changed.

use std::collections::HashMap;

use chaostoolkit_api::{Experiment, Text};
use chaostoolkit_report::text::one_line;

use crate::model::runs;
use crate::model::select::Number;

/// What was last said about each experiment, by its uid.
#[derive(Debug, Default)]
pub struct Said(HashMap<String, String>);

impl Said {
    /// Returns what to say about an experiment: phase, result, run, and the message. Nothing if all of it was said before.
    pub fn changed(&mut self, experiment: &Experiment) -> Option<[String; 4]> {
        let cells = cells(experiment);
        let text = cells.join("\n");
        let before = self.0.insert(experiment.uid().to_owned(), text.clone());
        (before.as_ref() != Some(&text)).then_some(cells)
    }

    /// Forgets an experiment that is gone. Returns whether something was said about it.
    pub fn gone(&mut self, experiment: &Experiment) -> bool {
        self.0.remove(experiment.uid()).is_some()
    }
}

fn cells(experiment: &Experiment) -> [String; 4] {
    let status = experiment.status.clone().unwrap_or_default();
    let phase = if experiment.is_deleting() {
        "Terminating"
    } else {
        status.phase.map_or("", |phase| phase.as_str())
    };
    let result = status.result.map_or("", |result| result.as_str());
    let run = runs::find(experiment, Number::Latest)
        .map_or_else(|_| String::new(), |view| format!("@{}", view.run.number));
    [phase.to_owned(), result.to_owned(), run, one_line(status.message.as_deref().unwrap_or_default())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_a_change_is_told() {
        let of = |phase: &str, version: &str| -> Experiment {
            let metadata = json!({"name": "x", "uid": "u", "resourceVersion": version});
            serde_json::from_value(
                json!({"metadata": metadata, "status": {"phase": phase, "message": "a\u{1b}[2Jb"}}),
            )
            .unwrap()
        };
        let mut said = Said::default();
        let first = said.changed(&of("Starting", "1")).unwrap();
        assert_eq!(first, ["Starting", "", "", "ab"]);
        assert_eq!(said.changed(&of("Starting", "2")), None);
        assert!(said.changed(&of("Running", "3")).is_some());
        assert!(said.gone(&of("Running", "3")) && !said.gone(&of("Running", "3")));
    }
}
