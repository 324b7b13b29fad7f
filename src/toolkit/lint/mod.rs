//! Finds parts of an experiment that the Chaos Toolkit would ignore silently. Pure.
//!
//! The toolkit reads the keys that it knows and ignores all others. If the key of the hypothesis is misspelled, the
//! experiment runs without a hypothesis and completes.
//!
//! The toolkit has no schema. The known keys are those that chaostoolkit 1.21.4 and chaostoolkit-lib 1.0.0, 1.28.0 and 1.45.1
//! read, and those of the [specification] that only people and reports use. An experiment keeps its own data in
//! `extensions`. Keys that start with `x-`, and `$schema`, are accepted too, since they are common in other formats. The
//! toolkit does not document them.
//!
//! Warnings name keys and their places, but never values, which may be secrets.
//!
//! [specification]: https://chaostoolkit.org/reference/api/experiment/

mod keys;
mod typo;
mod warnings;

use std::ffi::OsStr;
use std::path::Path;

use serde_json::{Map, Value};
use strum::VariantArray;

use crate::toolkit::lint::keys::{
    ACTIVITY, EXPERIMENT, HYPOTHESIS, NEVER_NULL, PAUSES, PROVIDER, PYTHON, RUNTIME, STEADY_STATE, STRATEGY,
};
use crate::toolkit::lint::typo::{nearest, whole};
use crate::toolkit::lint::warnings::{Warnings, hint};
use crate::yaml;
use chaostoolkit_api::Text;
use chaostoolkit_api::bounded;
use chaostoolkit_api::spec::options::{HypothesisStrategy, RollbackStrategy};

pub use typo::plain;
pub(super) use warnings::shown;

#[cfg(test)]
mod tests;

/// Returns the known key that an unknown key probably stands for: the one that it is a typo of, or a part of.
#[must_use]
pub fn meant<'known>(key: &str, known: &[&'known str]) -> Option<&'known str> {
    nearest(&plain(key), known).or_else(|| whole(key, known))
}

/// Returns the key of an experiment that an unknown one is a typo of.
pub(super) fn nearest_key(key: &str) -> Option<&'static str> {
    nearest(&plain(key), EXPERIMENT)
}

/// Reads an experiment, if it can be read. The extension of the file selects the format, as in the toolkit.
#[must_use]
pub fn parsed(file: &str, text: &str) -> Option<Value> {
    read(file, text)?.ok()
}

/// Returns the keys of an experiment that the toolkit knows.
#[must_use]
pub fn experiment_keys() -> &'static [&'static str] {
    EXPERIMENT
}

/// Returns whether the toolkit knows a key of an experiment.
#[must_use]
pub fn is_experiment_key(key: &str) -> bool {
    EXPERIMENT.contains(&key)
}

/// The strategies that the toolkit accepts for the hypothesis, besides those that a spec can ask for. The second is a typo
/// of early versions, which all later versions accept.
const OTHER_HYPOTHESIS_STRATEGIES: [&str; 2] = ["skip", "continously"];

/// Reads an experiment. The extension of the file selects the format, as in the toolkit. Returns `None` if it has another
/// extension, and otherwise the value or the problem.
pub(super) fn read(file: &str, text: &str) -> Option<Result<Value, String>> {
    match Path::new(file).extension().and_then(OsStr::to_str) {
        Some("json") => Some(bounded::json(text).map_err(|error| format!("JSON: {error}"))),
        Some("yaml" | "yml") => {
            Some(yaml::parse(text).map_err(|error| format!("YAML: {}", without_words(&error.to_string()))))
        }
        _ => None,
    }
}

