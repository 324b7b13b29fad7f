//! What can go wrong when the API server is asked for something.

use std::fmt::Display;
use std::time::Duration;

use kube::core::Status;

use chaostoolkit_api::reason::Reason;

/// A call that failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The API server refused the call or failed.
    #[error("cannot {doing}")]
    Api {
        /// The purpose of the call, with the object.
        doing: String,
        /// The server's words.
        #[source]
        source: Box<kube::Error>,
    },
    /// The API server did not answer in time.
    #[error("cannot {doing}: no answer within {limit:?}")]
    Timeout {
        /// The purpose of the call, with the object.
        doing: String,
        /// How long the operator waited.
        limit: Duration,
    },
}

impl Error {
    /// An object that cannot be converted to or from the form in which it is sent.
    pub fn unreadable(doing: impl Into<String>, error: impl Display) -> Self {
        let error = kube::Error::SerdeError(serde::ser::Error::custom(error));
        Self::Api { doing: doing.into(), source: Box::new(error) }
    }

    /// The reason for it.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self.status() {
            Some(status) if is_namespace_terminating(status) => Reason::NamespaceTerminating,
            Some(status) if status.is_forbidden() || is_webhook_down(status) => Reason::Forbidden,
            Some(status) if matches!(status.code, 400 | 422) => Reason::ObjectInvalid,
            _ => Reason::ApiError,
        }
    }

    /// What failed and why, in one line.
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

    /// The API server's answer, if it gave one.
    fn status(&self) -> Option<&Status> {
        match self {
            Self::Api { source, .. } => match &**source {
                kube::Error::Api(status) => Some(status),
                _ => None,
            },
            Self::Timeout { .. } => None,
        }
    }

    /// Whether the API server said that the object does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.status().is_some_and(Status::is_not_found)
    }

    /// Whether the API server said that the namespace does not exist. An object in it may still be there.
    #[must_use]
    pub fn is_namespace_not_found(&self) -> bool {
        let details = self.status().and_then(|status| status.details.as_ref());
        self.is_not_found() && details.is_some_and(|details| details.kind == "namespaces")
    }

    /// Whether an object of that name exists already. Other conflicts, such as those of a quota, have the same code.
    #[must_use]
    pub fn is_already_exists(&self) -> bool {
        self.status().is_some_and(Status::is_already_exists)
    }
}

/// Takes "not found" for success: an object that is gone needs no deletion.
pub fn gone_is_fine<T>(result: Result<T, Error>) -> Result<(), Error> {
    match result {
        Err(error) if error.is_not_found() => Ok(()),
        result => result.map(|_| ()),
    }
}

/// Whether a 403 is due to a namespace that is being deleted. That is no matter of rights.
fn is_namespace_terminating(status: &Status) -> bool {
    let mut causes = status.details.iter().flat_map(|details| &details.causes);
    causes.any(|cause| cause.reason == "NamespaceTerminating")
}

/// Whether a 500 is due to an admission webhook that does not answer. Nothing is written until somebody mends or removes
/// the webhook.
fn is_webhook_down(status: &Status) -> bool {
    status.code == 500 && status.message.contains("failed calling webhook")
}

/// Takes the client's ports out of a message. They change from one attempt to the next, and a message that changes each
/// time causes a write of the status each time.
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
