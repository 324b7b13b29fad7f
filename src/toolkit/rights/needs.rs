//! What a function calls, with the arguments that it is given.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::toolkit::rights::arguments::{Argument, Arguments};
use crate::toolkit::rights::rule::Grant;
use crate::toolkit::rights::table::{Entry, FUNCTIONS, Format, Objects, Right};
use crate::yaml;
use chaostoolkit_api::{bounded, names};

/// The namespace of calls.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Namespace {
    /// It has this name, which nobody has checked.
    Known(String),
    /// It cannot be derived, for this reason.
    Unknown(&'static str),
}

/// What a function calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Calls {
    /// Nothing.
    None,
    /// What only a `ClusterRole` can permit.
    Cluster,
    /// Objects in one namespace.
    In {
        /// The namespace.
        namespace: Namespace,
        /// The argument that names the namespace.
        argument: &'static str,
        /// The rights.
        grants: BTreeSet<Grant>,
    },
}

/// Why it is not known what a function calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// The argument that does not tell.
    pub argument: &'static str,
    /// Why.
    pub why: &'static str,
}

/// The argument of most functions that names the namespace.
const NAMESPACE: &str = "ns";
/// The argument that names the object.
const NAME: &str = "name";
/// The argument with the text of an object.
const RESOURCE: &str = "resource";
/// The namespace that all functions have by default, wherever they run.
const DEFAULT_NAMESPACE: &str = "default";

/// Returns what a function calls. Returns `None` if chaosk8s does not have it.
pub(super) fn calls(function: &str, arguments: Arguments) -> Option<Result<Calls, Problem>> {
    let (_, entry) = FUNCTIONS.iter().find(|(name, _)| *name == function)?;
    Some(match entry {
        Entry::Nothing => Ok(Calls::None),
        Entry::Cluster => Ok(Calls::Cluster),
        Entry::In(rights) => rights
            .iter()
            .map(|right| granted(right, (right.group, right.resource), arguments))
            .collect::<Result<Vec<_>, _>>()
            .map(|grants| in_namespace(arguments, grants.into_iter().flatten().collect())),
        Entry::Custom(right) => custom(right, arguments),
        Entry::Apply(format) => applied(*format, arguments),
    })
}

fn in_namespace(arguments: Arguments, grants: BTreeSet<Grant>) -> Calls {
    let namespace = match arguments.get(NAMESPACE) {
        Argument::Absent => Namespace::Known(DEFAULT_NAMESPACE.to_owned()),
        Argument::Text(name) => Namespace::Known(name),
        Argument::Empty => Namespace::Unknown("since it has no value"),
        Argument::Unknown(why) => Namespace::Unknown(why),
    };
    Calls::In { namespace, argument: NAMESPACE, grants }
}

/// Returns the rights for a resource.
fn granted(
    right: &Right,
    (group, resource): (&str, &str),
    arguments: Arguments,
) -> Result<Vec<Grant>, Problem> {
    let missing = Problem { argument: NAME, why: "since it is missing" };
    let object = match (right.objects, arguments.get(NAME)) {
        (Objects::Only(name), _) => Some(name.to_owned()),
        (Objects::Named | Objects::MaybeNamed, Argument::Text(name)) => {
            let no_name = |_| Problem { argument: NAME, why: "since no object can have this name" };
            names::check_path_segment(&name).map_err(no_name)?;
            Some(name)
        }
        (Objects::Named, Argument::Absent | Argument::Empty) => return Err(missing),
        // If there is a name here, it is known in the pod alone, so any object may have it.
        (Objects::All | Objects::Named | Objects::MaybeNamed, _) => None,
    };
    let grant = |verb: &&'static str| Grant {
        group: group.to_owned(),
        resource: resource.to_owned(),
        verb,
        object: object.clone(),
    };
    Ok(right.verbs.iter().map(grant).collect())
}

/// Returns what a function calls for the kind of object that its arguments name.
fn custom(right: &Right, arguments: Arguments) -> Result<Calls, Problem> {
    let kind = |argument: &'static str, check: fn(&str) -> Result<(), String>| match arguments.get(argument) {
        Argument::Text(text) if check(&text).is_ok() => Ok(text),
        Argument::Text(_) => Err(Problem { argument, why: "since nothing can have this name" }),
        Argument::Absent | Argument::Empty => Err(Problem { argument, why: "since it is missing" }),
        Argument::Unknown(why) => Err(Problem { argument, why }),
    };
    let group = kind("group", names::check_dns_subdomain)?;
    let plural = kind("plural", names::check_dns_label)?;
    let grants = granted(right, (&group, &plural), arguments)?;
    Ok(in_namespace(arguments, grants.into_iter().collect()))
}

/// Returns what a function calls that creates the object in a text.
fn applied(format: Format, arguments: Arguments) -> Result<Calls, Problem> {
    let problem = |why| Problem { argument: RESOURCE, why };
    let text = match arguments.get(RESOURCE) {
        Argument::Text(text) => text,
        Argument::Absent | Argument::Empty => return Err(problem("since it is missing")),
        Argument::Unknown(why) => return Err(problem(why)),
    };
    let object: Option<Value> = match format {
        Format::Json => bounded::json(&text).ok(),
        Format::Yaml => yaml::parse(&text).ok(),
    };
    let object = object.ok_or_else(|| problem("since it cannot be read"))?;
    let text = |field: &str| object.get(field).and_then(Value::as_str).unwrap_or_default();
    let group = text("apiVersion").rsplit_once('/').map(|(group, _)| group);
    let group = group.filter(|group| names::check_dns_subdomain(group).is_ok());
    let plural = Some(plural(text("kind"))).filter(|plural| names::check_dns_label(plural).is_ok());
    let (Some(group), Some(plural)) = (group, plural) else {
        return Err(problem("since its kind or the group of its kind is missing"));
    };
    let namespace = match object["metadata"].get("namespace") {
        None => Namespace::Known(DEFAULT_NAMESPACE.to_owned()),
        Some(Value::String(name)) => Namespace::Known(name.clone()),
        Some(_) => Namespace::Unknown("since it is not a text"),
    };
    let grant = Grant { group: group.to_owned(), resource: plural, verb: "create", object: None };
    Ok(Calls::In { namespace, argument: RESOURCE, grants: BTreeSet::from([grant]) })
}

/// Returns the resource that chaosk8s takes for a kind.
fn plural(kind: &str) -> String {
    let kind = kind.to_lowercase();
    match kind.strip_suffix('y') {
        _ if kind == "endpoints" || kind.is_empty() => kind,
        Some(stem) => format!("{stem}ies"),
        None if kind.ends_with('s') => format!("{kind}es"),
        None => format!("{kind}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("Endpoints", "endpoints")]
    #[case("NetworkChaos", "networkchaoses")]
    #[case("Policy", "policies")]
    #[case("Widget", "widgets")]
    #[case("", "")]
    fn a_kind_has_the_plural_that_chaosk8s_makes(#[case] kind: &str, #[case] expected: &str) {
        assert_eq!(plural(kind), expected);
    }
}
