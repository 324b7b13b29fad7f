//! The rights that an experiment needs at the API server of Kubernetes, as far as its text tells. Pure.
//!
//! The module and the function of an activity are plain texts, which the toolkit never replaces. So the functions of
//! `chaosk8s` tell exactly which calls they make. What the text does not tell is named, and gets no rights.

pub mod rule;

pub(super) mod activities;
mod arguments;
mod needs;
mod process;
mod table;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::toolkit::lint;
use crate::toolkit::lint::shown;
use crate::toolkit::rights::activities::{Activity, activities, controls};
use crate::toolkit::rights::arguments::Variables;
use crate::toolkit::rights::needs::{Calls, calls};
use crate::toolkit::rights::rule::Grant;

pub use needs::Namespace;

#[cfg(test)]
mod tests;

/// The maximum number of different rights of an experiment. The API server is asked about each of them before a run starts.
pub const MOST_RIGHTS: usize = 256;

/// The maximum number of problems that are named.
const MOST_PROBLEMS: usize = 10;

/// The rights that an experiment needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// The needs of the activities, in their order.
    pub needs: Vec<Need>,
    /// What cannot be derived, with one sentence each. Each sentence begins with the path of its part in the experiment.
    pub problems: Vec<String>,
}

/// What an activity needs in one namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// The namespace.
    pub namespace: Namespace,
    /// The path of the argument that names the namespace, such as `method[0].provider.arguments.ns`.
    pub path: String,
    /// The rights.
    pub grants: BTreeSet<Grant>,
}

/// Returns the known functions of chaosk8s, without `chaosk8s.`.
pub fn functions() -> impl Iterator<Item = &'static str> {
    table::FUNCTIONS.iter().map(|(name, _)| *name)
}

/// Derives the rights from the text of an experiment. As in the toolkit, the extension of the file selects the format.
///
/// `is_overridden` says that options of the toolkit may replace the configuration of the experiment.
#[must_use]
pub fn rights(file: &str, text: &str, is_overridden: bool) -> Rights {
    match lint::read(file, text) {
        Some(Ok(experiment)) => of(&experiment, is_overridden),
        _ => Rights {
            needs: Vec::new(),
            problems: vec!["the experiment cannot be read, so no rights are derived".to_owned()],
        },
    }
}

/// Derives the rights from an experiment.
#[must_use]
pub fn of(experiment: &Value, is_overridden: bool) -> Rights {
    let variables = Variables::of(experiment, is_overridden);
    let (mut needs, mut problems) = (Vec::new(), Problems::default());
    let mut granted = BTreeSet::new();
    for activity in activities(experiment) {
        let Some(found) = need(&activity, variables) else { continue };
        match found {
            Err(problem) => problems.add(problem),
            Ok(need) => {
                let all = need.grants.iter().map(|grant| (need.namespace.clone(), grant.clone()));
                let new: Vec<_> = all.filter(|one| !granted.contains(one)).collect();
                if granted.len() + new.len() > MOST_RIGHTS {
                    let Activity { path, .. } = &activity;
                    problems.add(format!("{path}: the experiment needs more than {MOST_RIGHTS} rights"));
                    continue;
                }
                granted.extend(new);
                if let Namespace::Unknown(why) = &need.namespace {
                    problems.add(format!("{}: the namespace cannot be derived, {why}", need.path));
                }
                needs.push(need);
            }
        }
    }
    for path in controls(experiment) {
        problems.add(format!("{path}: the rights that a control needs cannot be derived"));
    }
    Rights { needs, problems: problems.finish() }
}

/// Returns the activities that need rights in the whole cluster: the path of the function, and its name without `chaosk8s.`.
pub fn wide(experiment: &Value) -> impl Iterator<Item = (String, String)> {
    let variables = Variables::of(experiment, true);
    activities(experiment).into_iter().filter_map(move |Activity { path, provider }| {
        let function = function(provider)?;
        let calls = calls(&function, variables.arguments(provider.get("arguments")))?.ok()?;
        (calls == Calls::Cluster).then(|| (format!("{path}.func"), function))
    })
}

/// Returns what an activity needs, or why that cannot be derived. Returns `None` if it needs nothing.
fn need(activity: &Activity, variables: Variables) -> Option<Result<Need, String>> {
    let Activity { path, provider } = activity;
    if provider["type"] == "process" {
        let tool = process::tool(provider)?;
        return Some(Err(format!("{path}: the rights that {tool} needs cannot be derived")));
    }
    let function = function(provider)?;
    let arguments = variables.arguments(provider.get("arguments"));
    Some(match calls(&function, arguments) {
        None => Err(format!("{path}.func: {} of chaosk8s is not known", shown(&function))),
        Some(Ok(Calls::None)) => return None,
        Some(Ok(Calls::Cluster)) => Err(format!(
            "{path}.func: {function} of chaosk8s needs rights in the whole cluster, which no Role can give"
        )),
        Some(Ok(Calls::In { namespace, argument, grants })) => {
            Ok(Need { namespace, path: format!("{path}.arguments.{argument}"), grants })
        }
        Some(Err(problem)) => Err(format!(
            "{path}.arguments.{}: the rights cannot be derived, {}",
            problem.argument, problem.why
        )),
    })
}

/// Returns the function of a provider if it is one of chaosk8s, without `chaosk8s.`.
fn function(provider: &Value) -> Option<String> {
    let (module, function) = (provider["module"].as_str()?, provider["func"].as_str().unwrap_or_default());
    match module.strip_prefix("chaosk8s")? {
        "" => Some(function.to_owned()),
        module => module.strip_prefix('.').map(|module| format!("{module}.{function}")),
    }
}

/// Collects problems up to the limit.
#[derive(Default)]
struct Problems {
    texts: Vec<String>,
    /// The number of problems above the limit.
    left_out: usize,
}

impl Problems {
    fn add(&mut self, problem: String) {
        if self.texts.len() < MOST_PROBLEMS {
            self.texts.push(problem);
        } else {
            self.left_out += 1;
        }
    }

    fn finish(mut self) -> Vec<String> {
        if self.left_out > 0 {
            self.texts.push(format!("and {} more", self.left_out));
        }
        self.texts
    }
}
