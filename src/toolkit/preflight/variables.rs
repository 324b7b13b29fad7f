//! Variables of the environment that the configuration and the secrets refer to.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::toolkit::lint::shown;
use crate::toolkit::preflight::finding::{Findings, Kind};
use crate::toolkit::rights::activities::plain;

/// The variables that the kubelet and the images of the toolkit give.
const GIVEN: [&str; 9] = ["GPG_KEY", "HOME", "HOSTNAME", "LANG", "LC_ALL", "PATH", "PWD", "SHLVL", "USER"];

/// The beginnings of variables that the kubelet, the images of the toolkit and the operator give.
const GIVEN_PREFIXES: [&str; 3] = ["KUBERNETES_", "PYTHON", "CHAOSTOOLKIT_"];

/// The ends of variables that the kubelet gives for Services, and what they contain if a Service has several ports.
/// <https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables>
const OF_SERVICES: [&str; 3] = ["_SERVICE_HOST", "_SERVICE_PORT", "_PORT"];

/// An entry that the environment has to fill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    /// Where it is.
    pub path: String,
    /// The variable.
    pub variable: &'a str,
}

/// Returns the variables that an experiment needs, without those that every pod has.
#[must_use]
pub fn asked(experiment: &Value) -> BTreeSet<&str> {
    entries(experiment).map(|entry| entry.variable).collect()
}

/// Adds the entries whose variable is not among these.
pub(super) fn missing(experiment: &Value, variables: &BTreeSet<String>, found: &mut Findings) {
    for Entry { path, variable } in entries(experiment) {
        if !variables.contains(variable) {
            let message = format!(
                "nothing gives the variable {}, so the toolkit refuses the experiment; set it in spec.pod.env, or give the entry a default",
                shown(variable)
            );
            found.add(Kind::VariableMissing, path, message);
        }
    }
}

/// Returns the entries without a default that the environment has to fill. The toolkit reads secrets one level deeper.
fn entries(experiment: &Value) -> impl Iterator<Item = Entry<'_>> {
    let configuration = experiment["configuration"].as_object().into_iter().flatten();
    let configuration =
        configuration.filter_map(|(key, value)| of(value, format!("configuration.{}", plain(key))));
    let secrets = experiment["secrets"].as_object().into_iter().flatten();
    let secrets = secrets.flat_map(|(scope, keys)| {
        let keys = keys.as_object().into_iter().flatten();
        keys.filter_map(move |(key, value)| of(value, format!("secrets.{}.{}", plain(scope), plain(key))))
    });
    configuration.chain(secrets)
}

/// Returns an entry if the environment has to fill it.
fn of(value: &Value, path: String) -> Option<Entry<'_>> {
    let value = value.as_object()?;
    if value.get("type")? != "env" || value.get("default").is_some_and(|default| !default.is_null()) {
        return None;
    }
    let variable = value.get("key")?.as_str().filter(|variable| !is_given(variable))?;
    Some(Entry { path, variable })
}

fn is_given(variable: &str) -> bool {
    GIVEN.contains(&variable)
        || GIVEN_PREFIXES.iter().any(|prefix| variable.starts_with(prefix))
        || OF_SERVICES.iter().any(|part| variable.ends_with(part) || variable.contains(&format!("{part}_")))
}
