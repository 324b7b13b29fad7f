//! What the author declares in the experiment.

use serde_json::Value;
use strum::VariantArray;

use crate::journal::field::Fields;
use crate::model::{Contribution, Declared, Level};
use crate::options::Options;
use crate::redact::{MAX_NAME, MAX_TEXT, Redactor, is_secret_name};

/// The maximum number of tags, contributions, names and configuration values.
const MAX_ITEMS: usize = 100;

/// Reads what the author declares.
pub(crate) fn declared(experiment: &Value, redactor: &Redactor, options: Options) -> Declared {
    let hypothesis = &experiment["steady-state-hypothesis"];
    let names = |list: &[Value]| -> Vec<String> {
        let named = |activity: &Value| name(activity, redactor);
        list.iter().take(MAX_ITEMS).map(named).collect()
    };
    Declared {
        title: experiment.line("title", redactor, MAX_NAME),
        description: description(&experiment["description"], redactor),
        tags: tags(experiment, redactor),
        contributions: contributions(&experiment["contributions"], redactor),
        hypothesis: hypothesis.line("title", redactor, MAX_NAME),
        probes: names(hypothesis.items("probes")),
        method: names(experiment.items("method")),
        rollbacks: names(experiment.items("rollbacks")),
        hypothesis_strategy: experiment["runtime"]["hypothesis"].line("strategy", redactor, MAX_NAME),
        configuration: if options.outputs { configuration(experiment, redactor) } else { Vec::new() },
        secrets: secrets(&experiment["secrets"], redactor),
        ..Declared::default()
    }
}

/// Returns the name of an activity, or what it refers to: `{"ref": "name"}`.
pub(crate) fn name(activity: &Value, redactor: &Redactor) -> String {
    let of = |field| activity.line(field, redactor, MAX_NAME);
    of("name").or_else(|| of("ref")).unwrap_or_default()
}

/// Returns the kind of a dry run. Before 1.10, the toolkit wrote `true`.
pub(crate) fn dry(experiment: &Value, redactor: &Redactor) -> Option<String> {
    match &experiment["dry"] {
        Value::Bool(true) => Some("activities".to_owned()),
        _ => experiment.line("dry", redactor, MAX_NAME),
    }
}

/// Returns what interrupted the run, as versions from 1.21 write it.
pub(crate) fn interruption(interruption: &Value, redactor: &Redactor) -> Option<String> {
    let of = |field| interruption.line(field, redactor, MAX_NAME);
    of("name").or_else(|| of("reason")).or_else(|| of("kind"))
}

/// A description is a text or, as some write it, a list of lines.
fn description(description: &Value, redactor: &Redactor) -> Option<String> {
    let text = match description {
        Value::String(text) => text.clone(),
        Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect::<Vec<&str>>().join("\n"),
        _ => return None,
    };
    Some(redactor.text(text.trim(), MAX_TEXT)).filter(|text| !text.is_empty())
}

fn tags(experiment: &Value, redactor: &Redactor) -> Vec<String> {
    let tags = experiment.items("tags").iter().filter_map(Value::as_str);
    tags.map(|tag| redactor.line(tag, MAX_NAME)).filter(|tag| !tag.is_empty()).take(MAX_ITEMS).collect()
}

fn contributions(contributions: &Value, redactor: &Redactor) -> Vec<Contribution> {
    let one = |(name, level): (&String, &Value)| {
        let word = level.as_str()?;
        let known = |level: &&Level| <&str>::from(**level).eq_ignore_ascii_case(word);
        let level = *Level::VARIANTS.iter().find(known)?;
        Some(Contribution { name: redactor.line(name, MAX_NAME), level })
    };
    contributions.as_object().into_iter().flatten().filter_map(one).take(MAX_ITEMS).collect()
}

fn configuration(experiment: &Value, redactor: &Redactor) -> Vec<(String, String)> {
    let shown = |(name, value): (&String, &Value)| {
        let hidden = is_secret_name(name) && !value.is_object();
        let value = if hidden { "***".to_owned() } else { redactor.json(value, MAX_NAME) };
        (redactor.line(name, MAX_NAME), value)
    };
    experiment["configuration"].as_object().into_iter().flatten().take(MAX_ITEMS).map(shown).collect()
}

/// The names of the secrets: `scope.name`.
fn secrets(secrets: &Value, redactor: &Redactor) -> Vec<String> {
    let of_scope = |(scope, names): (&String, &Value)| -> Vec<String> {
        let full = |name: &String| redactor.line(&format!("{scope}.{name}"), MAX_NAME);
        names.as_object().into_iter().flatten().map(|(name, _)| full(name)).collect()
    };
    secrets.as_object().into_iter().flatten().flat_map(of_scope).take(MAX_ITEMS).collect()
}
