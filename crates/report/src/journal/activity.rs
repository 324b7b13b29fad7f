//! The activities that were played.

use chaostoolkit_journal::without_urls;
use jiff::Timestamp;
use serde_json::Value;

use crate::chart;
use crate::journal::experiment::name;
use crate::journal::field::Fields;
use crate::model::{Activity, ActivityKind, ActivityStatus, Listed, Pauses, Provider};
use crate::options::Options;
use crate::redact::{MAX_NAME, MAX_OUTPUT, MAX_TEXT, Redactor};

/// The maximum number of items that are kept of a list.
pub(crate) const MAX_ITEMS: usize = 1_000;
/// The maximum length of an error without the rest of the exception, in characters.
const MAX_ERROR: usize = 500;

/// What stands for an error that is not shown.
const HIDDEN_ERROR: &str = "left out, since the experiment declares secrets; `--outputs` shows it";

/// Reads the activities of a run.
pub(crate) struct Reader<'a> {
    pub(crate) redactor: &'a Redactor,
    pub(crate) options: Options,
    /// The start of the run.
    pub(crate) start: Option<Timestamp>,
}

impl Reader<'_> {
    /// Reads a list of activities.
    pub(crate) fn list(&self, list: &Value) -> Listed<Activity> {
        let entries = list.as_array().map_or(&[][..], Vec::as_slice);
        let items = entries.iter().take(MAX_ITEMS).map(|entry| self.activity(entry)).collect();
        Listed { items, omitted: entries.len().saturating_sub(MAX_ITEMS) }
    }

    fn activity(&self, entry: &Value) -> Activity {
        let activity = &entry["activity"];
        let start = entry.time("start");
        let between = || Some(entry.time("end")?.duration_since(start?).as_secs_f64());
        let duration = entry.number("duration").or_else(between).filter(|seconds| *seconds >= 0.0);
        let output = entry.get("output").filter(|output| self.options.outputs && !output.is_null());
        let pause = |field| activity["pauses"].number(field).filter(|seconds| *seconds > 0.0);
        Activity {
            kind: match activity["type"].as_str() {
                Some("probe") => ActivityKind::Probe,
                _ => ActivityKind::Action,
            },
            name: name(activity, self.redactor),
            provider: self.provider(activity),
            background: activity["background"].as_bool().unwrap_or_default(),
            pauses: Pauses { before: pause("before"), after: pause("after") },
            started_at: start,
            offset_seconds: start.zip(self.start).map(|(at, start)| at.duration_since(start).as_secs_f64()),
            duration_seconds: duration,
            status: match entry["status"].as_str() {
                Some("succeeded") => ActivityStatus::Succeeded,
                Some("failed") => ActivityStatus::Failed,
                _ => ActivityStatus::Unfinished,
            },
            tolerance: activity.get("tolerance").map(|tolerance| self.redactor.json(tolerance, MAX_ERROR)),
            tolerance_met: entry["tolerance_met"].as_bool(),
            output: output.map(|output| self.redactor.value(output, MAX_OUTPUT)),
            charts: output
                .map(|output| chart::find(output, self.query(activity).as_deref(), self.redactor))
                .unwrap_or_default(),
            error: self.error(&entry["exception"]),
        }
    }

    fn provider(&self, activity: &Value) -> Option<Provider> {
        let provider = activity.get("provider").filter(|provider| provider.is_object())?;
        let of = |field| provider.line(field, self.redactor, MAX_NAME);
        let kind = of("type").unwrap_or_default();
        let target = match kind.as_str() {
            "python" => [of("module"), of("func")].into_iter().flatten().collect::<Vec<String>>().join("."),
            "process" => self.program(provider).unwrap_or_default(),
            "http" => {
                let method = of("method").unwrap_or_else(|| "GET".to_owned());
                let url = provider["url"].as_str().unwrap_or_default();
                let url = if self.options.outputs { url } else { without_path(url) };
                format!("{method} {}", self.redactor.line(url, MAX_NAME))
            }
            _ => String::new(),
        };
        let arguments =
            provider.get("arguments").filter(|arguments| self.options.outputs && !arguments.is_null());
        Some(Provider {
            kind,
            target,
            timeout: provider.number("timeout"),
            arguments: arguments.map(|value| self.redactor.json(value, MAX_TEXT)),
        })
    }

    /// The query of a probe of Prometheus.
    fn query(&self, activity: &Value) -> Option<String> {
        activity["provider"]["arguments"].line("query", self.redactor, MAX_NAME)
    }

    /// The program of a process. The path may be a whole command.
    fn program(&self, provider: &Value) -> Option<String> {
        let path = provider["path"].as_str()?;
        let shown = if self.options.outputs { path } else { path.split_whitespace().next()? };
        Some(self.redactor.line(shown, MAX_NAME))
    }

    /// Why an activity failed. An exception is a list of lines.
    fn error(&self, exception: &Value) -> Option<String> {
        let lines: Vec<&str> = match exception {
            Value::String(text) => vec![text],
            Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect(),
            _ => return None,
        };
        let whole = lines.concat();
        if self.options.outputs {
            return Some(self.redactor.text(whole.trim(), MAX_TEXT)).filter(|text| !text.is_empty());
        }
        // Anything may be a secret that is not in the journal.
        if self.redactor.has_secrets {
            return Some(HIDDEN_ERROR.to_owned());
        }
        // The text of an exception can have several lines, and the traceback before it ends with an indented one.
        let last = lines.iter().rev().find(|line| !line.trim().is_empty())?;
        let line = last.lines().map(str::trim).find(|line| !line.is_empty())?;
        let line = line.strip_prefix("chaoslib.exceptions.ActivityFailed: ").unwrap_or(line);
        Some(self.redactor.line(&without_paths(line), MAX_ERROR))
    }
}

