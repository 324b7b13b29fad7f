//! What can go wrong in a pass, and what an author gets to know of it.

use std::time::Duration;

use kube::core::Status;

use crate::experiment::decide::templates::TemplateError;
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::spec::InvalidSpec;

/// Why a pass over an experiment did not come to its end. Tried again with a capped backoff, but for an
/// invalid spec, which waits for an edit.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The spec was not understood.
    #[error(transparent)]
    InvalidSpec(#[from] InvalidSpec),
    /// The API server refused or failed.
    #[error("cannot {doing}")]
    Api {
        /// What was to be done, with the object.
        doing: String,
        /// The server's words.
        #[source]
        source: Box<kube::Error>,
    },
    /// The API server did not answer in time.
    #[error("cannot {doing}: no answer within {limit:?}")]
    Timeout {
        /// What was to be done, with the object.
        doing: String,
        /// How long was waited.
        limit: Duration,
    },
    /// Somebody has gone on with the experiment, or it has gone away, since this pass has read it.
    #[error("experiment {0} has changed meanwhile, and what is to be done is decided on anew")]
    Overtaken(String),
    /// The templates cannot be used.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// An object with the name of a child belongs to somebody else.
    #[error(
        "{kind} {namespace}/{name} exists and does not belong to this experiment; delete or rename it, it is left as it is"
    )]
    NameConflict {
        /// Its kind.
        kind: &'static str,
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// The pod would refer to a `ConfigMap` that does not exist.
    #[error("ConfigMap {namespace}/{name}, {used_by}, does not exist; the run starts once it does")]
    ConfigMapMissing {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// Where the pod refers to it.
        used_by: String,
    },
    /// The log of a run that has ended cannot be read just now.
    #[error("cannot read the log of Pod {namespace}/{pod}: {problem}")]
    LogUnread {
        /// Its namespace.
        namespace: String,
        /// Its name.
        pod: String,
        /// Why.
        problem: String,
    },
    /// A namespace that the run needs is being deleted.
    #[error("namespace {0} is being deleted; the run starts once it is gone and there again")]
    NamespaceTerminating(String),
    /// A namespace of `spec.role.binds_to_namespaces` does not exist.
    #[error(
        "namespace {0}, named by spec.role.binds_to_namespaces, does not exist; the run starts once it does"
    )]
    NamespaceMissing(String),
}

impl Error {
    /// The one word for it.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::Api { .. } => match self.status() {
                Some(status) if is_namespace_terminating(status) => Reason::NamespaceTerminating,
                Some(status) if status.is_forbidden() || is_webhook_down(status) => Reason::Forbidden,
                Some(status) if matches!(status.code, 400 | 422) => Reason::ObjectInvalid,
                _ => Reason::ApiError,
            },
            Self::InvalidSpec(_) => Reason::InvalidSpec,
            Self::Timeout { .. } | Self::Overtaken(_) | Self::LogUnread { .. } => Reason::ApiError,
            Self::Template(error) => error.reason(),
            Self::NameConflict { .. } => Reason::NameConflict,
            Self::ConfigMapMissing { .. } => Reason::ConfigMapMissing,
            Self::NamespaceTerminating(_) => Reason::NamespaceTerminating,
            Self::NamespaceMissing(_) => Reason::NamespaceMissing,
        }
    }

    /// Whether somebody has to do something about it, so that it belongs on the object. Failures of the API server
    /// itself (conflicts, overload, timeouts) pass by themselves and are only logged and counted.
    #[must_use]
    pub fn is_for_people(&self) -> bool {
        self.reason() != Reason::ApiError
    }

    /// What failed and why, in one line.
    #[must_use]
    pub fn describe(&self) -> String {
        match self.status() {
            Some(status) if is_webhook_down(status) => format!("{self}: {}", lasting(&status.message)),
            Some(status) => format!("{self}: {}", status.message),
            None => match std::error::Error::source(self) {
                Some(source) => format!("{self}: {source}"),
                None => self.to_string(),
            },
        }
    }

    fn status(&self) -> Option<&Status> {
        match self {
            Self::Api { source, .. } => status_of(source),
            _ => None,
        }
    }

    /// Whether the API server said that the object is not there.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.status().is_some_and(Status::is_not_found)
    }

    /// Whether it said so of the namespace, of which the object may be left.
    #[must_use]
    pub fn is_namespace_not_found(&self) -> bool {
        let details = self.status().and_then(|status| status.details.as_ref());
        self.is_not_found() && details.is_some_and(|details| details.kind == "namespaces")
    }

    /// Whether an object of that name is there already. Other conflicts (of a quota, say) have the same code.
    #[must_use]
    pub fn is_already_exists(&self) -> bool {
        self.status().is_some_and(Status::is_already_exists)
    }
}

