//! Answers requests, with the planned faults.

use std::io;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Method, Request, Response};
use kube::client::Body;
use serde_json::{Value, json};
use tower::Service;

use super::paths::{failure, is_collection, not_found, path_is_namespace};
use super::{Answer, Call, FakeApi, Fault, State, authority};

impl FakeApi {
    /// Takes a call. A planned fault decides whether the call is done and answered.
    async fn serve(self, request: Request<Body>) -> Result<Answer, io::Error> {
        let (head, body) = request.into_parts();
        let body = body.collect_bytes().await.map_err(io::Error::other)?;
        let body: Value = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body)? };
        let mut path = head.uri.path().to_owned();
        if head.method == Method::POST {
            path = format!("{path}/{}", body["metadata"]["name"].as_str().unwrap_or_default());
        }
        let (number, fault) = {
            let mut state = self.lock();
            let (number, versions) = (state.calls.len(), state.versions.len());
            let (method, path, body) = (head.method.to_string(), path.clone(), body.clone());
            let asked = format!("{path}?{}", head.uri.query().unwrap_or_default());
            let refused = state.refused.filter(|(verb, part, _)| method == *verb && asked.contains(part));
            let refused = refused.map(|(_, _, code)| {
                let reason = match code {
                    403 => "Forbidden",
                    404 => "NotFound",
                    _ => "InternalError",
                };
                Fault::Before(code, reason)
            });
            state.calls.push(Call { method, path, body, done: false, versions });
            (number, state.faults.remove(&number).or(refused))
        };
        let latency = self.lock().latency;
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        match fault {
            Some(Fault::Before(code, reason)) => return Ok(failure(code, reason, "injected before")),
            Some(Fault::ResetBefore) => return Err(io::ErrorKind::ConnectionReset.into()),
            Some(Fault::HangBefore) => self.hang().await,
            _ => {}
        }
        let answer = {
            let mut state = self.lock();
            let versions = state.versions.len();
            let answer = state.answer(&head, &path, &body);
            state.calls[number].versions = versions;
            // A pod that is only tried is not there.
            let is_tried = path.contains("/pods/") && is_dry_run(&head);
            state.calls[number].done = answer.0 < 300 && !is_tried;
            answer
        };
        match fault {
            Some(Fault::After(code, reason)) => return Ok(failure(code, reason, "injected after")),
            Some(Fault::ResetAfter) => return Err(io::ErrorKind::ConnectionReset.into()),
            Some(Fault::HangAfter) => self.hang().await,
            _ => {}
        }
        Ok(answer)
    }
}

impl Service<Request<Body>> for FakeApi {
    type Response = Response<Body>;
    type Error = io::Error;
    type Future = BoxFuture<'static, Result<Response<Body>, io::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let api = self.clone();
        Box::pin(async move {
            let (code, body) = api.serve(request).await?;
            let body = match body {
                Value::String(log) => Body::from(log.into_bytes()),
                object => Body::from(serde_json::to_vec(&object)?),
            };
            Response::builder().status(code).body(body).map_err(io::Error::other)
        })
    }
}

fn is_dry_run(head: &http::request::Parts) -> bool {
    head.uri.query().is_some_and(|query| query.contains("dryRun=All"))
}

impl State {
    fn answer(&mut self, head: &http::request::Parts, path: &str, body: &Value) -> Answer {
        let accept = head.headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let sent = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if let Some(refused) = self.refusal(&head.method, path, body) {
            return refused;
        }
        let is_event = path.contains("/events.k8s.io/");
        let (code, answer) = match (&head.method, sent) {
            (&Method::POST | &Method::PATCH, _) if is_event => {
                self.events.push(body.clone());
                (201, body.clone())
            }
            (&Method::GET, _) if path.ends_with("/log") => {
                match self.objects.get(path.trim_end_matches("/log")) {
                    Some(_) if self.log.is_some() => {
                        (200, Value::String(self.log.clone().unwrap_or_default()))
                    }
                    Some(pod) => {
                        let code = &pod["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"];
                        let (_, log) = FakeApi::reported(code.as_i64().unwrap_or_default());
                        (200, Value::String(String::from_utf8_lossy(&log).into_owned()))
                    }
                    None => not_found(path),
                }
            }
            (&Method::GET, _) if authority::is_discovery(path) => (200, authority::discovery(path)),
            (&Method::POST, _) if path.contains("/subjectaccessreviews/") => (201, self.review(body)),
            (&Method::GET, _) if path == "/api/v1/namespaces" => (200, self.namespaces(head.uri.query())),
            (&Method::GET, _) if is_collection(path) => (200, self.list(path, head.uri.query())),
            (&Method::GET, _) => match self.objects.get(path) {
                Some(found) => (200, found.clone()),
                None => not_found(path),
            },
            (&Method::POST, _) if path.ends_with("reviews/") => (201, self.review_own(path, body)),
            (&Method::POST, _) if is_dry_run(head) => self.answer_dry_run(path, body),
            (&Method::POST, "application/json") => self.create(path, body),
            (&Method::PATCH, "application/merge-patch+json") => self.merge(path, body),
            (&Method::PUT, "application/json") => self.replace(path, body),
            (&Method::PATCH, "application/apply-patch+yaml") if path.ends_with("/status") => {
                self.apply_status(path.trim_end_matches("/status"), body)
            }
            (&Method::DELETE, _) if !path_is_namespace(path) => self.delete(path, body),
            _ => panic!("the fake API server does not know {} {path} ({sent})", head.method),
        };
        if code < 300 && accept.contains("as=PartialObjectMetadata") {
            let only_metadata = |object: &Value| {
                let metadata = &object["metadata"];
                json!({"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": metadata})
            };
            let Some(items) = answer["items"].as_array() else { return (code, only_metadata(&answer)) };
            let items: Vec<Value> = items.iter().map(only_metadata).collect();
            let kind = "PartialObjectMetadataList";
            return (
                code,
                json!({"apiVersion": "meta.k8s.io/v1", "kind": kind, "metadata": {}, "items": items}),
            );
        }
        (code, answer)
    }

