//! Rights that activities need and the account of the run lacks.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::toolkit::preflight::finding::{Findings, Kind};
use crate::toolkit::preflight::known::Known;
use crate::toolkit::rights::activities::plain;
use crate::toolkit::rights::rule::Grant;
use crate::toolkit::rights::{self, Namespace, Need};

/// Returns the rights that an experiment needs in namespaces that are known.
/// There are at most [`rights::MOST_RIGHTS`]. `is_overridden` is as in [`rights::of`].
#[must_use]
pub fn needed(experiment: &Value, is_overridden: bool) -> BTreeSet<(Namespace, Grant)> {
    let needs = rights::of(experiment, is_overridden).needs;
    let all = needs.into_iter().flat_map(|Need { namespace, grants, .. }| {
        grants.into_iter().map(move |grant| (namespace.clone(), grant))
    });
    all.filter(|(namespace, _)| matches!(namespace, Namespace::Known(_))).collect()
}

/// Adds the activities that need a right that is lacking.
pub(super) fn lacking(experiment: &Value, known: &Known<'_>, found: &mut Findings) {
    if known.is_bounded {
        for (path, function) in rights::wide(experiment) {
            let message = format!(
                "{function} of chaosk8s needs rights in the whole cluster, which the account of the run does not have; \
                 spec.role.clusterRole gives it those of a ClusterRole"
            );
            found.add(Kind::RightMissing, path, message);
        }
    }
    if known.lacking.is_empty() {
        return;
    }
    // What the variables are was decided when the rights were looked up: others are not among them.
    for Need { namespace, path, grants } in rights::of(experiment, false).needs {
        let Namespace::Known(name) = &namespace else { continue };
        let is_lacking = |grant: &&Grant| known.lacking.contains(&(namespace.clone(), (*grant).clone()));
        let lacking: Vec<String> = grants.iter().filter(is_lacking).map(words).collect();
        if lacking.is_empty() {
            continue;
        }
        let activity = path.split(".arguments.").next().unwrap_or_default();
        let message = format!(
            "the account of the run may not {} in namespace {}; spec.role.generate or spec.role.rules gives it the right",
            lacking.join(", "),
            plain(name),
        );
        found.add(Kind::RightMissing, format!("{activity}.func"), message);
    }
}

/// Returns a right in words.
fn words(Grant { group, resource, verb, object }: &Grant) -> String {
    let group = if group.is_empty() { String::new() } else { format!(".{group}") };
    let object = object.as_deref().map(|object| format!(" {object}")).unwrap_or_default();
    format!("{verb} {resource}{group}{object}")
}
