//! Removes secrets from the texts of a journal.

use chaostoolkit_journal::redact;
use serde_json::Value;

use crate::text;

/// What stands for a secret.
const HIDDEN: &str = "***";
/// The minimum length of a literal secret, in characters. Shorter ones are in many texts by chance.
const MIN_CHARS: usize = 3;
/// The maximum number of literal secrets. If an experiment has more, no text of an activity is shown.
const MAX_SECRETS: usize = 200;
/// The maximum length of a name or a title, in characters.
pub(crate) const MAX_NAME: usize = 200;
/// The maximum length of a longer text, in characters.
pub(crate) const MAX_TEXT: usize = 4_000;
/// The maximum length of an output, in characters.
pub(crate) const MAX_OUTPUT: usize = 8_000;

/// Knows the literal secrets of an experiment.
#[derive(Debug, Default)]
pub(crate) struct Redactor {
    literals: Vec<String>,
    /// Whether the experiment declares secrets, literal or not.
    pub(crate) has_secrets: bool,
    is_incomplete: bool,
}

impl Redactor {
    /// Collects the literal texts below `secrets` of an experiment. The keys of a reference to the environment or to Vault
    /// are no secrets. Their values are not in the journal.
    pub(crate) fn new(experiment: &Value) -> Self {
        let mut found = Self::default();
        let secrets = &experiment["secrets"];
        found.has_secrets =
            !matches!(secrets, Value::Null) && *secrets != Value::Object(serde_json::Map::new());
        found.collect(secrets);
        // A longer secret may contain a shorter one.
        found.literals.sort_by_key(|literal| std::cmp::Reverse(literal.len()));
        found.literals.dedup();
        found
    }

    fn collect(&mut self, value: &Value) {
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::Number(number) => self.add(&number.to_string()),
            Value::String(text) => self.add(text),
            Value::Array(items) => items.iter().for_each(|item| self.collect(item)),
            Value::Object(fields) => {
                let kind = fields.get("type").and_then(Value::as_str);
                let is_reference = kind.is_some_and(|kind| matches!(kind, "env" | "vault" | "file"));
                for (key, value) in fields {
                    if !is_reference || !matches!(key.as_str(), "type" | "key" | "path" | "env_var_type") {
                        self.collect(value);
                    }
                }
            }
        }
    }

    fn add(&mut self, literal: &str) {
        // An output has the secret as JSON or Python write it.
        let escaped = Value::from(literal).to_string();
        let escaped = escaped.trim_matches('"').to_owned();
        // Texts are shown on lines of their own, so each line of a secret is one.
        for line in [&text::plain(literal), &escaped].into_iter().flat_map(|form| form.lines()) {
            let line = line.trim();
            if line.chars().count() < MIN_CHARS || self.literals.iter().any(|known| known == line) {
                continue;
            }
            if self.literals.len() >= MAX_SECRETS {
                self.is_incomplete = true;
                return;
            }
            self.literals.push(line.to_owned());
        }
    }

    /// Returns a text without secrets and control characters, with at most `max` characters. Line breaks stay.
    pub(crate) fn text(&self, text: &str, max: usize) -> String {
        text::cut(&self.clean(text), max)
    }

    /// Returns a text without secrets, control characters and line breaks, with at most `max` characters.
    pub(crate) fn line(&self, text: &str, max: usize) -> String {
        text::cut(&text::one_line(&self.clean(text)), max)
    }

    /// Returns a value as people read it: a text as it is, everything else as JSON.
    pub(crate) fn value(&self, value: &Value, max: usize) -> String {
        match value {
            Value::String(found) => self.text(found, max),
            other => self.text(&serde_json::to_string_pretty(&self.inside(other)).unwrap_or_default(), max),
        }
    }

    /// Returns a value as JSON on one line.
    pub(crate) fn json(&self, value: &Value, max: usize) -> String {
        self.line(&self.inside(value).to_string(), max)
    }

    /// Redacts the texts in a value one by one, so that a secret with a quote in it is found.
    fn inside(&self, value: &Value) -> Value {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
            Value::String(found) => self.clean(found).into(),
            Value::Array(items) => items.iter().map(|item| self.inside(item)).collect(),
            Value::Object(fields) => {
                let hidden = |(key, value): (&String, &Value)| {
                    let is_secret = is_secret_name(key) && !value.is_null();
                    let value = if is_secret { HIDDEN.into() } else { self.inside(value) };
                    (self.clean(key), value)
                };
                Value::Object(fields.iter().map(hidden).collect())
            }
        }
    }

    /// Removes control characters, and then secrets: one with an escape sequence in it would not be found.
    fn clean(&self, text: &str) -> String {
        if self.is_incomplete {
            return HIDDEN.to_owned();
        }
        let literals = self.literals.iter();
        redact(&literals.fold(text::plain(text), |text, literal| text.replace(literal.as_str(), HIDDEN)))
    }
}

