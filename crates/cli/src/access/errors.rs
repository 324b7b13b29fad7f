//! What to say if a call fails: one sentence, and what to do.

use std::error::Error as _;

use chaostoolkit_operator::cluster::Error;
use chaostoolkit_report::text::one_line;

use crate::access::Access;
use crate::failure::Failure;

/// What is told of a missing operator.
pub const NOT_INSTALLED: &str =
    "this cluster does not know the kind ChaosToolkitExperiment, so the operator is not installed";

/// What to do about it.
pub const INSTALL: &str = "install the operator (see its README), or choose another cluster with --context";

impl Access {
    /// Returns what to say of a call that failed.
    pub fn failure(&self, error: &Error) -> Failure {
        let Some(status) = error.status() else {
            return self.unanswered(error);
        };
        let words = one_line(&error.describe());
        match status.code {
            401 => Failure::new(format!("the cluster at {} does not know you: {words}", self.server))
                .hint("log in again; `kubectl auth whoami` shows who you are"),
            403 if words.contains("chaosexperiments") || status.is_forbidden() => Failure::new(words)
                .hint(format!("`kubectl auth can-i --list -n {}` shows what you may do; an administrator gives you more", self.namespace)),
            404 if is_unknown_kind(status) => Failure::new(NOT_INSTALLED).hint(INSTALL),
            409 if words.contains("conflict with") => Failure::new(words).hint(
                "somebody else has set these fields; use the tool that did, or `kubectl apply --server-side --force-conflicts`",
            ),
            409 => Failure::new(words).hint("somebody else has changed the object; try again"),
            429 => Failure::new(words).hint("the API server is busy; try again later"),
            _ => Failure::new(words),
        }
    }

    /// A call that had no answer of the API server.
    fn unanswered(&self, error: &Error) -> Failure {
        if let Error::Timeout { limit, .. } = error {
            return Failure::new(format!("{error}; the cluster at {} does not answer", self.server))
                .hint(format!("try `kubectl version`; --request-timeout allows more than {limit:?}"));
        }
        let words =
            error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {}", chain(source)));
        let words = one_line(&words);
        if matches!(error, Error::BadName { .. }) {
            return Failure::usage(words);
        }
        Failure::new(format!("{words} (the cluster is at {})", self.server))
            .hint("is that the right cluster, and does it run? `kubectl cluster-info` tries it; --context chooses another one")
    }

    /// An experiment that is not there. `is_installed`: the cluster knows the kind.
    pub fn absent(&self, name: &str, is_installed: bool) -> Failure {
        if !is_installed {
            return Failure::new(NOT_INSTALLED).hint(INSTALL);
        }
        Failure::new(format!("there is no experiment {name:?} in namespace {}", self.namespace))
            .hint("`kubectl chaostoolkit list -A` lists all that you may see; -n chooses a namespace")
    }
}

/// Whether the API server knows no such kind. A kind that it knows is named in the details.
fn is_unknown_kind(status: &kube::core::Status) -> bool {
    status.details.as_ref().is_none_or(|details| details.name.is_empty())
}

/// Returns an error with all its causes on one line, each once.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let words = next.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = next.source();
    }
    one_line(&text)
}
