//! Counts the requests to the API server by their verbs, their resources and the codes of the answers.

use std::task::{Context, Poll};

use futures::future::{BoxFuture, FutureExt};
use http::{Method, Request, Response, StatusCode, Uri};
use kube::client::Body;
use tokio::time::Instant;
use tower::{Layer, Service};

use crate::process::metrics::Metrics;

/// Counts the requests of a client.
#[derive(Clone)]
pub struct Counting(pub Metrics);

/// A client whose requests are counted.
#[derive(Clone)]
pub struct Counted<S> {
    inner: S,
    metrics: Metrics,
}

impl<S> Layer<S> for Counting {
    type Service = Counted<S>;

    fn layer(&self, inner: S) -> Counted<S> {
        Counted { inner, metrics: self.0.clone() }
    }
}

impl<S, B> Service<Request<Body>> for Counted<S>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Future: Send + 'static,
    S::Error: 'static,
    B: 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let mut open = Open {
            metrics: self.metrics.clone(),
            what: what(request.method(), request.uri()),
            began: Instant::now(),
            status: None,
        };
        let answer = self.inner.call(request);
        async move {
            let answer = answer.await?;
            open.answered(answer.status());
            Ok(answer)
        }
        .boxed()
    }
}

/// A request. It is counted when it is dropped, since a call that reaches its time limit is dropped.
struct Open {
    metrics: Metrics,
    what: (&'static str, &'static str),
    began: Instant,
    status: Option<StatusCode>,
}

impl Open {
    const fn answered(&mut self, status: StatusCode) {
        self.status = Some(status);
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.metrics.requested(self.what, self.status, self.began.elapsed());
    }
}

/// The resources that have names in the metrics. Gates can ask for others, of any name.
const RESOURCES: [&str; 22] = [
    "chaosexperiments",
    "chaosfreezes",
    "chaosruns",
    "clusterrolebindings",
    "clusterroles",
    "configmaps",
    "cronjobs",
    "events",
    "jobs",
    "leases",
    "mutatingadmissionpolicies",
    "mutatingadmissionpolicybindings",
    "namespaces",
    "pods",
    "pods/log",
    "rolebindings",
    "roles",
    "selfsubjectaccessreviews",
    "serviceaccounts",
    "subjectaccessreviews",
    "validatingadmissionpolicies",
    "validatingadmissionpolicybindings",
];

/// Resources that have a status of their own.
const STATUSES: [(&str, &str); 2] =
    [("chaosexperiments", "chaosexperiments/status"), ("chaosfreezes", "chaosfreezes/status")];

/// What a resource is called that has no name in the metrics.
const OTHER: &str = "other";

/// Returns the verb and the resource of a request, as Kubernetes names them: pure.
/// <https://kubernetes.io/docs/reference/access-authn-authz/authorization/#determine-the-request-verb>
fn what(method: &Method, uri: &Uri) -> (&'static str, &'static str) {
    let mut parts = uri.path().split('/').filter(|part| !part.is_empty());
    let is_resource = match parts.next() {
        Some("api") => parts.next().is_some(),
        Some("apis") => parts.next().is_some() && parts.next().is_some(),
        _ => false,
    };
    let mut parts: Vec<&str> = if is_resource { parts.collect() } else { Vec::new() };
    // A namespace is a part of the path of what is in it.
    if parts.len() > 2 && parts[0] == "namespaces" && !["status", "finalize"].contains(&parts[2]) {
        parts.drain(..2);
    }
    let (name, sub) = (parts.get(1), parts.get(2));
    let resource = match (parts.first(), sub) {
        (Some(resource), None) => known(resource),
        (Some(resource), Some(&"status")) => {
            STATUSES.iter().find(|(plain, _)| plain == resource).map_or(OTHER, |(_, status)| status)
        }
        (Some(&"pods"), Some(&"log")) => known("pods/log"),
        _ => OTHER,
    };
    (verb(method, uri.query().unwrap_or_default(), !parts.is_empty() && name.is_none()), resource)
}

