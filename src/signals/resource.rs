//! Conditions of objects.

use crate::cluster::conditioned::Conditioned;
use crate::cluster::{Cluster, Error};
use crate::signals::answer::no_data;
use crate::signals::reading::{Reading, SignalError};
use crate::signals::text::{VALUE, shown};
use chaostoolkit_api::reason::Reason;
use kube::core::ApiResource;

/// A condition of an object that has to have a status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedCondition {
    /// The API group of the object. It is empty for the core group.
    pub group: String,
    /// The API version without the group.
    pub version: String,
    /// The kind of the object.
    pub kind: String,
    /// The name of the object, which is one segment of a URL.
    pub name: String,
    /// The type of the condition.
    pub condition: String,
    /// The status that the condition has to have.
    pub status: String,
}

/// Reads the condition of an object in a namespace. The caller has found out that the administrator grants the kind, and that the
/// author of the run may get the object.
pub async fn read(
    cluster: &Cluster,
    resource: &ApiResource,
    namespace: &str,
    expected: &ExpectedCondition,
) -> Result<Reading, SignalError> {
    let found = async {
        let objects = cluster.conditioned(resource, namespace)?;
        cluster.find(&objects, &expected.kind, &expected.name).await
    };
    match found.await {
        Ok(Some(object)) => of(&object, expected),
        Ok(None) => Err(no_data(&format!("{} {} does not exist", expected.kind, expected.name))),
        Err(error) => Err(failed(&error)),
    }
}

/// Returns what the condition of an object says.
pub fn of(object: &Conditioned, expected: &ExpectedCondition) -> Result<Reading, SignalError> {
    let ExpectedCondition { kind, name, condition, status, .. } = expected;
    let Some(found) = object.condition(condition) else {
        return Err(no_data(&format!("{kind} {name} has no condition {condition}")));
    };
    let is_outdated = object.is_outdated(found);
    let reason = found.reason.as_deref().filter(|reason| !reason.is_empty());
    let reason = reason.map(|reason| format!(" ({})", shown(reason, VALUE / 2))).unwrap_or_default();
    let outdated = if is_outdated { ", but of an earlier generation of the object" } else { "" };
    let value = format!("{condition} is {}{reason}{outdated}", shown(&found.status, VALUE / 4));
    Ok(Reading::new(!is_outdated && found.status.eq_ignore_ascii_case(status), &value))
}

fn failed(error: &Error) -> SignalError {
    let reason = match error {
        Error::Timeout { .. } => Reason::SourceTimeout,
        error if error.is_forbidden() => Reason::SourceNotAllowed,
        error if error.status().is_some() => Reason::SourceFailed,
        _ => Reason::SourceUnreachable,
    };
    SignalError::new(reason, &error.describe())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{Request, Response};
    use kube::Client;
    use kube::client::Body;
    use rstest::rstest;
    use serde_json::{Value, json};
    use std::time::Duration;

    fn expected(status: &str) -> ExpectedCondition {
        ExpectedCondition {
            group: "apps".to_owned(),
            version: "v1".to_owned(),
            kind: "Deployment".to_owned(),
            name: "web".to_owned(),
            condition: "Available".to_owned(),
            status: status.to_owned(),
        }
    }

    fn deployments() -> ApiResource {
        ApiResource {
            group: "apps".to_owned(),
            version: "v1".to_owned(),
            api_version: "apps/v1".to_owned(),
            kind: "Deployment".to_owned(),
            plural: "deployments".to_owned(),
        }
    }

    /// Access to an API server that answers each request for the object at the path that is expected like this.
    fn cluster(status: u16, body: &Value) -> Cluster {
        let body = body.to_string();
        let service = tower::service_fn(move |request: Request<Body>| {
            assert_eq!(request.uri().path(), "/apis/apps/v1/namespaces/run/deployments/web");
            let answer = Response::builder().status(status).body(Body::from(body.clone().into_bytes()));
            async move { Ok::<_, std::io::Error>(answer.unwrap()) }
        });
        Cluster::new(Client::new(service, "default"), Duration::from_secs(9))
    }

    fn with(conditions: &Value, generation: i64) -> Value {
        json!({"metadata": {"generation": generation}, "spec": {"replicas": 1}, "status": {"observedGeneration": 2, "conditions": conditions}})
    }

    #[rstest]
    #[case("True", json!([{"type": "Available", "status": "True"}]), 2, true, "Available is True")]
    #[case("true", json!([{"type": "Available", "status": "True"}]), 2, true, "Available is True")]
    #[case("False", json!([{"type": "Available", "status": "True"}]), 2, false, "Available is True")]
    #[case("True", json!([{"type": "Available", "status": "False", "reason": "Too\nfew"}]), 2, false, "Available is False (Too few)")]
    #[case("True", json!([{"type": "Available", "status": "True"}]), 3, false, "Available is True, but of an earlier generation of the object")]
    #[tokio::test]
    async fn a_condition_has_the_status_that_is_expected_or_not(
        #[case] status: &str,
        #[case] conditions: Value,
        #[case] generation: i64,
        #[case] holds: bool,
        #[case] value: &str,
    ) {
        let cluster = cluster(200, &with(&conditions, generation));
        let reading = read(&cluster, &deployments(), "run", &expected(status)).await;
        assert_eq!(reading, Ok(Reading { holds, value: value.to_owned() }));
    }

    #[rstest]
    #[case(200, with(&json!([]), 1), Reason::SignalNoData, "Deployment web has no condition Available")]
    #[case(404, json!({"kind": "Status", "code": 404, "reason": "NotFound"}), Reason::SignalNoData, "Deployment web does not exist")]
    #[case(403, json!({"kind": "Status", "code": 403, "reason": "Forbidden", "message": "may not"}), Reason::SourceNotAllowed, "may not")]
    #[case(500, json!({"kind": "Status", "code": 500, "message": "boom"}), Reason::SourceFailed, "boom")]
    #[tokio::test]
    async fn what_cannot_be_read_has_its_reason(
        #[case] status: u16,
        #[case] body: Value,
        #[case] reason: Reason,
        #[case] message: &str,
    ) {
        let error =
            read(&cluster(status, &body), &deployments(), "run", &expected("True")).await.unwrap_err();
        assert_eq!(error.reason, reason);
        assert!(error.message.contains(message), "{error}");
    }

    #[tokio::test]
    async fn no_kind_and_no_name_leads_to_another_object() {
        let cluster = cluster(500, &json!({}));
        for name in ["web?x=", "web/status", "..", ""] {
            let wrong = ExpectedCondition { name: name.to_owned(), ..expected("True") };
            let error = read(&cluster, &deployments(), "run", &wrong).await.unwrap_err();
            assert!(error.message.contains("no call is made"), "{error}");
        }
        for part in ["a/b", "..", "a?b", ""] {
            for resource in [
                ApiResource { plural: part.to_owned(), ..deployments() },
                ApiResource { version: part.to_owned(), ..deployments() },
            ] {
                assert!(read(&cluster, &resource, "run", &expected("True")).await.is_err());
            }
            assert!(read(&cluster, &deployments(), part, &expected("True")).await.is_err());
        }
    }
}