/// Returns a URL without its path and its query, where secrets are.
fn without_path(url: &str) -> &str {
    let Some(scheme) = url.find("://") else { return url.split(['/', '?', '#']).next().unwrap_or_default() };
    let start = scheme + 3;
    let end = url[start..].find(['/', '?', '#']).map_or(url.len(), |end| start + end);
    &url[..end]
}

/// Returns a text in which no URL has a path, neither behind a host nor alone, as in `with url: /path?query`.
fn without_paths(text: &str) -> String {
    let mut is_path = false;
    let word = |word: &str| {
        let hides = std::mem::replace(&mut is_path, word.ends_with("url:")) && word.starts_with('/');
        if hides { "/…".to_owned() } else { word.to_owned() }
    };
    without_urls(text).split(' ').map(word).collect::<Vec<String>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case("https://host:8/path?token=1", "https://host:8")]
    #[case("http://host?x=1", "http://host")]
    #[case("host/path", "host")]
    #[case("", "")]
    fn a_url_loses_its_path(#[case] url: &str, #[case] expected: &str) {
        assert_eq!(without_path(url), expected);
    }

    #[rstest]
    #[case("no url here / at all", "no url here / at all")]
    #[case("for url 'http://h/a/b?c' (x)", "for url 'http://h/…' (x)")]
    #[case("http://h", "http://h")]
    #[case("exceeded with url: /a?token=b (Caused by /dev/x)", "exceeded with url: /… (Caused by /dev/x)")]
    fn urls_in_a_text_lose_their_paths(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(without_paths(text), expected);
    }

    #[rstest]
    #[case(false, json!({}), Some("ValueError: no"), "sh")]
    #[case(true, json!({}), Some("Traceback\n  line\nValueError: no\n"), "sh -c 'echo x'")]
    #[case(false, json!({"secrets": {"a": {"b": {"type": "env", "key": "X"}}}}), Some(HIDDEN_ERROR), "sh")]
    fn options_and_secrets_decide_what_is_kept(
        #[case] outputs: bool,
        #[case] experiment: Value,
        #[case] error: Option<&str>,
        #[case] target: &str,
    ) {
        let redactor = Redactor::new(&experiment);
        let reader = Reader { redactor: &redactor, options: Options { outputs }, start: None };
        let entry = json!({
            "activity": {"type": "probe", "name": "n", "provider": {
                "type": "process", "path": "sh -c 'echo x'", "arguments": {"password": "p", "a": 1}}},
            "output": {"stdout": "o"}, "status": "failed",
            "exception": ["Traceback\n", "  line\n", "ValueError: no\n"],
        });
        let found = reader.activity(&entry);
        let provider = found.provider.unwrap();
        assert_eq!(found.error.as_deref(), error.map(str::trim));
        assert_eq!(provider.target, target);
        assert_eq!(found.output.is_some(), outputs);
        assert_eq!(provider.arguments, outputs.then(|| r#"{"a":1,"password":"***"}"#.to_owned()));
    }
}
