//! The proxy between the operator and the API server. It ends TLS with its own certificate and passes the operator's
//! token on. It counts the writes, and injects the planned faults into the n-th write or into the watch streams.

use std::convert::Infallible;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant;

use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, RETRY_AFTER, TRANSFER_ENCODING};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use kube::client::Body;
use kube::config::{AuthInfo, KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::call::Call;
use crate::certificate::certificate;
use crate::fault::{WriteFault, WritePoint};
use crate::streams::{self, Streaming};
use crate::weather::Weather;

/// The body of a response.
pub type Answer = UnsyncBoxBody<Bytes, Cut>;

/// The connection has to end here.
#[derive(Debug)]
pub struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("cut off by the rig")
    }
}

impl std::error::Error for Cut {}

/// A running proxy. It ends when it is dropped.
pub struct Proxy {
    /// The kubeconfig of the operator, with the proxy's address and the operator's own token.
    pub kubeconfig: PathBuf,
    shared: Arc<Shared>,
    accepting: tokio::task::JoinHandle<()>,
}

/// The state that all connections share.
pub struct Shared {
    upstream: Client,
    writes: Mutex<Writes>,
    weather: Mutex<Option<Weather>>,
    crash: OnceLock<Box<dyn Fn() + Send + Sync>>,
    pub streaming: Streaming,
}

#[derive(Default)]
struct Writes {
    seen: Vec<String>,
    next: Option<(WritePoint, Stroke)>,
    struck: Option<Instant>,
}

/// What the proxy does at a write.
#[derive(Clone, Copy, Debug)]
pub enum Stroke {
    Fault(WriteFault),
    /// The proxy keeps what the streams begin with now, and passes no events from now on.
    Freeze,
}

impl Proxy {
    /// Starts a proxy for the API server of this kubeconfig. Events with the word `own` in their text belong to this
    /// plan.
    pub async fn start(kubeconfig: &Path, own: &str) -> Self {
        let certificate = certificate();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let original = Kubeconfig::read_from(kubeconfig).unwrap();
        let mut config =
            Config::from_custom_kubeconfig(original.clone(), &KubeConfigOptions::default()).await.unwrap();
        config.auth_info = AuthInfo::default();
        config.default_retry = false;
        let shared = Arc::new(Shared {
            upstream: Client::try_from(config).unwrap(),
            writes: Mutex::default(),
            weather: Mutex::default(),
            crash: OnceLock::new(),
            streaming: Streaming::new(own),
        });
        let proxied = kubeconfig.with_extension("proxied.kubeconfig");
        let mut text = serde_json::to_value(original).unwrap();
        let cluster = &mut text["clusters"][0]["cluster"];
        *cluster = json!({"server": format!("https://{address}"), "certificate-authority": certificate.path});
        std::fs::write(&proxied, text.to_string()).unwrap();
        let accepting = tokio::spawn(accept(listener, certificate.acceptor.clone(), shared.clone()));
        Self { kubeconfig: proxied, shared, accepting }
    }

    /// Sets the function that kills the operator.
    pub fn on_crash(&self, crash: impl Fn() + Send + Sync + 'static) {
        assert!(self.shared.crash.set(Box::new(crash)).is_ok(), "the function is set once");
    }

    /// Plans a stroke at a write. It happens once.
    pub fn strike(&self, at: WritePoint, stroke: Stroke) {
        self.shared.writes.lock().unwrap().next = Some((at, stroke));
    }

    /// Sets or ends the random faults.
    pub fn weather(&self, weather: Option<Weather>) {
        *self.shared.weather.lock().unwrap() = weather;
    }

    /// Returns how many requests there were since the random faults were set, and how many of them failed.
    pub fn weather_so_far(&self) -> (u64, u64) {
        self.shared.weather.lock().unwrap().as_ref().map_or((0, 0), |weather| (weather.calls, weather.hits))
    }

    /// Returns all writes so far, without those that came after a write of somebody else.
    pub fn writes(&self) -> Vec<String> {
        self.shared.writes.lock().unwrap().seen.clone()
    }

    /// Returns when the stroke happened, if it did.
    pub fn struck(&self) -> Option<Instant> {
        self.shared.writes.lock().unwrap().struck
    }

    /// The watch streams.
    pub fn streaming(&self) -> &Streaming {
        &self.shared.streaming
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, shared: Arc<Shared>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { return };
        tokio::spawn(connection(stream, acceptor.clone(), shared.clone()));
    }
}