fn known(resource: &str) -> &'static str {
    RESOURCES.iter().find(|known| **known == resource).unwrap_or(&OTHER)
}

fn verb(method: &Method, query: &str, is_collection: bool) -> &'static str {
    let watches = query.split('&').any(|part| matches!(part, "watch=true" | "watch=1"));
    match *method {
        Method::GET if is_collection && watches => "watch",
        Method::GET if is_collection => "list",
        Method::GET => "get",
        Method::POST => "create",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE if is_collection => "deletecollection",
        Method::DELETE => "delete",
        _ => OTHER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use std::convert::Infallible;
    use std::time::Duration;
    use tower::ServiceExt;

    #[rstest]
    #[case("GET", "/api/v1/namespaces/ns/pods/p", "get pods")]
    #[case("GET", "/api/v1/namespaces/ns/pods/p/log?container=c", "get pods/log")]
    #[case("GET", "/api/v1/namespaces/ns/pods", "list pods")]
    #[case("GET", "/api/v1/pods?&watch=true&labelSelector=a", "watch pods")]
    #[case("GET", "/api/v1/pods?labelSelector=watch%3Dtrue", "list pods")]
    #[case("GET", "/api/v1/namespaces/ns", "get namespaces")]
    #[case("DELETE", "/api/v1/namespaces/ns", "delete namespaces")]
    #[case("GET", "/api/v1/namespaces", "list namespaces")]
    #[case("POST", "/apis/batch/v1/namespaces/ns/jobs", "create jobs")]
    #[case("PUT", "/apis/coordination.k8s.io/v1/namespaces/ns/leases/l", "update leases")]
    #[case(
        "PATCH",
        "/apis/chaostoolkit.org/v1/namespaces/ns/chaosexperiments/e/status",
        "patch chaosexperiments/status"
    )]
    #[case("PATCH", "/apis/apps/v1/namespaces/ns/deployments/d/status", "patch other")]
    #[case("DELETE", "/api/v1/namespaces/ns/configmaps?", "deletecollection configmaps")]
    #[case("GET", "/apis/shop.example/v1/namespaces/ns/carts/c", "get other")]
    #[case("GET", "/apis/batch/v1", "get other")]
    #[case("GET", "/version", "get other")]
    #[case("OPTIONS", "/", "other other")]
    fn a_request_has_a_verb_and_a_resource(#[case] method: &str, #[case] uri: &str, #[case] expected: &str) {
        let (verb, resource) = what(&method.parse().unwrap(), &uri.parse().unwrap());
        assert_eq!(format!("{verb} {resource}"), expected);
    }

    async fn ask(metrics: &Metrics, uri: &str) {
        let answer = async |request: Request<Body>| {
            match request.uri().path() {
                "/api/v1/pods" => {}
                _ => std::future::pending().await,
            }
            Ok::<_, Infallible>(Response::builder().status(403).body(()).unwrap())
        };
        let answer = move |request| Box::pin(answer(request));
        let service = Counting(metrics.clone()).layer(tower::service_fn(answer));
        let request = Request::get(uri).body(Body::empty()).unwrap();
        let _ = tokio::time::timeout(Duration::from_secs(1), service.oneshot(request)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn answers_are_counted_and_so_is_a_call_that_is_given_up() {
        let metrics = Metrics::default();
        ask(&metrics, "/api/v1/pods").await;
        ask(&metrics, "/api/v1/namespaces/x").await;
        let text = metrics.text();
        for line in [
            r#"api_requests_total{verb="list",resource="pods",code="403"} 1"#,
            r#"api_requests_total{verb="get",resource="namespaces",code="error"} 1"#,
            r#"api_request_duration_seconds_count{verb="get"} 1"#,
        ] {
            assert!(text.contains(line), "{line} is not in {text}");
        }
    }
}
