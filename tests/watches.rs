//! The watches against any behavior of the API server: none sends requests without a pause, and none stands still
//! unnoticed. The API server is a function, and the time is virtual.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by a panic")]

use std::convert::Infallible;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chaostoolkit_operator::cluster::merged::{Events, merged};
use chaostoolkit_operator::cluster::touched::touched;
use chaostoolkit_operator::cluster::watch;
use chaostoolkit_operator::process::health::{Health, Heartbeat};
use chaostoolkit_operator::process::metrics::Metrics;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt, stream};
use http::{Request, Response};
use http_body_util::{BodyExt, StreamBody};
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::client::Body;
use kube::runtime::controller::{Action, Controller};
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, reflector};
use kube::{Api, Client, ResourceExt};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::time::{Instant, sleep, timeout};
use tower::BoxError;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// How the API server behaves.
#[derive(Clone, Copy, Debug)]
enum Server {
    /// It refuses the connection at once.
    Refusing,
    /// It takes requests and never answers.
    Mute,
    /// It answers with this code.
    Failing(u16),
    /// It begins an answer and ends it at once.
    Closing,
    /// Its answer is not JSON.
    Babbling,
    /// It always says that the version is too old.
    Gone,
    /// It sends the first list and then nothing, like a connection that has died silently.
    Dead,
    /// It sends the first list and then a bookmark every minute.
    Idle,
}

impl Server {
    /// Returns the code and the pieces of the answer, each with the pause before it.
    fn answer(self) -> (u16, BoxStream<'static, (Duration, String)>) {
        let now = |text: String| stream::iter([(Duration::ZERO, text)]);
        let list = now(bookmark(&json!({"k8s.io/initial-events-end": "true"})));
        match self {
            Self::Failing(code) => (code, now("try later".to_owned()).boxed()),
            Self::Babbling => (200, now("}{\n".to_owned()).boxed()),
            Self::Gone => (200, now(gone()).boxed()),
            Self::Dead => (200, list.chain(stream::pending()).boxed()),
            Self::Idle => (200, list.chain(stream::repeat_with(|| (MINUTE, bookmark(&json!({}))))).boxed()),
            Self::Closing | Self::Refusing | Self::Mute => (200, stream::empty().boxed()),
        }
    }

    /// Returns a client and the times of its requests.
    fn client(self) -> (Client, Arc<Mutex<Vec<Instant>>>) {
        let asked = Arc::<Mutex<Vec<Instant>>>::default();
        let log = asked.clone();
        let service = tower::service_fn(move |_: Request<Body>| {
            log.lock().unwrap().push(Instant::now());
            async move {
                match self {
                    Self::Refusing => return Err(BoxError::from("connection refused")),
                    Self::Mute => pending().await,
                    _ => {}
                }
                let (code, pieces) = self.answer();
                let frames = pieces.then(async |(pause, text)| {
                    sleep(pause).await;
                    Body::from(text.into_bytes()).frame().await.unwrap()
                });
                Ok(Response::builder().status(code).body(StreamBody::new(frames)).unwrap())
            }
        });
        (Client::new(service, "default"), asked)
    }
}

fn bookmark(annotations: &Value) -> String {
    let metadata = json!({"resourceVersion": "7", "annotations": annotations});
    let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata});
    format!("{}\n", json!({"type": "BOOKMARK", "object": object}))
}

fn gone() -> String {
    let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": "too old", "reason": "Expired", "code": 410});
    format!("{}\n", json!({"type": "ERROR", "object": status}))
}

/// Returns a watch of this server, the times of its requests, its health and its heartbeat.
fn follow(server: Server) -> (impl Future<Output = ()>, Arc<Mutex<Vec<Instant>>>, Health, Heartbeat) {
    let (client, asked) = server.client();
    let health = Health::default();
    let pulse = health.heartbeat("watch", watch::SILENCE);
    let api =
        Api::<ConfigMap>::all(watch::client(&client, &pulse, &Metrics::default().watch_begins("ConfigMap")));
    let filled = health.readiness_check("the cache is full");
    let watched = watch::watched(api, watcher::Config::default().streaming_lists(), filled);
    (async { Box::pin(watched).for_each(async |_| {}).await }, asked, health, pulse)
}