/// Returns warnings for the author of an experiment, with one sentence each. As in the toolkit, the extension of the file
/// selects the format.
///
/// Python accepts a little more than this parser, such as `NaN` in JSON. Therefore a text that cannot be read only causes a
/// warning.
#[must_use]
pub fn lint(file: &str, text: &str) -> Vec<String> {
    let Some(read) = read(file, text) else {
        return vec![format!(
            "{} does not end in .json, .yaml or .yml, so the toolkit refuses it",
            shown(file)
        )];
    };
    match read {
        Ok(Value::Object(experiment)) => {
            let mut warnings = Warnings::default();
            check_experiment(&experiment, &mut warnings);
            warnings.finish()
        }
        Ok(_) => vec![format!("{} is no mapping at its top level, so the toolkit fails", shown(file))],
        Err(problem) => vec![format!("{} cannot be read as {problem}", shown(file))],
    }
}

fn check_experiment(experiment: &Map<String, Value>, warnings: &mut Warnings) {
    for key in ["title", "description"] {
        if is_empty(experiment.get(key)) {
            warnings.add(format!("{key} is missing or empty, so the toolkit refuses the experiment"));
        }
    }
    if experiment.get("method").is_none_or(Value::is_null) {
        warnings.add("method is missing, so the toolkit refuses the experiment; it may be an empty list");
    }
    check_closed(experiment, EXPERIMENT, "at the top level", warnings);
    check_values(experiment, NEVER_NULL, "at the top level", warnings);
    if !is_empty(experiment.get("dry")) {
        warnings.add("dry is ignored here, so the run would be real: only the option --dry counts");
    }
    if let Some(runtime) = mapping(experiment, "runtime") {
        check_runtime(runtime, warnings);
    }
    if let Some(hypothesis) = mapping(experiment, HYPOTHESIS) {
        check_hypothesis(hypothesis, warnings);
    }
    for key in ["method", "rollbacks"] {
        check_activities(experiment.get(key), key, warnings);
        check_tolerances(experiment.get(key), key, warnings);
    }
}

fn check_runtime(runtime: &Map<String, Value>, warnings: &mut Warnings) {
    check_closed(runtime, RUNTIME, "of runtime", warnings);
    check_values(runtime, &["hypothesis", "rollbacks"], "of runtime", warnings);
    if let Some(rollbacks) = mapping(runtime, "rollbacks") {
        check_closed(rollbacks, STRATEGY, "of runtime.rollbacks", warnings);
        check_strategy(
            rollbacks,
            &texts(RollbackStrategy::VARIANTS),
            "runtime.rollbacks.strategy is not default, always, never or deviated, so the toolkit never runs the \
             rollbacks",
            warnings,
        );
    }
    if let Some(hypothesis) = mapping(runtime, "hypothesis") {
        check_closed(hypothesis, STRATEGY, "of runtime.hypothesis", warnings);
        check_strategy(
            hypothesis,
            &[texts(HypothesisStrategy::VARIANTS).as_slice(), &OTHER_HYPOTHESIS_STRATEGIES].concat(),
            "runtime.hypothesis.strategy is not default, before-method-only, after-method-only, \
             during-method-only, continuously or skip, so the toolkit fails",
            warnings,
        );
    }
    if let Some(python) = mapping(runtime, "python") {
        check_closed(python, PYTHON, "of runtime.python", warnings);
    }
}

fn texts(strategies: &[impl Text]) -> Vec<&'static str> {
    strategies.iter().map(|strategy| strategy.as_str()).collect()
}

/// Checks a strategy. An absent strategy has a default, but a strategy without a value counts as unknown.
fn check_strategy(map: &Map<String, Value>, known: &[&str], problem: &str, warnings: &mut Warnings) {
    let word = match map.get("strategy") {
        None => return,
        Some(strategy) => strategy.as_str(),
    };
    if word.is_none_or(|word| !known.contains(&word)) {
        let meant = word.and_then(|word| nearest(&plain(word), known));
        warnings.add(format!("{problem}{}", hint(meant)));
    }
}

fn check_hypothesis(hypothesis: &Map<String, Value>, warnings: &mut Warnings) {
    if is_empty(hypothesis.get("title")) {
        warnings
            .add(format!("{HYPOTHESIS}.title is missing or empty, so the toolkit refuses the experiment"));
    }
    check_closed(hypothesis, STEADY_STATE, "of steady-state-hypothesis", warnings);
    check_values(hypothesis, &["probes"], "of steady-state-hypothesis", warnings);
    let probes = hypothesis.get("probes");
    if probes != Some(&Value::Null) && is_empty(probes) {
        warnings.add(format!(
            "{HYPOTHESIS} has no probes, so the toolkit checks nothing before or after the method"
        ));
    }
    check_activities(probes, "steady-state-hypothesis.probes", warnings);
}