    /// Answers what the operator only tries: whether a pod may have an image volume, and whether a policy is in force.
    fn answer_dry_run(&self, path: &str, body: &Value) -> Answer {
        if path.contains("/pods/") { (201, body.clone()) } else { self.answer_of_policy(path) }
    }

    /// Answers the question of the operator whether the policy is in force. The policy answers if it finds its object.
    fn answer_of_policy(&self, path: &str) -> Answer {
        assert!(path.ends_with("/configmaps/chaostoolkit-runs-probe"), "no other call is only tried: {path}");
        let has_object = self.objects.keys().any(|path| path.ends_with("/chaosruns/chaostoolkit-runs"));
        if self.has_policy && has_object {
            return failure(403, "Forbidden", "denied request: the policy that keeps runs apart is in force");
        }
        (
            201,
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "chaostoolkit-runs-probe"}}),
        )
    }

    /// Returns the namespaces that match a label selector, if there is one.
    fn namespaces(&self, query: Option<&str>) -> Value {
        let selector =
            query.unwrap_or_default().split('&').find_map(|part| part.strip_prefix("labelSelector="));
        let selector =
            selector.unwrap_or_default().replace("%2F", "/").replace("%3D", "=").replace("%2C", ",");
        let is_asked = |object: &&Value| {
            let mut requirements = selector.split(',').filter_map(|requirement| requirement.split_once('='));
            object["kind"] == "Namespace"
                && requirements.all(|(label, value)| object["metadata"]["labels"][label] == value)
        };
        let items: Vec<&Value> = self.objects.values().filter(is_asked).collect();
        json!({"apiVersion": "v1", "kind": "List", "metadata": {}, "items": items})
    }

    /// Returns the objects of a collection that match a label selector: `label=value`, `label`, or several of these.
    fn list(&self, path: &str, query: Option<&str>) -> Value {
        let query = query.unwrap_or_default();
        if let Some(fields) = query.split('&').find_map(|part| part.strip_prefix("fieldSelector=")) {
            return self.list_by_fields(path, fields);
        }
        let selector = query.split('&').find_map(|part| part.strip_prefix("labelSelector="));
        let Some(selector) = selector else {
            panic!("the fake API server lists by labels: {path} ({query})")
        };
        let selector = selector.replace("%2F", "/").replace("%3D", "=").replace("%2C", ",");
        let is_asked = |object: &&Value| {
            let labels = &object["metadata"]["labels"];
            selector.split(',').all(|requirement| match requirement.split_once('=') {
                Some((label, value)) => labels[label] == value,
                None => labels.get(requirement).is_some(),
            })
        };
        let inside = self.objects.iter().filter(|(key, _)| key.starts_with(&format!("{path}/")));
        let items: Vec<&Value> = inside.map(|(_, object)| object).filter(is_asked).collect();
        json!({"apiVersion": "v1", "kind": "List", "metadata": {}, "items": items})
    }

    /// Returns the objects of a collection whose fields have these values.
    fn list_by_fields(&self, path: &str, selector: &str) -> Value {
        let selector = selector.replace("%3D", "=").replace("%2C", ",");
        let is_asked = |object: &&Value| {
            selector.split(',').all(|requirement| {
                let (field, value) = requirement.split_once('=').unwrap_or_default();
                object.pointer(&format!("/{}", field.replace('.', "/"))).is_some_and(|found| found == value)
            })
        };
        let inside = self.objects.iter().filter(|(key, _)| key.starts_with(&format!("{path}/")));
        let items: Vec<&Value> = inside.map(|(_, object)| object).filter(is_asked).collect();
        json!({"apiVersion": "v1", "kind": "List", "metadata": {}, "items": items})
    }
}