/// The operator deals with the end of a connection, so errors are ignored here.
async fn connection(stream: TcpStream, acceptor: TlsAcceptor, shared: Arc<Shared>) {
    let _ = stream.set_nodelay(true);
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let service = service_fn(move |request| answer(shared.clone(), request));
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Answer>, Cut> {
    let call = Call::of(request.method(), request.uri());
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Cut)?.to_bytes();
    let request = Request::from_parts(head, body);
    if call.is_watch {
        if let Some(Stroke::Fault(_)) = shared.fault_of(&call) {
            return Err(Cut);
        }
        return streams::watch(shared, &call.resource, request).await;
    }
    let fault = shared.fault_of(&call);
    let fault = match fault {
        Some(Stroke::Freeze) => {
            streams::freeze(&shared).await;
            None
        }
        Some(Stroke::Fault(fault)) => Some(fault),
        None => None,
    };
    match fault {
        None => {
            let response = shared.forward(request).await?;
            if response.status() == StatusCode::CONFLICT {
                shared.forget(&call);
            }
            plain(response).await
        }
        Some(WriteFault::Refused(code)) => Ok(refusal(code, &call)),
        Some(WriteFault::ResetBefore) => Err(Cut),
        Some(WriteFault::CrashBefore) => {
            shared.crash();
            Err(Cut)
        }
        Some(after @ (WriteFault::ResetAfter | WriteFault::CrashAfter | WriteFault::TimeoutAfter)) => {
            plain(shared.forward(request).await?).await?;
            match after {
                WriteFault::TimeoutAfter => return Ok(refusal(504, &call)),
                WriteFault::CrashAfter => shared.crash(),
                _ => {}
            }
            Err(Cut)
        }
    }
}

impl Shared {
    /// Counts a call and returns what has to happen to it.
    fn fault_of(&self, call: &Call) -> Option<Stroke> {
        let by_chance = self.weather.lock().unwrap().as_mut().and_then(|weather| weather.fault_of(call));
        if !call.is_write() {
            return by_chance.map(Stroke::Fault);
        }
        let mut writes = self.writes.lock().unwrap();
        let what = call.what();
        let before = writes.seen.iter().filter(|seen| **seen == what).count();
        writes.seen.push(what.clone());
        if let Some((_, stroke)) = writes.next.take_if(|(at, _)| at.what == what && at.before == before) {
            writes.struck = Some(Instant::now());
            return Some(stroke);
        }
        by_chance.map(Stroke::Fault)
    }

    /// Takes back a write that conflicted with one of somebody else. The operator makes it again, and it has its place
    /// then.
    fn forget(&self, call: &Call) {
        let seen = &mut self.writes.lock().unwrap().seen;
        if let Some(place) = seen.iter().rposition(|seen| *seen == call.what()) {
            seen.remove(place);
        }
    }

    fn crash(&self) {
        if let Some(crash) = self.crash.get() {
            crash();
        }
    }

    /// Forwards a request without the headers of the connection.
    pub async fn forward(&self, request: Request<Bytes>) -> Result<Response<Body>, Cut> {
        let (mut head, body) = request.into_parts();
        for name in [HOST, CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
            head.headers.remove(name);
        }
        // The client adds the address of the API server.
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        head.uri = path.parse::<Uri>().map_err(|_| Cut)?;
        self.upstream.send(Request::from_parts(head, Body::from(body.to_vec()))).await.map_err(|_| Cut)
    }
}

/// Returns the complete response.
pub async fn plain(response: Response<Body>) -> Result<Response<Answer>, Cut> {
    let (mut head, body) = response.into_parts();
    let body = body.collect().await.map_err(|_| Cut)?.to_bytes();
    head.headers.remove(TRANSFER_ENCODING);
    Ok(Response::from_parts(head, whole(body)))
}

fn whole(body: Bytes) -> Answer {
    Full::new(body).map_err(|never: Infallible| match never {}).boxed_unsync()
}

/// Returns the error that the API server would answer with.
fn refusal(code: u16, call: &Call) -> Response<Answer> {
    let reason = match (code, call.verb) {
        (409, "create") => "AlreadyExists",
        (409, _) => "Conflict",
        (403, _) => "Forbidden",
        (429, _) => "TooManyRequests",
        (503, _) => "ServiceUnavailable",
        (504, _) => "Timeout",
        _ => "InternalError",
    };
    let status: Value = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": format!("{} was struck by the rig", call.what()), "reason": reason, "code": code});
    let mut response = Response::new(whole(Bytes::from(status.to_string())));
    *response.status_mut() = StatusCode::from_u16(code).unwrap();
    response.headers_mut().insert(CONTENT_TYPE, "application/json".parse().unwrap());
    if code == 429 {
        response.headers_mut().insert(RETRY_AFTER, "1".parse().unwrap());
    }
    response
}
