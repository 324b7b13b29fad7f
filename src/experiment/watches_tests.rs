use super::*;
use crate::process::metrics::Metrics;
use crate::signals::resource::ExpectedCondition;
use chaostoolkit_api::spec::StopOnError;
use futures::FutureExt;
use http::{Request, Response};
use kube::Client;
use kube::client::Body;
use serde_json::json;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const INTERVAL: Duration = Duration::from_secs(10);

/// An API server with a Deployment that is available for the first answers. Returns how often it was asked.
fn cluster(available: usize) -> (Cluster, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let answer = move |_: Request<Body>| {
        let status = if count.fetch_add(1, Ordering::SeqCst) < available { "True" } else { "False" };
        let body = json!({"status": {"conditions": [{"type": "Available", "status": status}]}});
        async move { Ok::<_, Infallible>(Response::new(Body::from(body.to_string().into_bytes()))) }
    };
    (Cluster::new(Client::new(tower::service_fn(answer), "run"), Duration::from_secs(30)), asked)
}

fn watches(available: usize) -> (Watches, Bell, Arc<AtomicUsize>) {
    let (cluster, asked) = cluster(available);
    let bell = Bell::default();
    (
        Watches::new(Sources::open(None, Metrics::default()), cluster, bell.clone(), Metrics::default()),
        bell,
        asked,
    )
}

fn run(pod: &str) -> Run {
    let [experiment, home, namespace] = ["e", "home", "run"].map(str::to_owned);
    Run { experiment, home, pod: pod.to_owned(), namespace }
}

fn available(failure_threshold: u32) -> (StopCondition, Access) {
    let [group, version, kind, name, condition, status] =
        ["apps", "v1", "Deployment", "web", "Available", "True"].map(str::to_owned);
    let object = ApiResource {
        group: group.clone(),
        version: version.clone(),
        api_version: "apps/v1".to_owned(),
        kind: kind.clone(),
        plural: "deployments".to_owned(),
    };
    let signal = Signal::Resource(ExpectedCondition { group, version, kind, name, condition, status });
    let (name, on_error) = ("web".to_owned(), StopOnError::Ignore);
    (StopCondition { name, signal, interval: INTERVAL, failure_threshold, on_error }, Access::Object(object))
}

fn refused(on_error: StopOnError) -> (StopCondition, Access) {
    let error = SignalError::new(Reason::SourceNotAllowed, "the author may not");
    (StopCondition { on_error, ..available(1).0 }, Access::Refused(error))
}

/// Whether the bell rings within this time.
async fn rings(bell: &Bell, within: Duration) -> bool {
    let mut rings = Box::pin(bell.rings());
    tokio::time::timeout(within, rings.next()).await.is_ok()
}

#[tokio::test(start_paused = true)]
async fn a_condition_is_met_once_its_signal_has_not_held_for_long_enough() {
    let (watches, bell, asked) = watches(3);
    watches.watch(run("p"), vec![available(2)]);
    assert!(!rings(&bell, INTERVAL * 3 + Duration::from_secs(9)).await);
    assert_eq!((watches.met("p"), asked.load(Ordering::SeqCst)), (None, 4));
    assert!(rings(&bell, INTERVAL).await);
    let stop = watches.met("p").unwrap();
    let message =
        "stop condition web is met: expected Available=True; read: Available is False (2 times in a row)";
    assert_eq!((stop.reason.as_str(), stop.message.as_str()), ("StopConditionMet", message));
    tokio::time::sleep(INTERVAL * 10).await;
    assert_eq!(asked.load(Ordering::SeqCst), 5, "nobody asks any more");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_stops_a_run_only_if_its_author_says_so() {
    let (watches, bell, _) = watches(usize::MAX);
    watches.watch(run("p"), vec![available(1), refused(StopOnError::Ignore)]);
    assert!(!rings(&bell, INTERVAL * 10).await);
    watches.watch(run("p"), vec![available(1), refused(StopOnError::Stop)]);
    assert!(rings(&bell, INTERVAL).await);
    assert!(watches.met("p").unwrap().message.contains("the author may not"));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_forgotten_is_not_read_any_more() {
    let forget: [fn(&Watches); 3] =
        [|all| all.forget("p"), |all| all.keep("e", |pod| pod != "p"), |all| all.retain(|uid| uid != "e")];
    for forget in forget {
        let (watches, bell, asked) = watches(1);
        watches.watch(run("p"), vec![available(1)]);
        tokio::time::sleep(Duration::from_secs(1)).await;
        watches.keep("other", |_| false);
        watches.retain(|uid| uid == "e");
        assert!(watches.has("p"));
        forget(&watches);
        assert!(!watches.has("p") && !rings(&bell, INTERVAL * 10).await);
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_edit_replaces_the_conditions_and_what_was_met_stays_met() {
    let (watches, bell, _) = watches(0);
    watches.watch(run("p"), vec![available(100)]);
    assert!(watches.has_these("p", &[available(100).0]) && !watches.has_these("p", &[available(1).0]));
    tokio::time::sleep(INTERVAL * 10).await;
    watches.watch(run("p"), vec![available(1)]);
    assert!(rings(&bell, Duration::from_secs(1)).await);
    let stop = watches.met("p");
    watches.watch(run("p"), Vec::new());
    assert_eq!((watches.met("p"), stop.is_some()), (stop, true));
}

#[tokio::test]
async fn there_are_never_too_many_runs() {
    let (watches, ..) = watches(usize::MAX);
    for number in 0..=MOST {
        watches.watch(run(&number.to_string()), Vec::new());
    }
    assert_eq!(watches.lock().len(), MOST);
    watches.bell.rings().boxed().next().now_or_never();
}
