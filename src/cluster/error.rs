//! The errors of calls to the API server.

use std::fmt::Display;
use std::time::Duration;

use kube::core::Status;

use chaostoolkit_api::reason::Reason;

/// A call that failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The API server rejected the call, or the call failed.
    #[error("cannot {doing}")]
    Api {
        /// The purpose of the call, with the object.
        doing: String,
        /// The error of the client, or the response of the server.
        #[source]
        source: Box<kube::Error>,
    },
    /// The API server knows no place for an object that was to be created: its namespace does not exist, or its kind.
    #[error("cannot {doing}")]
    Placeless {
        /// The purpose of the call, with the object.
        doing: String,
        /// The response of the server.
        #[source]
        source: Box<kube::Error>,
    },
    /// A name cannot go into a URL, so no call is made.
    #[error("no call is made: {field}: {problem}")]
    BadName {
        /// The field with the name, and the kind of the object.
        field: String,
        /// The problem with the name.
        problem: String,
    },
    /// The API server did not answer in time.
    #[error("cannot {doing}: no answer within {limit:?}")]
    Timeout {
        /// The purpose of the call, with the object.
        doing: String,
        /// The time for which the operator waited.
        limit: Duration,
    },
}

impl Error {
    /// Creates the error for an object that cannot be converted to or from the form in which it is sent.
    pub fn unreadable(doing: impl Into<String>, error: impl Display) -> Self {
        let error = kube::Error::SerdeError(serde::ser::Error::custom(error));
        Self::Api { doing: doing.into(), source: Box::new(error) }
    }

    /// The same error as that of a creation. The API server says "not found" then if nobody can create the object.
    #[must_use]
    pub fn of_creation(self) -> Self {
        match self {
            Self::Api { doing, source } if is_not_found(&source) => Self::Placeless { doing, source },
            other => other,
        }
    }

    /// Returns the reason for conditions and metrics.
    #[must_use]
    pub fn reason(&self) -> Reason {
        if matches!(self, Self::Placeless { .. }) {
            let is_namespace = self.is_namespace_not_found();
            return if is_namespace { Reason::NamespaceMissing } else { Reason::ObjectInvalid };
        }
        if matches!(self, Self::BadName { .. }) {
            return Reason::ObjectInvalid;
        }
        match self.status() {
            Some(status) if is_namespace_terminating(status) => Reason::NamespaceTerminating,
            Some(status) if status.is_forbidden() || is_webhook_down(status) => Reason::Forbidden,
            Some(status) if matches!(status.code, 400 | 422) => Reason::ObjectInvalid,
            _ => Reason::ApiError,
        }
    }

    /// Describes the failure and its cause in one line.
    #[must_use]
    pub fn describe(&self) -> String {
        match self.status() {
            Some(status) if is_webhook_down(status) => {
                format!("{self}: {}", without_client_ports(&status.message))
            }
            Some(status) => format!("{self}: {}", status.message),
            None => match std::error::Error::source(self) {
                Some(source) => format!("{self}: {source}"),
                None => self.to_string(),
            },
        }
    }

    /// Returns the response of the API server, if there is one.
    #[must_use]
    pub fn status(&self) -> Option<&Status> {
        match self {
            Self::Api { source, .. } | Self::Placeless { source, .. } => match &**source {
                kube::Error::Api(status) => Some(status),
                _ => None,
            },
            Self::BadName { .. } | Self::Timeout { .. } => None,
        }
    }

    /// Returns whether the object does not exist, by the response of the API server.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.status().is_some_and(Status::is_not_found)
    }

    /// Returns whether somebody else has changed the object since it was read, or has created it.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        self.status().is_some_and(|status| status.code == 409)
    }

    /// Returns the words of the API server if it refused the call.
    #[must_use]
    pub fn refusal(&self) -> Option<&str> {
        self.status().filter(|status| status.is_forbidden()).map(|status| status.message.as_str())
    }

    /// Returns whether the API server refused the call.
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        self.status().is_some_and(Status::is_forbidden)
    }

    /// Returns whether the namespace does not exist, by the response of the API server. Objects in it may still exist.
    #[must_use]
    pub fn is_namespace_not_found(&self) -> bool {
        let details = self.status().and_then(|status| status.details.as_ref());
        self.is_not_found() && details.is_some_and(|details| details.kind == "namespaces")
    }

    /// Returns whether an object with this name already exists. Other conflicts, such as those of a quota, have the same code.
    #[must_use]
    pub fn is_already_exists(&self) -> bool {
        self.status().is_some_and(Status::is_already_exists)
    }
}

fn is_not_found(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.is_not_found())
}

/// Turns "not found" into success, since an object that is gone need not be deleted.
pub fn gone_is_fine<T>(result: Result<T, Error>) -> Result<(), Error> {
    match result {
        Err(error) if error.is_not_found() => Ok(()),
        result => result.map(|_| ()),
    }
}

/// Returns whether the namespace is being deleted. The code is 403 then, although no permission is missing.
fn is_namespace_terminating(status: &Status) -> bool {
    let mut causes = status.details.iter().flat_map(|details| &details.causes);
    causes.any(|cause| cause.reason == "NamespaceTerminating")
}

/// Returns whether an admission webhook did not respond. The code is 500 then. Writes fail until somebody repairs or removes
/// the webhook.
fn is_webhook_down(status: &Status) -> bool {
    status.code == 500 && status.message.contains("failed calling webhook")
}

/// Removes the ports of the client from a message. They differ between attempts, and each new message would cause a new
/// write of the status.
fn without_client_ports(message: &str) -> String {
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
    #[case(json!({"code": 403, "reason": "Forbidden", "message": "exceeded quota"}), Reason::Forbidden)]
    #[case(json!({"code": 403, "details": {"causes": [{"reason": "NamespaceTerminating"}]}}), Reason::NamespaceTerminating)]
    #[case(json!({"code": 422, "reason": "Invalid"}), Reason::ObjectInvalid)]
    #[case(json!({"code": 409, "reason": "Conflict"}), Reason::ApiError)]
    #[case(json!({"code": 500}), Reason::ApiError)]
    #[case(json!({"code": 500, "message": "failed calling webhook \"w\": refused"}), Reason::Forbidden)]
    #[case(json!({"code": 429, "reason": "TooManyRequests"}), Reason::ApiError)]
    fn answers_have_their_reason(#[case] status: serde_json::Value, #[case] reason: Reason) {
        assert_eq!(api(status).reason(), reason);
    }

    #[rstest]
    #[case::namespace("namespaces", Reason::NamespaceMissing)]
    #[case::kind("", Reason::ObjectInvalid)]
    fn what_has_no_place_cannot_be_created(#[case] kind: &str, #[case] reason: Reason) {
        let missing =
            || api(json!({"code": 404, "reason": "NotFound", "message": "gone", "details": {"kind": kind}}));
        assert_eq!(missing().reason(), Reason::ApiError, "another call may succeed next time");
        assert_eq!(missing().of_creation().reason(), reason);
        assert_eq!(missing().of_creation().describe(), "cannot create Pod a/b: gone");
        assert_eq!(api(json!({"code": 500})).of_creation().reason(), Reason::ApiError);
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