fn check_activities(activities: Option<&Value>, place: &str, warnings: &mut Warnings) {
    for (index, activity) in activities.and_then(Value::as_array).into_iter().flatten().enumerate() {
        let Value::Object(activity) = activity else { continue };
        check_open(activity, ACTIVITY, &format!("of {place}[{index}]"), warnings);
        // The toolkit compares this text with an enum, so they are never equal. The text still replaces the value of --dry.
        if activity.contains_key("dry") {
            let part = format!("{place}[{index}]");
            warnings
                .add(format!("dry of {part} does not make it dry, and keeps the option --dry from doing so"));
        }
        for (key, known) in [("provider", PROVIDER), ("pauses", PAUSES)] {
            if let Some(part) = mapping(activity, key) {
                check_open(part, known, &format!("of {place}[{index}].{key}"), warnings);
            }
        }
    }
}

/// Warns about probes with a tolerance outside the hypothesis. The toolkit evaluates such a tolerance, writes the result into
/// the journal, and does nothing with it.
fn check_tolerances(activities: Option<&Value>, place: &str, warnings: &mut Warnings) {
    for (index, activity) in activities.and_then(Value::as_array).into_iter().flatten().enumerate() {
        if activity.get("tolerance").is_some_and(|tolerance| !tolerance.is_null()) {
            warnings.add(format!(
                "tolerance of {place}[{index}] decides nothing: only probes of {HYPOTHESIS} decide the outcome"
            ));
        }
    }
}

/// Warns about keys without a value. A key has no value if, for example, all lines below it are comments.
fn check_values(map: &Map<String, Value>, keys: &[&str], place: &str, warnings: &mut Warnings) {
    for key in keys.iter().filter(|key| map.get(**key) == Some(&Value::Null)) {
        warnings.add(format!("{key} {place} has no value, so the toolkit fails; it may be left out"));
    }
}

/// Warns about every unknown key.
fn check_closed(map: &Map<String, Value>, known: &[&str], place: &str, warnings: &mut Warnings) {
    for key in unknown(map, known) {
        let meant = warnings.meant(key, known).or_else(|| whole(key, known));
        warnings.ignored(key, place, meant);
    }
}

/// Warns about unknown keys that resemble a known one. Other keys may belong to controls, which read their own keys in any
/// place.
fn check_open(map: &Map<String, Value>, known: &[&str], place: &str, warnings: &mut Warnings) {
    for key in unknown(map, known) {
        if let Some(meant) = warnings.meant(key, known) {
            warnings.ignored(key, place, Some(meant));
        }
    }
}

fn unknown<'map>(map: &'map Map<String, Value>, known: &[&str]) -> impl Iterator<Item = &'map str> {
    map.keys().map(String::as_str).filter(|key| !known.contains(key) && !key.starts_with("x-"))
}

fn mapping<'map>(map: &'map Map<String, Value>, key: &str) -> Option<&'map Map<String, Value>> {
    map.get(key).and_then(Value::as_object)
}

/// Returns whether Python treats a value as false. The number 0 is an exception, and is not empty here.
fn is_empty(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null | Value::Bool(false)) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        Some(Value::Object(entries)) => entries.is_empty(),
        Some(Value::Bool(true) | Value::Number(_)) => false,
    }
}

/// Returns the message of the parser without the word that it quotes, unless that is a single character of the syntax.
fn without_words(problem: &str) -> String {
    match (problem.find('"'), problem.rfind('"')) {
        (Some(first), Some(last)) if last > first + 2 => {
            format!("{}\"…\"{}", &problem[..first], &problem[last + 1..])
        }
        _ => problem.to_owned(),
    }
}