/// The API server's answer, if it gave one.
fn status_of(error: &kube::Error) -> Option<&Status> {
    match error {
        kube::Error::Api(status) => Some(status),
        _ => None,
    }
}

/// A 403 whose cause is that the namespace is going away: not a matter of rights.
fn is_namespace_terminating(status: &Status) -> bool {
    let mut causes = status.details.iter().flat_map(|details| &details.causes);
    causes.any(|cause| cause.reason == "NamespaceTerminating")
}

/// A 500 that does not pass by itself: an admission webhook that must be asked does not answer, and nothing is written
/// until somebody mends or removes it.
fn is_webhook_down(status: &Status) -> bool {
    status.code == 500 && status.message.contains("failed calling webhook")
}

/// What stays the same from one attempt to the next, without the port that a connection came from: a message that changed
/// each time were a write each time, and each write a new attempt.
fn lasting(message: &str) -> String {
    let word = |word| str::rsplit_once(word, "->").map_or(word, |(_, to)| to);
    message.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    fn api(status: serde_json::Value) -> Error {
        let status = serde_json::from_value(status).unwrap();
        Error::Api { doing: "create Pod a/b".into(), source: Box::new(kube::Error::Api(status)) }
    }

    #[rstest]
    #[case(json!({"code": 403, "reason": "Forbidden", "message": "exceeded quota"}), Reason::Forbidden, true)]
    #[case(json!({"code": 403, "details": {"causes": [{"reason": "NamespaceTerminating"}]}}), Reason::NamespaceTerminating, true)]
    #[case(json!({"code": 422, "reason": "Invalid"}), Reason::ObjectInvalid, true)]
    #[case(json!({"code": 409, "reason": "Conflict"}), Reason::ApiError, false)]
    #[case(json!({"code": 500}), Reason::ApiError, false)]
    #[case(json!({"code": 500, "message": "failed calling webhook \"w\": refused"}), Reason::Forbidden, true)]
    #[case(json!({"code": 429, "reason": "TooManyRequests"}), Reason::ApiError, false)]
    fn answers_have_their_reason(
        #[case] status: serde_json::Value,
        #[case] reason: Reason,
        #[case] for_people: bool,
    ) {
        let error = api(status);
        assert_eq!(error.reason(), reason);
        assert_eq!(error.is_for_people(), for_people);
    }

    #[test]
    fn the_servers_words_are_kept() {
        let error = api(json!({"code": 403, "message": "exceeded quota: q"}));
        assert_eq!(error.describe(), "cannot create Pod a/b: exceeded quota: q");
    }

    #[test]
    fn what_is_said_of_a_webhook_does_not_change_from_one_attempt_to_the_next() {
        let words = |port: &str| {
            let message =
                format!("failed calling webhook \"w\": read tcp 10.0.0.1:{port}->10.0.0.2:443: reset");
            api(json!({"code": 500, "message": message})).describe()
        };
        assert_eq!(words("40001"), words("40002"));
        assert!(words("40001").ends_with("read tcp 10.0.0.2:443: reset"));
    }

    #[test]
    fn a_quota_conflict_is_not_an_existing_object() {
        assert!(api(json!({"code": 409, "reason": "AlreadyExists"})).is_already_exists());
        assert!(!api(json!({"code": 409, "reason": "Conflict"})).is_already_exists());
    }
}
