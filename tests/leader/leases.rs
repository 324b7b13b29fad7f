//! A lease in memory and the candidates for it.

use std::sync::{Arc, Mutex};

use chaostoolkit_operator::process::health::Health;
use chaostoolkit_operator::process::leader::Candidate;
use chaostoolkit_operator::process::leader::claim::Claim;
use chaostoolkit_operator::process::leader::term::Leadership;
use http::{Method, Request, Response};
use k8s_openapi::api::coordination::v1::Lease;
use kube::client::Body;
use kube::{Api, Client};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tower::BoxError;

use crate::SECOND;

/// An API server that has one lease.
#[derive(Clone, Default)]
pub struct Leases(Arc<Mutex<State>>);

#[derive(Default)]
pub struct State {
    pub lease: Option<Value>,
    pub version: u64,
    pub is_down: bool,
    /// Requests are done, but not answered.
    pub is_mute: bool,
    pub requests: usize,
}

impl Leases {
    pub fn client(&self) -> Client {
        let leases = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let leases = leases.clone();
            async move {
                let (parts, body) = request.into_parts();
                let body = body.collect_bytes().await.unwrap();
                let answer = leases.answer(&parts.method, &body);
                match answer {
                    Some((code, body)) => Ok(Response::builder()
                        .status(code)
                        .body(Body::from(body.to_string().into_bytes()))
                        .unwrap()),
                    None if leases.lock().is_down => Err(BoxError::from("connection refused")),
                    None => std::future::pending().await,
                }
            }
        });
        Client::new(service, "default")
    }

    fn answer(&self, method: &Method, body: &[u8]) -> Option<(u16, Value)> {
        let mut state = self.lock();
        state.requests += 1;
        if state.is_down {
            return None;
        }
        let failure =
            |code: u16, reason: &str| (code, json!({"code": code, "reason": reason, "status": "Failure"}));
        let found = state.lease.clone();
        let answer = match (method, found) {
            (&Method::GET, Some(lease)) => (200, lease),
            (&Method::GET | &Method::PUT, None) => failure(404, "NotFound"),
            (&Method::POST, Some(_)) => failure(409, "AlreadyExists"),
            (_, found) => {
                let mut lease: Value = serde_json::from_slice(body).unwrap();
                if found.is_some_and(|found| {
                    found["metadata"]["resourceVersion"] != lease["metadata"]["resourceVersion"]
                }) {
                    failure(409, "Conflict")
                } else {
                    state.version += 1;
                    lease["metadata"]["resourceVersion"] = json!(state.version.to_string());
                    state.lease = Some(lease.clone());
                    (200, lease)
                }
            }
        };
        (!state.is_mute).then_some(answer)
    }

    pub fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub fn holder(&self) -> Value {
        self.lock().lease.as_ref().unwrap()["spec"]["holderIdentity"].clone()
    }

    pub fn start(&self, identity: &str) -> Running {
        let health = Health::default();
        let pulse = health.heartbeat("election", 30 * SECOND);
        let knows = health.readiness_check("it is known who leads");
        let claim = Claim { name: "lease".into(), identity: identity.into(), duration: 15 * SECOND };
        let api = Api::<Lease>::namespaced(self.client(), "default");
        let (candidate, lead) = Candidate::new(api, claim, pulse, knows);
        let stop = CancellationToken::new();
        Running { task: tokio::spawn(candidate.run(stop.clone())), stop, lead, health }
    }
}

/// A candidate that runs in a task of its own.
pub struct Running {
    pub lead: Leadership,
    pub health: Health,
    pub stop: CancellationToken,
    pub task: JoinHandle<()>,
}

impl Running {
    pub async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}
