//! Wires everything up: the only place that makes a client, a watch or a controller.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures::StreamExt;
use k8s_openapi::api::core::v1::Pod;
use kube::api::Api;
use kube::core::{DeserializeGuard, PartialObjectMeta};
use kube::runtime::WatchStreamExt;
use kube::runtime::controller::{self, Action, Controller};
use kube::runtime::events::{Recorder, Reporter};
use kube::runtime::reflector::{ObjectRef, store};
use kube::{Client, ResourceExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::cli::{Choice, LeaderArgs, RunArgs};
use crate::cluster::watch::{self, watched};
use crate::cluster::{Cluster, client, discovery};
use crate::experiment::judge::log_follower::Incoming;
use crate::experiment::stages::orphans;
use crate::experiment::{Context, error_policy, reconcile};
use crate::process::backoff::{Backoff, NoDelay};
use crate::process::config::Config;
use crate::process::health::{Health, Milestone, heartbeat};
use crate::process::leader::claim::Claim;
use crate::process::leader::term::Lead;
use crate::process::leader::{self, Candidate};
use crate::process::metrics::Metrics;
use crate::process::server::{self, Endpoints};
use chaostoolkit_api::{Experiment, names};

/// An experiment as watched: one that cannot be read does not stop the others.
type Watched = DeserializeGuard<Experiment>;

/// How long work in flight may take after the signal to stop. Kubernetes gives 30 seconds.
const GRACE: Duration = Duration::from_secs(20);

/// How long the event loop may not come round.
const STUCK: Duration = Duration::from_secs(15);

/// How long the election may take no step, where every step has a limit of a third of the lease's time.
const UNDECIDED: Duration = Duration::from_secs(30);

/// Works on the experiments of a namespace until a signal says to stop.
pub async fn run(args: RunArgs) -> anyhow::Result<()> {
    let RunArgs { namespace, listen, concurrency, call_limit, cleanup_limit, leader, runner } = args;
    let client = client::infer().await?;
    let namespace = namespace.unwrap_or_else(|| client.default_namespace().to_owned());
    let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
    let address = listener.local_addr().context("the listener has no address")?;
    info!(version = env!("CARGO_PKG_VERSION"), namespace, %address, "starting");
    let stop = CancellationToken::new();
    tokio::spawn(cancel_on_signal(stop.clone()));

    // Served before anything is asked: an API server that is down must not get this process killed.
    let (health, metrics) = (Health::default(), Metrics::default());
    let begun = health.milestone("the runner is known");
    tokio::spawn(heartbeat(health.pulse("event loop", STUCK)));
    let router = server::router(Endpoints { health: health.clone(), metrics: metrics.clone() });
    let serving = tokio::spawn(server::serve(listener, router, stop.clone().cancelled_owned()));

    if let Some(runner) = stop.run_until_cancelled(discovery::runner(&client, runner)).await {
        let over = CancellationToken::new();
        let (lead, election) = elect(&client, &namespace, leader, &health, over.clone());
        metrics.tell_of(lead.clone());
        let config = Config { namespace, concurrency, call_limit, cleanup_limit, runner };
        operate(client, config, (lead, health, metrics), &begun, stop.clone()).await;
        // Given up only now, so that the next one begins after our last pass.
        over.cancel();
        election.await.context("the election panicked")?;
    }
    // Without passes there is nothing to serve for; also where the stream of passes ended by itself.
    stop.cancel();
    serving.await.context("the server panicked")?.context("the server failed")?;
    info!("stopped");
    Ok(())
}

/// Takes part in the election until it is over.
fn elect(
    client: &Client,
    namespace: &str,
    args: LeaderArgs,
    health: &Health,
    over: CancellationToken,
) -> (Lead, JoinHandle<()>) {
    let LeaderArgs { leader_elect, lease_name, lease_duration, lease_identity } = args;
    if leader_elect == Choice::No {
        return (Lead::forever(), tokio::spawn(async {}));
    }
    let identity = lease_identity.filter(|given| !given.is_empty()).unwrap_or_else(leader::identity);
    let claim = Claim { name: lease_name, identity, duration: lease_duration };
    let pulse = health.pulse("election", UNDECIDED.max(lease_duration));
    let knows = health.milestone("it is known who leads");
    let (candidate, lead) = Candidate::new(Api::namespaced(client.clone(), namespace), claim, pulse, knows);
    (lead, tokio::spawn(candidate.run(over)))
}

/// Works on experiments, as long as this process leads, until told to stop; then finishes what is in flight.
async fn operate(
    client: Client,
    config: Config,
    (lead, health, metrics): (Lead, Health, Metrics),
    begun: &Milestone,
    stop: CancellationToken,
) {
    let (experiments, experiments_writer) = store::<Watched>();
    let (pods, pods_writer) = store::<PartialObjectMeta<Pod>>();
    let Some(watching) = stop.run_until_cancelled(watch::config(&client, &config.namespace)).await else {
        return;
    };
    let own_client = watch::client(&client, &health.pulse("watch of experiments", watch::SILENCE));
    let api = Api::<Watched>::namespaced(own_client, &config.namespace);
    let filled = health.milestone("the cache of experiments is full");
    let experiment_events =
        watched(api, watching.clone(), filled).reflect(experiments_writer).touched_objects();
    // Metadata alone: a pod's status is read live when it matters.
    let own_client = watch::client(&client, &health.pulse("watch of pods", watch::SILENCE));
    let api = Api::<PartialObjectMeta<Pod>>::all(own_client);
    let ours = watching.labels(names::UID_LABEL);
    let filled = health.milestone("the cache of pods is full");
    let pod_events = watched(api, ours, filled).reflect(pods_writer).touched_objects();
    begun.reach();

    let reporter =
        Reporter { controller: names::FIELD_MANAGER.to_owned(), instance: std::env::var("HOSTNAME").ok() };
    let namespace = config.namespace.clone();
    let settings = controller::Config::default().concurrency(config.concurrency);
    let context = Arc::new(Context {
        cluster: Cluster::new(client.clone(), config.call_limit),
        recorder: Recorder::new(client, reporter),
        pods: pods.clone(),
        metrics,
        backoff: Backoff::default(),
        incoming: Incoming::default(),
        config,
    });

    let orphans = Box::pin(orphans::look(context.clone(), experiments.clone(), lead.clone()));
    // Who does not lead watches all the same, and begins with full caches.
    let passes = Controller::for_stream(experiment_events, experiments)
        .watches_stream(pod_events, move |pod| owner(&pod, &namespace))
        .reconcile_all_on(lead.begins())
        .trigger_backoff(NoDelay)
        .with_config(settings)
        .graceful_shutdown_on(stop.clone().cancelled_owned())
        .run(
            move |seen, context| {
                let lead = lead.clone();
                async move {
                    let pass = lead.within(reconcile(seen, context)).await;
                    // The next term begins with a pass over everything.
                    pass.unwrap_or_else(|| Ok(Action::await_change()))
                }
            },
            error_policy,
            context,
        )
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
        () = orphans => {}
        () = deadline => warn!("stopped with work in flight, after {GRACE:?}; the next start goes on from there"),
    }
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