#[rstest]
#[case(Server::Refusing)]
#[case(Server::Mute)]
#[case(Server::Failing(401))]
#[case(Server::Failing(403))]
#[case(Server::Failing(429))]
#[case(Server::Failing(500))]
#[case(Server::Failing(503))]
#[case(Server::Closing)]
#[case(Server::Babbling)]
#[case(Server::Gone)]
#[case(Server::Dead)]
#[case(Server::Idle)]
#[tokio::test(start_paused = true)]
async fn whatever_the_api_server_does_a_watch_neither_hurries_nor_counts_as_dead(#[case] server: Server) {
    let (watch, asked, health, _) = follow(server);
    let began = Instant::now();
    let mut longest = Duration::ZERO;
    let look = async {
        while began.elapsed() < 60 * MINUTE {
            sleep(SECOND).await;
            assert_eq!(health.alive(), Ok(()), "{server:?} after {:?}", began.elapsed());
        }
    };
    tokio::select! {
        () = watch => panic!("the watch ended"),
        () = look => {}
    }
    let asked = asked.lock().unwrap();
    for pair in asked.windows(2) {
        let pause = pair[1] - pair[0];
        assert!(pause > SECOND, "{server:?}: asked again after {pause:?}");
        longest = longest.max(pause);
    }
    // A watch without an open connection never gives up.
    assert!(matches!(server, Server::Idle) == (asked.len() == 1), "{server:?}: {}", asked.len());
    assert!(longest <= 2 * MINUTE, "{server:?}: asked again only after {longest:?}");
    let is_filled = matches!(server, Server::Dead | Server::Idle);
    assert_eq!(health.ready().is_ok(), is_filled, "{server:?}");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_has_died_is_replaced_within_two_minutes() {
    let (watch, asked, ..) = follow(Server::Dead);
    tokio::select! {
        () = watch => panic!("the watch ended"),
        () = sleep(2 * MINUTE) => {}
    }
    assert_eq!(asked.lock().unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_nobody_drives_any_more_counts_as_dead() {
    let (watch, _, health, pulse) = follow(Server::Idle);
    let mut watch = Box::pin(watch);
    tokio::select! {
        () = &mut watch => panic!("the watch ended"),
        () = sleep(10 * MINUTE) => {}
    }
    assert_eq!(health.alive(), Ok(()));
    sleep(watch::SILENCE + SECOND).await;
    assert!(health.alive().unwrap_err().starts_with("watch: no sign of life"), "{:?}", pulse.silence());
    drop(watch);
}

/// The API server takes connections and closes them at once.
#[tokio::test]
async fn while_the_api_server_is_down_the_program_is_alive_and_asks_seldom() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = server.local_addr().unwrap().port();
    let directory = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let (config, log) = (directory.join("down.kubeconfig"), directory.join("down.log"));
    let kubeconfig = json!({"apiVersion": "v1", "kind": "Config", "current-context": "down",
        "clusters": [{"name": "down", "cluster": {"server": format!("http://127.0.0.1:{port}")}}],
        "contexts": [{"name": "down", "context": {"cluster": "down", "user": "down", "namespace": "default"}}],
        "users": [{"name": "down", "user": {}}]});
    std::fs::write(&config, kubeconfig.to_string()).unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_chaostoolkit-operator"))
        .args(["run", "--listen", "127.0.0.1:0", "--runner-image", "image", "--native-sidecar", "yes"])
        .env("KUBECONFIG", &config)
        .stderr(std::fs::File::create(&log).unwrap())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let began = std::time::Instant::now();
    let mut connections = 0;
    while began.elapsed() < 10 * SECOND {
        // Two watches and the election.
        if let Ok(accepted) = tokio::time::timeout(SECOND, server.accept()).await {
            drop(accepted.unwrap());
            connections += 1;
        }
    }
    assert!((10..=30).contains(&connections), "{connections} in ten seconds");
    assert!(program.try_wait().unwrap().is_none());
    let text = std::fs::read_to_string(&log).unwrap();
    let address = text.split_once("address=").unwrap().1.split_whitespace().next().unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /livez HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

fn a_config_map(name: &str) -> ConfigMap {
    let metadata = ObjectMeta {
        name: Some(name.to_owned()),
        namespace: Some("default".to_owned()),
        ..ObjectMeta::default()
    };
    ConfigMap { metadata, ..ConfigMap::default() }
}

/// The events of two lists. The second has `late` instead of `early`, and its end comes a second after that.
fn two_lists() -> impl Stream<Item = watcher::Result<Event<ConfigMap>>> + Send + use<> {
    let events = [
        (Duration::ZERO, Event::Init),
        (Duration::ZERO, Event::InitApply(a_config_map("early"))),
        (Duration::ZERO, Event::InitDone),
        (SECOND, Event::Init),
        (Duration::ZERO, Event::InitApply(a_config_map("late"))),
        (SECOND, Event::InitDone),
    ];
    let paced = stream::iter(events).then(async |(pause, event)| {
        sleep(pause).await;
        Ok(event)
    });
    paced.chain(stream::pending())
}

#[tokio::test(start_paused = true)]
async fn an_object_that_only_a_list_brings_has_its_pass() {
    let (cache, writer) = reflector::store();
    let objects = touched(two_lists().reflect(writer).boxed(), cache.clone());
    let passes = Arc::<Mutex<Vec<String>>>::default();
    let running = Controller::for_stream(objects.boxed(), cache)
        .run(
            async |seen: Arc<ConfigMap>, passes: Arc<Mutex<Vec<String>>>| {
                passes.lock().unwrap().push(seen.name_any());
                Ok::<_, Infallible>(Action::await_change())
            },
            |_, never, _| match *never {},
            passes.clone(),
        )
        .for_each(async |_| {});
    assert!(timeout(MINUTE, running).await.is_err(), "a controller does not end by itself");
    assert_eq!(*passes.lock().unwrap(), ["early", "late"]);
}

#[tokio::test(start_paused = true)]
async fn an_object_that_a_list_no_longer_has_is_touched_too() {
    let (cache, writer) = reflector::store();
    let objects = touched(two_lists().reflect(writer), cache).map(|object| object.unwrap().name_any());
    let objects: Vec<String> = objects.take(3).collect().await;
    assert_eq!(objects, ["early", "late", "early"]);
}

/// A `ConfigMap` in this namespace.
fn a_map_in(namespace: &str, name: &str) -> ConfigMap {
    let mut map = a_config_map(name);
    map.metadata.namespace = Some(namespace.to_owned());
    map
}

/// An event of a watch, and the seconds before it.
type Paced = (u64, watcher::Result<Event<ConfigMap>>);

/// The events of a watch, each with the pause before it in seconds, and then nothing.
fn paced(events: Vec<Paced>) -> Events<ConfigMap> {
    let paced = stream::iter(events).then(async |(pause, event)| {
        sleep(Duration::from_secs(pause)).await;
        event
    });
    paced.chain(stream::pending()).boxed()
}

/// The events of a list with these objects, this many seconds after the one before.
fn list_of(pause: u64, namespace: &str, names: &[&str]) -> Vec<Paced> {
    let mut events: Vec<Paced> = vec![(pause, Ok(Event::Init))];
    events.extend(names.iter().map(|name| (0, Ok(Event::InitApply(a_map_in(namespace, name))))));
    events.push((0, Ok(Event::InitDone)));
    events
}

/// Returns namespaces and names of what a cache has.
fn cached(cache: &reflector::Store<ConfigMap>) -> Vec<String> {
    let key = |map: &Arc<ConfigMap>| format!("{}/{}", map.namespace().unwrap(), map.name_any());
    let mut all: Vec<String> = cache.state().iter().map(key).collect();
    all.sort();
    all
}

/// Fills a cache from the watches of three namespaces, and returns what it has after so many seconds.
async fn merged_after(seconds: u64, home: Events<ConfigMap>, others: [Events<ConfigMap>; 2]) -> Vec<String> {
    let (cache, writer) = reflector::store();
    let others = ["a", "b"].map(str::to_owned).into_iter().zip(others).collect();
    let events = merged(("home".to_owned(), home), others, &cache).reflect(writer);
    let objects = touched(events, cache.clone()).for_each(async |_| {});
    assert!(timeout(Duration::from_secs(seconds), objects).await.is_err());
    cached(&cache)
}

#[tokio::test(start_paused = true)]
async fn the_list_of_one_namespace_leaves_what_the_cache_has_of_the_others() {
    let two = |[first, second]: [Vec<Paced>; 2]| paced(first.into_iter().chain(second).collect());
    let home = || two([list_of(1, "home", &["x", "y"]), list_of(10, "home", &["y"])]);
    let first = || two([list_of(0, "a", &["p"]), list_of(20, "a", &["q"])]);
    let second = || paced(vec![]);
    assert_eq!(merged_after(5, home(), [first(), second()]).await, ["a/p", "home/x", "home/y"]);
    assert_eq!(merged_after(15, home(), [first(), second()]).await, ["a/p", "home/y"]);
    assert_eq!(merged_after(30, home(), [first(), second()]).await, ["a/q", "home/y"]);
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_fails_stops_no_other_one_and_changes_arrive_one_by_one() {
    let refused = || Err(watcher::Error::NoResourceVersion);
    let home = paced(list_of(1, "home", &[]));
    let failing = paced(vec![(0, refused()), (1, refused()), (1, refused())]);
    let changes = [(1, Ok(Event::Apply(a_map_in("b", "two")))), (1, Ok(Event::Delete(a_map_in("b", "one"))))];
    let mut working = list_of(0, "b", &["one"]);
    working.extend(changes);
    assert_eq!(merged_after(9, home, [failing, paced(working)]).await, ["b/two"]);
}
