//! Wires everything up: the only place that makes a client, a watch or a controller.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use futures::{Stream, StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::Pod;
use kube::api::Api;
use kube::core::{DeserializeGuard, PartialObjectMeta};
use kube::runtime::controller::{self, Controller};
use kube::runtime::events::{Recorder, Reporter};
use kube::runtime::reflector::{ObjectRef, store};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Client, ResourceExt};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::api::Experiment;
use crate::backoff::{self, Backoff, NoDelay};
use crate::cli::RunArgs;
use crate::cluster::Cluster;
use crate::config::Config;
use crate::experiment::{Context, error_policy, reconcile};
use crate::metrics::Metrics;
use crate::{names, own, server};

/// An experiment as watched: one that cannot be read does not stop the others.
type Watched = DeserializeGuard<Experiment>;

/// How long work in flight may take after the signal to stop. Kubernetes gives 30 seconds.
const GRACE: Duration = Duration::from_secs(20);

/// Works on the experiments of a namespace until a signal says to stop.
pub async fn run(args: RunArgs) -> anyhow::Result<()> {
    let RunArgs { namespace, listen, concurrency, call_limit, cleanup_limit, runner } = args;
    let mut kubeconfig =
        kube::Config::infer().await.context("no cluster: neither in one nor a kubeconfig")?;
    // Fifteen repetitions of a call outlast every limit, and a repeated POST meets its own object. Failed passes are
    // repeated by the controller instead.
    kubeconfig.default_retry = false;
    let namespace = namespace.unwrap_or_else(|| kubeconfig.default_namespace.clone());
    let client = Client::try_from(kubeconfig).context("cannot make a client from the configuration")?;
    let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
    let runner = own::runner(&client, runner).await;
    let config = Config { namespace, concurrency, call_limit, cleanup_limit, runner };
    let stop = CancellationToken::new();
    tokio::spawn(cancel_on_signal(stop.clone()));
    operate(client, config, listener, stop).await
}

/// Works on experiments until told to stop, then finishes what is in flight.
pub async fn operate(
    client: Client,
    config: Config,
    listener: TcpListener,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let address = listener.local_addr().context("the listener has no address")?;
    info!(version = env!("CARGO_PKG_VERSION"), namespace = config.namespace, %address, "starting");
    let (experiments, experiments_writer) = store::<Watched>();
    let (pods, pods_writer) = store::<PartialObjectMeta<Pod>>();
    let filled = [Flag::default(), Flag::default()];
    let api = Api::<Watched>::namespaced(client.clone(), &config.namespace);
    let experiment_events = watched(api, watcher::Config::default(), filled[0].clone())
        .reflect(experiments_writer)
        .touched_objects();
    // Metadata alone: a pod's status is read live when it matters.
    let api = Api::<PartialObjectMeta<Pod>>::all(client.clone());
    let ours = watcher::Config::default().labels(names::UID_LABEL);
    let pod_events = watched(api, ours, filled[1].clone()).reflect(pods_writer).touched_objects();

    let reporter =
        Reporter { controller: names::FIELD_MANAGER.to_owned(), instance: std::env::var("HOSTNAME").ok() };
    let namespace = config.namespace.clone();
    let settings = controller::Config::default().concurrency(config.concurrency);
    let context = Arc::new(Context {
        cluster: Cluster::new(client.clone(), config.call_limit),
        recorder: Recorder::new(client, reporter),
        pods: pods.clone(),
        metrics: Metrics::default(),
        backoff: Backoff::default(),
        config,
    });

    let router = server::router(context.clone(), Arc::new(move || filled.iter().all(is_set)));
    let serving = tokio::spawn(server::serve(listener, router, stop.clone().cancelled_owned()));

    let passes = Controller::for_stream(experiment_events, experiments)
        .watches_stream(pod_events, move |pod| owner(&pod, &namespace))
        .trigger_backoff(NoDelay)
        .with_config(settings)
        .graceful_shutdown_on(stop.clone().cancelled_owned())
        .run(reconcile, error_policy, context)
        .for_each(async |result| {
            // A failed pass was told of by the error policy; an object that is gone needs no pass.
            if let Err(controller::Error::QueueError(error)) = result {
                warn!(%error, "a watch failed and is started again");
            }
        });
    let deadline = async {
        stop.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        () = passes => {}
        () = deadline => warn!("stopped with work in flight, after {GRACE:?}; the next start goes on from there"),
    }
    // Without passes there is nothing to serve for; also where the stream of passes ended by itself.
    stop.cancel();
    serving.await.context("the server panicked")?.context("the server failed")?;
    info!("stopped");
    Ok(())
}

/// Set once, read often.
type Flag = Arc<AtomicBool>;

fn is_set(flag: &Flag) -> bool {
    flag.load(Ordering::Relaxed)
}

/// A watch with a backoff of its own, without the bookkeeping that nobody reads and everybody would store. Sets the flag
/// when its first list is complete. (`Store::wait_until_ready` is no way to learn that: of two tasks that wait for the
/// same store, kube-runtime 5.0.0 wakes only the last, and the controller is one.)
fn watched<K>(
    api: Api<K>,
    config: watcher::Config,
    filled: Flag,
) -> impl Stream<Item = watcher::Result<watcher::Event<K>>> + Send
where
    K: kube::Resource + Clone + std::fmt::Debug + serde::de::DeserializeOwned + Send + 'static,
    K::DynamicType: Default,
{
    watcher(api, config.streaming_lists())
        .backoff(backoff::of_watch())
        .modify(|object| object.managed_fields_mut().clear())
        .inspect_ok(move |event| {
            if matches!(event, watcher::Event::InitDone) && !filled.swap(true, Ordering::Relaxed) {
                info!("the cache of {} is full", K::plural(&K::DynamicType::default()));
            }
        })
}

/// The experiment that a pod says it belongs to. Anybody can say so: it only brings a pass, which looks for itself.
fn owner(pod: &PartialObjectMeta<Pod>, namespace: &str) -> Option<ObjectRef<Watched>> {
    let key = pod.annotations().get(names::EXPERIMENT_ANNOTATION)?;
    let (found, name) = key.split_once('/')?;
    (found == namespace).then(|| ObjectRef::new(name).within(found))
}

/// Cancels on the first SIGTERM or SIGINT.
async fn cancel_on_signal(stop: CancellationToken) {
    let interrupted = tokio::signal::ctrl_c();
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(mut terminated) => tokio::select! {
            _ = interrupted => {}
            _ = terminated.recv() => {}
        },
        Err(_) => drop(interrupted.await),
    }
    info!("asked to stop");
    stop.cancel();
}
