//! What is different between two runs.

use std::collections::BTreeMap;

use chaostoolkit_api::{Run, Text};
use chaostoolkit_journal::{Step, StepStatus};

use crate::model::runs::{self, View};
use chaostoolkit_report::text::one_line as plain;
use chaostoolkit_report::times::age;

/// A run with the activities of its method, if the journal could be read.
pub struct Compared<'a> {
    /// The run.
    pub view: &'a View,
    /// The activities.
    pub steps: Option<&'a [Step]>,
}

/// Returns what is different: a name, and what it is in the one and in the other, in the order of a run.
#[must_use]
pub fn differences(first: &Compared<'_>, second: &Compared<'_>) -> Vec<Vec<String>> {
    let (before, after) = (facts(first), facts(second));
    let mut names: Vec<&String> = before.iter().map(|(name, _)| name).collect();
    let mut at = 0;
    for (name, _) in &after {
        at = names.iter().position(|known| *known == name).unwrap_or_else(|| {
            names.insert(at, name);
            at
        }) + 1;
    }
    let value = |facts: &[(String, String)], name: &String| {
        facts.iter().find(|(known, _)| known == name).map_or_else(String::new, |(_, value)| value.clone())
    };
    let rows = names.into_iter().filter_map(|name| {
        let (was, is) = (value(&before, name), value(&after, name));
        (was != is).then(|| vec![name.clone(), was, is])
    });
    rows.collect()
}

/// What is known of a run: names and values. Each name is there once.
fn facts(compared: &Compared<'_>) -> Vec<(String, String)> {
    let view = compared.view;
    let run = &view.run;
    let mut all: Vec<(String, String)> = Vec::new();
    let mut add = |name: &str, value: Option<String>| all.push((name.to_owned(), value.unwrap_or_default()));
    add("result", Some(runs::word(view).to_owned()));
    add("reason", Some(plain(&view.reason)));
    add("message", view.message.as_deref().map(plain));
    let warnings: Vec<&str> = view.warnings.iter().map(Text::as_str).collect();
    add("warnings", Some(warnings.join(", ")));
    add("conclusive", Some(view.conclusive.to_string()));
    add_states(&mut add, run);
    if let Some(steps) = compared.steps {
        for (name, said) in by_name(steps) {
            add(&format!("activity {name}"), Some(said));
        }
    }
    add(
        "rollbacks",
        run.rollbacks.as_ref().map(|rollbacks| {
            format!("{}, {} of {} failed", rollbacks.state.as_str(), rollbacks.failed, rollbacks.total)
        }),
    );
    add("took", run.duration_seconds.map(age));
    add("trigger", Some(format!("{:?}", run.trigger)));
    add("asked for by", run.requested_by.as_deref().map(plain));
    add("experiment", run.experiment.title.as_deref().map(plain));
    add("source", run.experiment.source.as_deref().map(plain));
    add("experiment sha256", run.experiment.sha256.as_deref().map(plain));
    add("spec hash", run.spec_hash.as_deref().map(plain));
    add("toolkit", run.toolkit.version.as_deref().map(plain));
    add("library", run.toolkit.lib.as_deref().map(plain));
    add("node", run.node_name.as_deref().map(plain));
    add("exit code", run.exit_code.map(|code| code.to_string()));
    all
}

fn add_states(add: &mut impl FnMut(&str, Option<String>), run: &Run) {
    let states = run.steady_state;
    add("hypothesis before", states.map(|states| states.before.as_str().to_owned()));
    add("hypothesis during", states.map(|states| states.during.as_str().to_owned()));
    add("hypothesis after", states.map(|states| states.after.as_str().to_owned()));
    add(
        "activities",
        run.activities.map(|counts| {
            format!("{} of {} succeeded, {} failed", counts.succeeded, counts.total, counts.failed)
        }),
    );
}

/// The activities by their names, each with all its results.
fn by_name(steps: &[Step]) -> BTreeMap<String, String> {
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for step in steps {
        let said = match step.status {
            StepStatus::Succeeded => "succeeded",
            StepStatus::Failed => "failed",
            StepStatus::Unfinished => "unfinished",
        };
        let all = found.entry(plain(&step.name)).or_default();
        *all = if all.is_empty() { said.to_owned() } else { format!("{all}, {said}") };
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use chaostoolkit_api::PastRun;
    use serde_json::json;

    fn run(number: i32, result: &str, library: &str) -> PastRun {
        serde_json::from_value(json!({
            "number": number, "podName": "p", "phase": "Completed", "outcome": result, "result": result, "reason": result,
            "durationSeconds": 9, "toolkit": {"lib": library}, "steadyState": {"before": "Met", "during": "NotEvaluated",
            "after": if result == "Passed" { "Met" } else { "NotMet" }},
        }))
        .unwrap()
    }

    fn steps(all: &[(&str, StepStatus)]) -> Vec<Step> {
        all.iter().map(|(name, status)| Step { name: (*name).to_owned(), status: *status }).collect()
    }

    #[test]
    fn only_what_differs_is_told_in_the_order_of_a_run() {
        let (first, second) = (run(1, "Passed", "1.45"), run(2, "Deviated", "1.46"));
        let before = steps(&[("kill", StepStatus::Succeeded), ("wait", StepStatus::Succeeded)]);
        let after = steps(&[
            ("kill", StepStatus::Failed),
            ("wait", StepStatus::Succeeded),
            ("more", StepStatus::Succeeded),
        ]);
        let found = differences(
            &Compared { view: &first, steps: Some(&before) },
            &Compared { view: &second, steps: Some(&after) },
        );
        let expected = [
            ["result", "Passed", "Deviated"],
            ["reason", "Passed", "Deviated"],
            ["hypothesis after", "Met", "NotMet"],
            ["activity kill", "succeeded", "failed"],
            ["activity more", "", "succeeded"],
            ["library", "1.45", "1.46"],
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_run_does_not_differ_from_itself() {
        let one = run(1, "Passed", "1.45");
        let compared = || Compared { view: &one, steps: None };
        assert_eq!(differences(&compared(), &compared()), Vec::<Vec<String>>::new());
    }
}
