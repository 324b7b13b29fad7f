//! The watches: each has a stream, a backoff and a way to the API server of its own, and none can stand still unseen.
//!
//! kube-runtime's watcher says nothing as long as nothing changes: it keeps bookmarks to itself, and its own reconnects
//! too. So what goes on is seen one layer below, at the answers themselves. Three things can make a watch stand still
//! there, and each is bounded here: an answer that never begins (kube has no limit for that), a connection that has died
//! without a word (kube-runtime waits for five minutes), and an answer that ends at once, which kube-runtime asks for
//! again without a pause.

use std::time::Duration;

use futures::{Stream, TryStreamExt, stream};
use http::Request;
use http_body_util::{BodyExt, StreamBody};
use kube::api::Api;
use kube::client::Body;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Client, ResourceExt};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until, timeout};
use tower::BoxError;
use tracing::{debug, info};

use crate::cluster::discovery;
use crate::process::backoff;
use crate::process::health::{Heartbeat, ReadinessCheck};

/// How long the beginning of an answer may take.
const ANSWER: Duration = Duration::from_secs(30);

/// How long nothing may come. The API server sends a bookmark about once a minute; where it does not, a new request is
/// all that this costs.
/// <https://kubernetes.io/docs/reference/using-api/api-concepts/#watch-bookmarks>
const QUIET: Duration = Duration::from_secs(75);

/// How long it is at least from one request to the next.
const PACE: Duration = Duration::from_secs(2);

/// How long a watch may give no sign of life: longer than anything that goes on as it should. The longest pause between
/// two tries is 30 seconds, and as long may the beginning of an answer take.
pub const SILENCE: Duration = Duration::from_secs(90);

/// A watch with a backoff of its own, without the bookkeeping that nobody reads and everybody would store. Reaches the
/// check when its first list is complete. (`Store::wait_until_ready` is no way to learn that: of two tasks that
/// wait for the same store, kube-runtime 5.0.0 wakes only the last, and the controller is one.)
pub fn watched<K>(
    api: Api<K>,
    config: watcher::Config,
    filled: ReadinessCheck,
) -> impl Stream<Item = watcher::Result<watcher::Event<K>>> + Send
where
    K: kube::Resource + Clone + std::fmt::Debug + serde::de::DeserializeOwned + Send + 'static,
    K::DynamicType: Default,
{
    watcher(api, config)
        .backoff(backoff::of_watch())
        .modify(|object| object.managed_fields_mut().clear())
        .inspect_ok(move |event| {
            if matches!(event, watcher::Event::InitDone) && !filled.has_passed() {
                filled.pass();
                info!("the cache of {} is full", K::plural(&K::DynamicType::default()));
            }
        })
}

/// How to list what is watched afterwards.
pub async fn config(client: &Client, namespace: &str) -> watcher::Config {
    let config = watcher::Config::default();
    if discovery::streams_lists(client, namespace).await { config.streaming_lists() } else { config }
}

/// A client for one watch. The heartbeat beats with every request, answer and piece of an answer.
#[must_use]
pub fn client(client: &Client, heartbeat: &Heartbeat) -> Client {
    let namespace = client.default_namespace().to_owned();
    let next = std::sync::Arc::new(Mutex::new(Instant::now()));
    let (client, heartbeat) = (client.clone(), heartbeat.clone());
    let service = tower::service_fn(move |request: Request<Body>| {
        let (client, heartbeat, next) = (client.clone(), heartbeat.clone(), next.clone());
        async move {
            let mut next = next.lock().await;
            sleep_until(*next).await;
            *next = Instant::now() + PACE;
            drop(next);
            heartbeat.beat();
            let answer = timeout(ANSWER, client.send(request)).await;
            heartbeat.beat();
            let answer = answer.map_err(|_| format!("no answer within {ANSWER:?}"))??;
            // Quiet for too long ends the answer. For the watcher that is the usual end of a watch: it asks for the rest.
            Ok::<_, BoxError>(answer.map(|body| {
                StreamBody::new(stream::unfold((body, heartbeat), async |(mut body, heartbeat)| {
                    let Ok(frame) = timeout(QUIET, body.frame()).await else {
                        debug!("a watch was quiet for {QUIET:?} and is asked for anew");
                        return None;
                    };
                    heartbeat.beat();
                    frame.map(|frame| (frame, (body, heartbeat)))
                }))
            }))
        }
    });
    Client::new(service, namespace)
}
