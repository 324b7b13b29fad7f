//! What changed between two runs.

use serde::Serialize;

use crate::model::{Activity, Evaluation, Run};
use crate::times;

/// The smallest change of a duration that is listed: this share of the longer one, and this number of seconds.
const MIN_SHARE: f64 = 0.2;
const MIN_SECONDS: f64 = 1.0;
/// The maximum number of differences.
const MAX_CHANGES: usize = 100;

/// A difference between two runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What differs, such as `result` or `method: terminate the pods`.
    pub what: String,
    /// The value in the earlier run. `-` if it has none.
    pub from: String,
    /// The value in the later run. `-` if it has none.
    pub to: String,
}

/// Lists the differences between two runs, at most 100. Differences of durations count from 20 percent and 1 second on.
#[must_use]
pub fn changes(earlier: &Run, later: &Run) -> Vec<Change> {
    let mut found = Found::default();
    found.compare("title", earlier.experiment.title.as_ref(), later.experiment.title.as_ref());
    found.compare("experiment", earlier.experiment.sha256.as_ref(), later.experiment.sha256.as_ref());
    found.add("result", earlier.word(), later.word());
    let warnings = |run: &Run| -> String {
        let words: Vec<&str> = run.warnings.iter().map(<&str>::from).collect();
        words.join(", ")
    };
    found.add("warnings", &warnings(earlier), &warnings(later));
    found.compare("reason", earlier.reason.as_ref(), later.reason.as_ref());
    found.compare("dry run", earlier.dry.as_ref(), later.dry.as_ref());
    found.compare("toolkit", earlier.toolkit.version.as_ref(), later.toolkit.version.as_ref());
    found.compare("chaostoolkit-lib", earlier.toolkit.lib.as_ref(), later.toolkit.lib.as_ref());
    found.compare("platform", earlier.toolkit.platform.as_ref(), later.toolkit.platform.as_ref());
    found.compare("requested by", earlier.requested_by.as_ref(), later.requested_by.as_ref());
    found.duration("duration", earlier.duration_seconds, later.duration_seconds);
    let state = |state: Option<&Evaluation>| state.map(Evaluation::word).unwrap_or_default();
    let (one, other) = (&earlier.hypothesis, &later.hypothesis);
    found.add("hypothesis before", state(one.before.as_ref()), state(other.before.as_ref()));
    found.add("hypothesis during", &during(earlier), &during(later));
    found.add("hypothesis after", state(one.after.as_ref()), state(other.after.as_ref()));
    found.activities("method", &earlier.method.items, &later.method.items);
    found.activities("rollbacks", &earlier.rollbacks.items, &later.rollbacks.items);
    let rollbacks = |run: &Run| run.rollback_summary.as_ref().map(|found| <&str>::from(found.state));
    found.add("rollbacks", rollbacks(earlier).unwrap_or_default(), rollbacks(later).unwrap_or_default());
    found.0.truncate(MAX_CHANGES);
    found.0
}

/// The evaluations during the method, counted: their number differs from run to run, so only whether one failed is compared.
fn during(run: &Run) -> String {
    let during = &run.hypothesis.during.items;
    let worst = during.iter().map(Evaluation::word).find(|word| *word != "met");
    match (during.is_empty(), worst) {
        (true, _) => String::new(),
        (false, None) => "met".to_owned(),
        (false, Some(word)) => word.to_owned(),
    }
}

#[derive(Default)]
struct Found(Vec<Change>);

impl Found {
    fn add(&mut self, what: &str, from: &str, to: &str) {
        if from != to {
            let shown = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
            self.0.push(Change { what: what.to_owned(), from: shown(from), to: shown(to) });
        }
    }

    /// Compares what only some sources have. Nothing differs if one of the runs does not have it.
    fn compare(&mut self, what: &str, from: Option<&String>, to: Option<&String>) {
        if let (Some(from), Some(to)) = (from, to) {
            self.add(what, from, to);
        }
    }

    fn duration(&mut self, what: &str, from: Option<f64>, to: Option<f64>) {
        let (Some(from), Some(to)) = (from, to) else { return };
        let difference = (from - to).abs();
        if difference >= MIN_SECONDS && difference >= MIN_SHARE * from.max(to) {
            self.add(what, &times::duration(from), &times::duration(to));
        }
    }

    /// Compares activities by name. Of several with the same name, the first ones are compared, then the second ones, and so
    /// on.
    fn activities(&mut self, room: &str, from: &[Activity], to: &[Activity]) {
        let mut open: Vec<&Activity> = to.iter().collect();
        for one in from {
            let what = format!("{room}: {}", one.name);
            let Some(at) = open.iter().position(|other| other.name == one.name) else {
                self.add(&what, one.word(), "");
                continue;
            };
            let other = open.remove(at);
            self.add(&what, one.word(), other.word());
            self.duration(&format!("{what}, duration"), one.duration_seconds, other.duration_seconds);
            self.compare(&format!("{what}, tolerance"), one.tolerance.as_ref(), other.tolerance.as_ref());
        }
        for other in open {
            self.add(&format!("{room}: {}", other.name), "", other.word());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ActivityStatus, Listed};
    use chaostoolkit_journal::{Outcome, RunResult};

    fn activity(name: &str, status: ActivityStatus, seconds: f64) -> Activity {
        Activity { name: name.to_owned(), status, duration_seconds: Some(seconds), ..Activity::default() }
    }

    fn run(result: RunResult, method: Vec<Activity>) -> Run {
        Run {
            outcome: Some(Outcome::Passed),
            result: Some(result),
            method: Listed { items: method, omitted: 0 },
            ..Run::default()
        }
    }

    #[test]
    fn only_differences_are_listed() {
        let ok = ActivityStatus::Succeeded;
        let earlier = run(
            RunResult::Passed,
            vec![activity("a", ok, 1.0), activity("b", ok, 4.0), activity("c", ok, 9.0)],
        );
        let failed = activity("b", ActivityStatus::Failed, 4.5);
        let later =
            run(RunResult::Inconclusive, vec![failed, activity("c", ok, 3.0), activity("d", ok, 1.0)]);
        let shown = |change: &Change| format!("{}: {} -> {}", change.what, change.from, change.to);
        let found: Vec<String> = changes(&earlier, &later).iter().map(shown).collect();
        assert_eq!(
            found,
            [
                "result: Passed -> Inconclusive",
                "method: a: succeeded -> -",
                "method: b: succeeded -> failed",
                "method: c, duration: 9.00 s -> 3.00 s",
                "method: d: - -> succeeded",
            ]
        );
        assert_eq!(changes(&earlier, &earlier), []);
    }
}
