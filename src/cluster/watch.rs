//! The watches. Each watch has its own stream, its own backoff and its own client, and none can get stuck unnoticed.
//!
//! The watcher of kube-runtime reports neither bookmarks nor its reconnects. Therefore the client of a watch observes the
//! responses themselves. It bounds the three ways in which a watch can fail to make progress:
//! - The response never begins. kube has no limit for this.
//! - The connection is lost without an error. kube-runtime waits for five minutes.
//! - The response ends immediately. kube-runtime sends the next request without a pause.

use std::time::Duration;

use futures::{Stream, TryStreamExt, stream};
use http::Request;
use http_body_util::{BodyExt, StreamBody};
use kube::Client;
use kube::api::Api;
use kube::client::Body;
use kube::runtime::{WatchStreamExt, watcher};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until, timeout};
use tower::BoxError;
use tracing::{debug, info};

use crate::cluster::discovery;
use crate::cluster::slim::Filter;
use crate::process::backoff;
use crate::process::health::{Heartbeat, ReadinessCheck};
use crate::process::metrics::watches::LastEvent;

/// The time limit for the beginning of a response.
const ANSWER: Duration = Duration::from_secs(30);

/// The time without data after which a watch is restarted. The API server sends a bookmark about once a minute. If it does
/// not, the only cost is a new request.
/// <https://kubernetes.io/docs/reference/using-api/api-concepts/#watch-bookmarks>
const QUIET: Duration = Duration::from_secs(75);

/// The minimum time between two requests.
const PACE: Duration = Duration::from_secs(2);

/// The time without a heartbeat after which a watch counts as stuck. It is longer than any regular silence. The longest
/// pause between two attempts is 30 seconds, and the beginning of a response may take as long.
pub const SILENCE: Duration = Duration::from_secs(90);

/// Starts a watch with its own backoff.
///
/// The check `filled` passes when the first list is complete. `Store::wait_until_ready` cannot be used for this: if two tasks
/// wait for the same store, kube-runtime 5.0.0 wakes only the last one, and the controller is one of them.
pub fn watched<K>(
    api: Api<K>,
    config: watcher::Config,
    filled: ReadinessCheck,
) -> impl Stream<Item = watcher::Result<watcher::Event<K>>> + Send
where
    K: kube::Resource + Clone + std::fmt::Debug + serde::de::DeserializeOwned + Send + 'static,
    K::DynamicType: Default,
{
    watcher(api, config).backoff(backoff::of_watch()).inspect_ok(move |event| {
        if matches!(event, watcher::Event::InitDone) && !filled.has_passed() {
            filled.pass();
            info!(resource = %K::plural(&K::DynamicType::default()), "the cache is full");
        }
    })
}

/// Returns the configuration of the watches. It streams the first list if the API server supports this.
pub async fn config(client: &Client, namespace: &str) -> watcher::Config {
    let config = watcher::Config::default();
    if discovery::streams_lists(client, namespace).await { config.streaming_lists() } else { config }
}

/// Returns a client for one watch. Of each object, it keeps only what the caches need. The heartbeat beats with each request, each
/// response and each chunk of a response. `last` has the time of the last chunk.
#[must_use]
pub fn client(client: &Client, heartbeat: &Heartbeat, last: &LastEvent) -> Client {
    let namespace = client.default_namespace().to_owned();
    let next = std::sync::Arc::new(Mutex::new(Instant::now()));
    let (client, heartbeat, last) = (client.clone(), heartbeat.clone(), last.clone());
    let service = tower::service_fn(move |request: Request<Body>| {
        let (client, heartbeat, last, next) = (client.clone(), heartbeat.clone(), last.clone(), next.clone());
        async move {
            let mut next = next.lock().await;
            sleep_until(*next).await;
            *next = Instant::now() + PACE;
            drop(next);
            heartbeat.beat();
            let answer = timeout(ANSWER, client.send(request)).await;
            heartbeat.beat();
            let answer = answer.map_err(|_| format!("no answer within {ANSWER:?}"))??;
            // Without data for too long, end the response. The watcher takes this for the regular end of a watch and continues
            // with a new request.
            let filter = Filter::of_watch(&answer);
            Ok::<_, BoxError>(answer.map(|body| {
                let state = (body, heartbeat, last, filter);
                StreamBody::new(stream::unfold(state, async |(mut body, heartbeat, last, mut filter)| {
                    let Ok(frame) = timeout(QUIET, body.frame()).await else {
                        debug!(limit = ?QUIET, "a watch received no data within the limit and is restarted");
                        return None;
                    };
                    heartbeat.beat();
                    let frame = frame?;
                    if frame.is_ok() {
                        last.now();
                    }
                    let frame = frame.map(|frame| frame.map_data(|data| filter.push(data)));
                    Some((frame, (body, heartbeat, last, filter)))
                }))
            }))
        }
    });
    Client::new(service, namespace)
}
