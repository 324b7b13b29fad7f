//! What the Chaos Toolkit would ignore in the text of an experiment without a word: pure.
//!
//! The toolkit asks for the keys it knows and never looks at the others, so an experiment whose hypothesis is misspelt
//! runs without one, and "completes". There is no schema to check with; the keys below are those that chaostoolkit
//! 1.21.4 and chaostoolkit-lib 1.0.0, 1.28.0 and 1.45.1 ask for, and those of the [specification] that are for people
//! and reports only. An experiment has its own data in `extensions`; that keys which start with `x-` are left alone
//! here, and `$schema` too, is a courtesy to the habits of other formats, which the toolkit does not document.
//!
//! Warnings name keys and places, never values: those may be secrets.
//!
//! [specification]: https://chaostoolkit.org/reference/api/experiment/

use std::ffi::OsStr;
use std::path::Path;

use serde_json::{Map, Value};
use strum::VariantArray;

use crate::yaml;
use chaostoolkit_api::Text;
use chaostoolkit_api::spec::options::{HypothesisStrategy, RollbackStrategy};

#[cfg(test)]
mod tests;

/// The most warnings for one experiment: they share the message of a condition.
const MAX_WARNINGS: usize = 10;
/// Of a word of the author, a warning shows so many characters.
const MAX_SHOWN: usize = 64;
/// So many unknown keys are compared with the known ones; nobody writes more, and text may hold 100 000 of them.
const MAX_COMPARED: usize = 1000;
/// A key shorter than this is part of too many others to tell which was meant.
const MIN_PART: usize = 5;

const HYPOTHESIS: &str = "steady-state-hypothesis";

const EXPERIMENT: &[&str] = &[
    "version",
    "title",
    "description",
    "tags",
    "contributions",
    "configuration",
    "secrets",
    "controls",
    "extensions",
    "runtime",
    HYPOTHESIS,
    "method",
    "rollbacks",
    "dry",
    "$schema",
];
/// The keys of which the toolkit reads the value unseen.
const NEVER_NULL: &[&str] = &["configuration", "secrets", "controls", HYPOTHESIS, "rollbacks"];
const STEADY_STATE: &[&str] = &["title", "probes", "controls"];
const RUNTIME: &[&str] = &["hypothesis", "rollbacks", "python"];
const STRATEGY: &[&str] = &["strategy"];
const PYTHON: &[&str] = &["dependencies", "isolated", "version"];
const ACTIVITY: &[&str] = &[
    "type",
    "name",
    "ref",
    "provider",
    "tolerance",
    "timeout",
    "pauses",
    "background",
    "controls",
    "dry",
    "configuration",
    "secret",
    "secrets",
];
const PROVIDER: &[&str] = &[
    "type",
    "module",
    "func",
    "arguments",
    "secrets",
    "path",
    "url",
    "method",
    "headers",
    "expected_status",
    "verify_tls",
    "max_retries",
    "timeout",
];
const PAUSES: &[&str] = &["before", "after"];

/// The strategies that the toolkit accepts for the hypothesis, besides those that a spec can ask for. The second is a typo
/// of early versions, which all later versions accept.
const OTHER_HYPOTHESIS_STRATEGIES: [&str; 2] = ["skip", "continously"];