/// Returns a name or a title of a status on one line, with at most 200 characters.
pub(crate) fn line(found: &str) -> String {
    text::cut(&text::one_line(found), MAX_NAME)
}

/// Returns a sentence of the operator on one line, with at most 4,000 characters. It may quote an answer with a secret.
pub(crate) fn sentence(found: &str) -> String {
    text::cut(&redact(&text::one_line(found)), MAX_TEXT)
}

/// Returns whether a key names a secret.
pub(crate) fn is_secret_name(key: &str) -> bool {
    // The rule is that of the journal crate, which redacts the value of such a pair.
    let pair = format!("{key}=x");
    redact(&pair) != pair
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case("the hunter2 of", "the *** of")]
    #[case("line one and line two", "*** and ***")]
    #[case("quo\"te", "***")]
    #[case("a number 481516", "a number ***")]
    #[case("fallback", "***")]
    #[case("VAR_NAME stays", "VAR_NAME stays")]
    #[case("https://me:pw@host/path", "https://***@host/path")]
    #[case("a hun\u{1b}[1mter\u{200b}2", "a ***")]
    #[case("\u{1b}[1mpassword\u{1b}[0m=abcdef", "password=***")]
    #[case("a tab\tin it", "a ***")]
    fn literal_secrets_are_hidden(#[case] text: &str, #[case] expected: &str) {
        let redactor = Redactor::new(&json!({"secrets": {"x": {
            "a": "hunter2", "b": "line one\nline two", "c": "quo\"te", "d": 481_516, "t": "tab\tin it",
            "e": {"type": "env", "key": "VAR_NAME", "default": "fallback"},
        }}}));
        assert!(redactor.has_secrets);
        assert_eq!(redactor.text(text, 100), expected);
    }

    #[test]
    fn secrets_inside_of_values_are_hidden() {
        let redactor = Redactor::new(&json!({"secrets": {"x": {"c": "quo\"te"}}}));
        let value = json!({"stdout": "quo\"te", "api_key": 5, "list": ["a", "quo\"te b"], "password": null});
        assert_eq!(
            redactor.json(&value, 200),
            r#"{"api_key":"***","list":["a","*** b"],"password":***,"stdout":"***"}"#
        );
    }

    #[test]
    fn too_many_secrets_hide_everything() {
        let many: Vec<String> = (0..1_000).map(|count| format!("secret{count}")).collect();
        assert_eq!(Redactor::new(&json!({"secrets": many})).text("anything", 100), "***");
    }

    #[rstest]
    #[case(json!({}), false)]
    #[case(json!({"secrets": null}), false)]
    #[case(json!({"secrets": {}}), false)]
    #[case(json!({"secrets": {"x": {"a": {"type": "env", "key": "A"}}}}), true)]
    #[case(json!({"secrets": 7}), true)]
    fn declared_secrets_count(#[case] experiment: Value, #[case] expected: bool) {
        assert_eq!(Redactor::new(&experiment).has_secrets, expected);
    }
}
