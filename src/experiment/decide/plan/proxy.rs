//! `spec.pod.proxy`: the way of the toolkit through an HTTP proxy.

use crate::experiment::decide::plan::elsewhere::Proxy;
use crate::experiment::decide::plan::files::check_key;
use crate::experiment::decide::plan::values::given;
use crate::experiment::decide::plan::web;
use chaostoolkit_api::spec::{InvalidSpec, Mistakes, PodSpec};

/// How many entries the author may add to those that go without the proxy.
const MAX_ENTRIES: usize = 64;

/// The longest of these entries, in bytes.
const MAX_ENTRY: usize = 253;

/// Returns the proxy that a spec asks for. An error names all mistakes.
pub fn proxy(pod: &PodSpec) -> Result<Option<Proxy>, InvalidSpec> {
    let Some(spec) = pod.proxy.clone() else { return Ok(None) };
    let mut mistakes = Mistakes::default();
    let (http, https) = (given(spec.http), given(spec.https));
    for (field, url) in [("http", &http), ("https", &https)] {
        let checked = url.as_deref().map_or(Ok(()), web::check);
        let wrong = |problem| InvalidSpec::new(format!("spec.pod.proxy.{field}"), problem);
        mistakes.or(checked.map_err(wrong), ());
    }
    let no_proxy = spec.no_proxy.unwrap_or_default();
    if no_proxy.len() > MAX_ENTRIES {
        let problem = format!("has {} entries; at most {MAX_ENTRIES} are possible", no_proxy.len());
        mistakes.add(InvalidSpec::new("spec.pod.proxy.noProxy", problem));
    }
    let is_entry = |entry: &str| {
        let is_separator = |letter: char| letter == ',' || letter.is_whitespace() || letter.is_control();
        !entry.is_empty() && entry.len() <= MAX_ENTRY && !entry.contains(is_separator)
    };
    for (index, entry) in no_proxy.iter().take(MAX_ENTRIES).enumerate().filter(|(_, entry)| !is_entry(entry))
    {
        let shown: String = entry.chars().take(MAX_ENTRY).collect();
        let problem = format!("{shown:?} is not one host, domain or address, without commas and spaces");
        mistakes.add(InvalidSpec::new(format!("spec.pod.proxy.noProxy[{index}]"), problem));
    }
    if let Some(key) = &spec.ca_bundle {
        mistakes.or(check_key("spec.pod.proxy.caBundle", key), ());
    }
    mistakes.none().map(|()| Some(Proxy { http, https, no_proxy, ca_bundle: spec.ca_bundle }))
}

/// Names the URLs of a spec that show a password to everybody who can read the experiment or its pod.
#[must_use]
pub fn shown_passwords(pod: &PodSpec) -> Vec<String> {
    let proxy = pod.proxy.as_ref();
    let urls = [
        ("spec.pod.proxy.http", proxy.and_then(|proxy| proxy.http.as_deref())),
        ("spec.pod.proxy.https", proxy.and_then(|proxy| proxy.https.as_deref())),
        ("spec.pod.experiment.url", pod.experiment.as_ref().and_then(|source| source.url.as_deref())),
    ];
    let shown = urls.into_iter().filter(|(_, url)| url.is_some_and(web::shows_password));
    shown
        .map(|(path, _)| {
            format!(
                "{path}: whoever can read the experiment or the pod sees the password; put it into a Secret of spec.pod.env, and write $(NAME) in its place"
            )
        })
        .collect()
}

#[cfg(test)]
#[path = "proxy_tests.rs"]
mod tests;
