//! What changed between two runs.

use chaostoolkit_journal::SteadyState;
use serde::Serialize;

use crate::model::{Activity, Evaluation, Phase, Run};
use crate::{facts, status, text, times};

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
/// What only a journal tells is compared if both runs have theirs.
#[must_use]
pub fn changes(earlier: &Run, later: &Run) -> Vec<Change> {
    let mut found = Found::default();
    let has_both = earlier.source.journal.is_some() && later.source.journal.is_some();
    found.add("result", earlier.word(), later.word());
    found.add("warnings", &warnings(earlier), &warnings(later));
    found.text(earlier, later, "reason", |run| run.reason.as_ref());
    found.text(earlier, later, "message", |run| run.message.as_ref());
    let exit_code = |run: &Run| run.exit_code.map(|code| code.to_string());
    found.compare("exit code", exit_code(earlier).as_ref(), exit_code(later).as_ref());
    found.text(earlier, later, "title", |run| run.experiment.title.as_ref());
    found.text(earlier, later, "experiment", |run| run.experiment.sha256.as_ref());
    found.text(earlier, later, "source", |run| run.experiment.source.as_ref());
    found.text(earlier, later, "spec", |run| run.experiment.spec_hash.as_ref());
    found.text(earlier, later, "dry run", |run| run.dry.as_ref());
    found.text(earlier, later, "toolkit", |run| run.toolkit.version.as_ref());
    found.text(earlier, later, "chaostoolkit-lib", |run| run.toolkit.lib.as_ref());
    found.text(earlier, later, "platform", |run| run.toolkit.platform.as_ref());
    found.text(earlier, later, "node", |run| run.toolkit.node.as_ref());
    let trigger = |run: &Run| run.trigger.map(|trigger| status::trigger(trigger).to_owned());
    found.compare("trigger", trigger(earlier).as_ref(), trigger(later).as_ref());
    found.text(earlier, later, "requested by", |run| run.requested_by.as_ref());
    if earlier.source.journal.is_some() == later.source.journal.is_some() {
        // The status counts the time of the pod, and the journal that of the toolkit.
        found.duration("duration", earlier.duration_seconds, later.duration_seconds);
    }
    for phase in [Phase::Before, Phase::During, Phase::After] {
        let what = format!("hypothesis {}", <&str>::from(phase));
        found.add(&what, &hypothesis(earlier, phase), &hypothesis(later, phase));
    }
    if has_both {
        found.activities("method", &earlier.method.items, &later.method.items);
        found.activities("rollbacks", &earlier.rollbacks.items, &later.rollbacks.items);
    } else {
        let counts = |run: &Run| run.activities.map(facts::counted);
        found.compare("method", counts(earlier).as_ref(), counts(later).as_ref());
    }
    let rollbacks = |run: &Run| run.rollback_summary.as_ref().map(facts::state);
    found.add("rollbacks", &rollbacks(earlier).unwrap_or_default(), &rollbacks(later).unwrap_or_default());
    found.0.truncate(MAX_CHANGES);
    found.0
}

fn warnings(run: &Run) -> String {
    run.warnings.iter().map(<&str>::from).collect::<Vec<&str>>().join(", ")
}

/// Whether the hypothesis was met, by the journal or else by the status. Empty if it was not evaluated, or if nobody knows.
fn hypothesis(run: &Run, phase: Phase) -> String {
    let found = &run.hypothesis;
    if run.source.journal.is_some() {
        let word = |state: Option<&Evaluation>| state.map(Evaluation::word).unwrap_or_default().to_owned();
        return match phase {
            Phase::Before => word(found.before.as_ref()),
            Phase::During => during(run),
            Phase::After => word(found.after.as_ref()),
        };
    }
    let states = run.steady_state.unwrap_or_default();
    let state = match phase {
        Phase::Before => states.before,
        Phase::During => states.during,
        Phase::After => states.after,
    };
    match state {
        SteadyState::NotEvaluated | SteadyState::Unknown => String::new(),
        state => text::words(state.into()),
    }
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

    fn text(&mut self, earlier: &Run, later: &Run, what: &str, of: fn(&Run) -> Option<&String>) {
        self.compare(what, of(earlier), of(later));
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
    use crate::model::{ActivityStatus, Evaluations, Listed, Source};
    use chaostoolkit_api::{Activities, Trigger};
    use chaostoolkit_journal::{Outcome, RunResult, SteadyStates};

    fn activity(name: &str, status: ActivityStatus, seconds: f64) -> Activity {
        Activity { name: name.to_owned(), status, duration_seconds: Some(seconds), ..Activity::default() }
    }

    fn run(result: RunResult, method: Vec<Activity>) -> Run {
        Run {
            outcome: Some(Outcome::Passed),
            result: Some(result),
            method: Listed { items: method, omitted: 0 },
            source: Source { journal: Some("j".to_owned()), ..Source::default() },
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

    #[test]
    fn what_only_one_journal_tells_is_no_difference() {
        let known = run(RunResult::Passed, vec![activity("a", ActivityStatus::Succeeded, 1.0)]);
        let met = Evaluation { met: Some(true), ..Evaluation::default() };
        let known = Run {
            hypothesis: Evaluations { before: Some(met), ..Evaluations::default() },
            duration_seconds: Some(1.0),
            ..known
        };
        let met_before = SteadyStates { before: SteadyState::Met, ..SteadyStates::default() };
        let status = Run {
            steady_state: Some(met_before),
            duration_seconds: Some(9.0),
            activities: Some(Activities { total: 1, succeeded: 0, failed: 1 }),
            ..run(RunResult::Passed, Vec::new())
        };
        let status = Run { source: Source::default(), ..status };
        assert_eq!(changes(&known, &status), []);
        let other = Run {
            steady_state: Some(SteadyStates { before: SteadyState::NotMet, ..met_before }),
            activities: Some(Activities { total: 1, succeeded: 1, failed: 0 }),
            trigger: Some(Trigger::Rerun),
            ..status.clone()
        };
        let earlier = Run { trigger: Some(Trigger::Created), ..status };
        let found: Vec<String> = changes(&earlier, &other).into_iter().map(|change| change.what).collect();
        assert_eq!(found, ["trigger", "hypothesis before", "method"]);
    }
}