/// What the author of an experiment should know about the text in `file`, one sentence each. Like the toolkit, this
/// goes by the ending of the file's name.
///
/// Python reads a little more than is read here, such as `NaN` in JSON, so what cannot be read is worth a warning only.
#[must_use]
pub fn lint(file: &str, text: &str) -> Vec<String> {
    let read = match Path::new(file).extension().and_then(OsStr::to_str) {
        Some("json") => serde_json::from_str(text).map_err(|error| format!("JSON: {error}")),
        Some("yaml" | "yml") => {
            yaml::parse(text).map_err(|error| format!("YAML: {}", without_words(&error.to_string())))
        }
        _ => {
            let file = shown(file);
            return vec![format!("{file} does not end in .json, .yaml or .yml, so the toolkit refuses it")];
        }
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

/// Warnings up to the limit, how many more there would be, and how many keys were compared to find them.
#[derive(Default)]
struct Warnings {
    texts: Vec<String>,
    left_out: usize,
    compared: usize,
}

impl Warnings {
    fn add(&mut self, warning: impl Into<String>) {
        if self.texts.len() < MAX_WARNINGS {
            self.texts.push(warning.into());
        } else {
            self.left_out += 1;
        }
    }

    fn ignored(&mut self, key: &str, place: &str, meant: Option<&str>) {
        let (key, hint) = (shown(key), hint(meant));
        self.add(format!("the key {key} {place} is unknown to the toolkit, which ignores it{hint}"));
    }

    /// The key that was probably meant by an unknown one.
    fn meant<'known>(&mut self, key: &str, known: &[&'known str]) -> Option<&'known str> {
        self.compared += 1;
        (self.compared <= MAX_COMPARED).then(|| nearest(&plain(key), known))?
    }

    fn finish(mut self) -> Vec<String> {
        if self.left_out > 0 {
            self.texts.truncate(MAX_WARNINGS - 1);
            self.texts.push(format!("there are {} more warnings", self.left_out + 1));
        }
        self.texts
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

/// Without a strategy there is a default, but one without a value counts as one that is not known.
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
        // The text is never equal to the enum it is compared with, but takes the place of the option's.
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

/// Warns of keys without a value, such as those of which all lines below are comments.
fn check_values(map: &Map<String, Value>, keys: &[&str], place: &str, warnings: &mut Warnings) {
    for key in keys.iter().filter(|key| map.get(**key) == Some(&Value::Null)) {
        warnings.add(format!("{key} {place} has no value, so the toolkit fails; it may be left out"));
    }
}

/// Warns of every unknown key.
fn check_closed(map: &Map<String, Value>, known: &[&str], place: &str, warnings: &mut Warnings) {
    for key in unknown(map, known) {
        let meant = warnings.meant(key, known).or_else(|| whole(key, known));
        warnings.ignored(key, place, meant);
    }
}

/// Warns of slips only: controls read keys of their own wherever they stand.
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

/// Whether Python takes a value for false, but for the number 0.
fn is_empty(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null | Value::Bool(false)) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        Some(Value::Object(entries)) => entries.is_empty(),
        Some(Value::Bool(true) | Value::Number(_)) => false,
    }
}

/// A word without what people forget or add between its parts.
fn plain(word: &str) -> String {
    word.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The known word that a plain one is a slip of: one in four letters may be wrong.
fn nearest<'word>(plain_word: &str, known: &[&'word str]) -> Option<&'word str> {
    let letters: Vec<char> = plain_word.chars().collect();
    let slips = known.iter().filter_map(|&candidate| {
        // Keys may be of any length: the lengths come before the costly part.
        let length = candidate.chars().filter(|letter| letter.is_alphanumeric()).count();
        let allowed = letters.len().max(length) / 4;
        let is_possible = letters.len().abs_diff(length) <= allowed;
        let slips = is_possible.then(|| distance(&letters, &plain(candidate).chars().collect::<Vec<_>>()))?;
        (slips <= allowed).then_some((slips, candidate))
    });
    slips.min_by_key(|(slips, _)| *slips).map(|(_, candidate)| candidate)
}

/// The known word that a key is a part of.
fn whole<'word>(key: &str, known: &[&'word str]) -> Option<&'word str> {
    let part = plain(key);
    known.iter().copied().find(|known| part.len() >= MIN_PART && plain(known).contains(&part))
}

/// How many letters to insert, leave out, change, or swap with their neighbour, to turn one word into the other.
fn distance(left: &[char], right: &[char]) -> usize {
    let mut rows: Vec<Vec<usize>> = vec![(0..=right.len()).collect()];
    for (i, letter) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, other) in right.iter().enumerate() {
            let changed = rows[i][j] + usize::from(letter != other);
            let mut least = changed.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *letter == right[j - 1] && left[i - 1] == *other {
                least = least.min(rows[i - 1][j - 1] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[left.len()][right.len()]
}

fn hint(meant: Option<&str>) -> String {
    meant.map_or_else(String::new, |meant| format!("; {meant} was probably meant"))
}

/// A word of the author: short, quoted and on one line, whatever is in it.
fn shown(text: &str) -> String {
    let short: String = text.chars().take(MAX_SHOWN).collect();
    let dots = if short.len() < text.len() { "…" } else { "" };
    format!("{short:?}{dots}")
}

/// The parser's words without the word of the text that they quote, unless that is a single character of the syntax.
fn without_words(problem: &str) -> String {
    match (problem.find('"'), problem.rfind('"')) {
        (Some(first), Some(last)) if last > first + 2 => {
            format!("{}\"…\"{}", &problem[..first], &problem[last + 1..])
        }
        _ => problem.to_owned(),
    }
}
