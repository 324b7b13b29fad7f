//! A request to the API server, as the faults see it.

use hyper::{Method, Uri};

/// The subject of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// `create`, `update`, `patch` or `delete`, or `get` for all requests that only read.
    pub verb: &'static str,
    /// The resource, such as `pods` or `chaosexperiments/status`.
    pub resource: String,
    /// Whether the answer is a stream of watch events.
    pub is_watch: bool,
}

impl Call {
    pub fn of(method: &Method, uri: &Uri) -> Self {
        let verb = match *method {
            // What is only tried changes nothing.
            Method::POST if uri.query().is_some_and(|query| query.contains("dryRun=All")) => "get",
            Method::POST => "create",
            Method::PUT => "update",
            Method::PATCH => "patch",
            Method::DELETE => "delete",
            _ => "get",
        };
        // A watch of one second only tests for streaming lists. Nobody relies on its events.
        let has = |wanted: &str| uri.query().unwrap_or_default().split('&').any(|part| part == wanted);
        let is_watch = has("watch=true") && !has("timeoutSeconds=1");
        Self { verb, resource: resource(uri.path()), is_watch }
    }

    /// Whether the request changes something. Events and the list of runs do not count, since they are no step of a run.
    pub fn is_write(&self) -> bool {
        self.verb != "get" && !matches!(self.resource.as_str(), "events" | "chaosruns")
    }

    /// Verb and resource, such as `create pods` or `patch chaosexperiments/status`.
    pub fn what(&self) -> String {
        format!("{} {}", self.verb, self.resource)
    }
}

/// Returns the resource that a path names, with its subresource.
fn resource(path: &str) -> String {
    let mut parts = path.trim_matches('/').split('/');
    // /api/VERSION or /apis/GROUP/VERSION
    let skipped = if parts.next() == Some("apis") { 2 } else { 1 };
    let parts: Vec<&str> = parts.skip(skipped).collect();
    let parts = match parts.as_slice() {
        ["namespaces", _, inside @ ..] if !inside.is_empty() => inside,
        all => all,
    };
    match parts {
        [resource, _, subresource, ..] => format!("{resource}/{subresource}"),
        [resource, ..] => (*resource).to_owned(),
        [] => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_told_apart_by_verb_and_resource() {
        for (method, uri, what) in [
            (Method::POST, "/api/v1/namespaces", "create namespaces"),
            (Method::GET, "/api/v1/namespaces/a", "get namespaces"),
            (Method::POST, "/api/v1/namespaces/a/pods?x=y", "create pods"),
            (Method::PATCH, "/api/v1/namespaces/a/pods/b/status", "patch pods/status"),
            (
                Method::PATCH,
                "/apis/chaostoolkit.org/v1/namespaces/a/chaosexperiments/b/status",
                "patch chaosexperiments/status",
            ),
            (Method::DELETE, "/apis/rbac.authorization.k8s.io/v1/namespaces/a/roles/b", "delete roles"),
            (Method::GET, "/version", "get "),
        ] {
            assert_eq!(Call::of(&method, &uri.parse().unwrap()).what(), what, "{uri}");
        }
        let events: Uri = "/apis/events.k8s.io/v1/namespaces/a/events".parse().unwrap();
        assert!(!Call::of(&Method::POST, &events).is_write());
        let watch: Uri = "/api/v1/pods?labelSelector=x&watch=true".parse().unwrap();
        assert!(Call::of(&Method::GET, &watch).is_watch);
    }
}
