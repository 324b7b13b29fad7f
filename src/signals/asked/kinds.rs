//! The signals that a spec asks for, each checked: pure.

use std::str::FromStr;

use crate::signals::experiment::ExpectedEnd;
use crate::signals::resource::ExpectedCondition;
use crate::signals::signal::{Asks, Question, Signal};
use crate::signals::text::{quoted, within};
use chaostoolkit_api::names;
use chaostoolkit_api::spec::{
    AlertmanagerSignal, ExperimentSignal, HttpSignal, InvalidSpec, Mistakes, PrometheusSignal, ResourceSignal,
};
use chaostoolkit_api::status::RunResult;

/// The longest query, in bytes. It becomes a part of a URL, and many servers take no more than 8 KiB of it.
const MAX_QUERY: usize = 4096;

/// The maximum number of matchers.
const MAX_MATCHERS: usize = 16;

/// The longest name of a kind, a version or a condition, in bytes.
const MAX_WORD: usize = 253;

pub(super) fn prometheus(at: &str, spec: &PrometheusSignal) -> Result<Signal, InvalidSpec> {
    let PrometheusSignal { source, query, expect } = spec;
    let mut mistakes = Mistakes::default();
    mistakes.or(source_name(&format!("{at}.prometheus.source"), source), ());
    let length = within(query, MAX_QUERY).and_then(|query| match query {
        "" => Err("is empty: write a query in PromQL".to_owned()),
        _ => Ok(()),
    });
    mistakes.or(length.map_err(|problem| InvalidSpec::new(format!("{at}.prometheus.query"), problem)), ());
    let expected = mistakes.or(parsed(&format!("{at}.prometheus.expect"), expect), None);
    mistakes.none()?;
    let ask = |expected| Asks::Prometheus { query: query.clone(), expected };
    question(at, source, expected.map(ask))
}

pub(super) fn alertmanager(at: &str, spec: &AlertmanagerSignal) -> Result<Signal, InvalidSpec> {
    let AlertmanagerSignal { source, matchers: texts } = spec;
    let at_matchers = format!("{at}.alertmanager.matchers");
    let mut mistakes = Mistakes::default();
    mistakes.or(source_name(&format!("{at}.alertmanager.source"), source), ());
    let count = match texts.len() {
        0 => Err("is empty: write at least one, such as severity=\"critical\"".to_owned()),
        count if count > MAX_MATCHERS => {
            Err(format!("has {count} matchers; at most {MAX_MATCHERS} are possible"))
        }
        _ => Ok(()),
    };
    let is_bounded = count.is_ok();
    mistakes.or(count.map_err(|problem| InvalidSpec::new(&at_matchers, problem)), ());
    let mut matchers = Vec::new();
    for (index, text) in texts.iter().enumerate().filter(|_| is_bounded) {
        matchers.extend(mistakes.or(parsed(&format!("{at_matchers}[{index}]"), text), None));
    }
    mistakes.none()?;
    question(at, source, Some(Asks::Alertmanager { matchers }))
}

pub(super) fn http(at: &str, spec: &HttpSignal) -> Result<Signal, InvalidSpec> {
    let HttpSignal { source, path, expect } = spec;
    let mut mistakes = Mistakes::default();
    mistakes.or(source_name(&format!("{at}.http.source"), source), ());
    let path = mistakes.or(parsed(&format!("{at}.http.path"), path), None);
    let expected = mistakes.or(parsed(&format!("{at}.http.expect"), expect), None);
    mistakes.none()?;
    question(at, source, path.zip(expected).map(|(path, expected)| Asks::Http { path, expected }))
}

fn question(at: &str, source: &str, asks: Option<Asks>) -> Result<Signal, InvalidSpec> {
    let asks = asks.ok_or_else(|| InvalidSpec::new(at, "asks for nothing"))?;
    Ok(Signal::Source(Question { source: source.to_owned(), asks }))
}

pub(super) fn resource(at: &str, spec: &ResourceSignal, run_namespace: &str) -> Result<Signal, InvalidSpec> {
    let ResourceSignal { api_version, kind, namespace, name, condition } = spec;
    let mut mistakes = Mistakes::default();
    let mut check = |field: &str, result: Result<(), String>| {
        mistakes
            .or(result.map_err(|problem| InvalidSpec::new(format!("{at}.resource.{field}"), problem)), ());
    };
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    let is_core = group.is_empty() && !api_version.contains('/');
    let group_is_valid = if is_core { Ok(()) } else { names::check_dns_subdomain(group) };
    check("apiVersion", group_is_valid.and_then(|()| names::check_dns_label(version)));
    check("kind", word(kind));
    if let Some(namespace) = namespace.as_deref().filter(|namespace| !namespace.is_empty()) {
        let is_own = namespace == run_namespace;
        let problem = || {
            format!(
                "{} is not the namespace of the run, {run_namespace}: only objects there can be read",
                quoted(namespace)
            )
        };
        check("namespace", if is_own { Ok(()) } else { Err(problem()) });
    }
    check("name", names::check_path_segment(name));
    let (condition, status) = condition.split_once('=').unwrap_or((condition, "True"));
    let (condition, status) = (condition.trim(), status.trim());
    check("condition", word(condition).and_then(|()| word(status)));
    mistakes.none()?;
    let [group, version, kind, name, condition, status] =
        [group, version, kind, name, condition, status].map(str::to_owned);
    Ok(Signal::Resource(ExpectedCondition { group, version, kind, name, condition, status }))
}

pub(super) fn experiment(at: &str, spec: &ExperimentSignal) -> Result<Signal, InvalidSpec> {
    let ExperimentSignal { name, outcome } = spec;
    let mut mistakes = Mistakes::default();
    let valid = names::check_dns_subdomain(name);
    mistakes.or(valid.map_err(|problem| InvalidSpec::new(format!("{at}.experiment.name"), problem)), ());
    let results = outcome.clone().unwrap_or_else(|| vec![RunResult::Passed]);
    if results.is_empty() {
        let problem = "is empty: write at least one result, such as Passed";
        mistakes.add(InvalidSpec::new(format!("{at}.experiment.outcome"), problem));
    }
    mistakes.none()?;
    Ok(Signal::Experiment(ExpectedEnd { name: name.clone(), results }))
}

fn source_name(at: &str, name: &str) -> Result<(), InvalidSpec> {
    names::check_dns_label(name).map_err(|problem| InvalidSpec::new(at, problem))
}

fn parsed<T: FromStr<Err = String>>(at: &str, text: &str) -> Result<Option<T>, InvalidSpec> {
    text.parse().map(Some).map_err(|problem: String| InvalidSpec::new(at, problem))
}

/// Checks a word that messages show, such as a kind or a condition. A condition may have a domain.
fn word(text: &str) -> Result<(), String> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-._/".contains(letter);
    if !text.is_empty() && text.len() <= MAX_WORD && text.chars().all(is_plain) {
        return Ok(());
    }
    Err(format!(
        "{} must have 1 to {MAX_WORD} characters: letters, digits, '-', '.', '_' and '/'",
        quoted(text)
    ))
}
