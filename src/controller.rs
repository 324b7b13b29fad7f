//! The controller: the watches, their caches, and the passes that they trigger.

mod experiments;
mod freezes;
mod watches;

use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt, stream};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use kube::api::Api;
use kube::core::{DeserializeGuard, PartialObjectMeta};
use kube::runtime::controller::{self, Action, Controller};
use kube::runtime::events::{Recorder, Reporter};
use kube::runtime::reflector::{ObjectRef, Store, store};
use kube::runtime::{WatchStreamExt, watcher};
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::warn;

use crate::cluster::Cluster;
use crate::cluster::reads::Memory;
use crate::cluster::touched::touched;
use crate::cluster::watch::{self, watched};
use crate::experiment::apart::keeper::Keeper;
use crate::experiment::apart::sweep;
use crate::experiment::binding::Bindings;
use crate::experiment::census;
use crate::experiment::census::shown::Shown;
use crate::experiment::context::{Answers, Context};
use crate::experiment::error::Error;
use crate::experiment::followed::Followed;
use crate::experiment::freezes::known::{self, Freezes};
use crate::experiment::journals::budget::Budget;
use crate::experiment::judge::log_follower::LogFollower;
use crate::experiment::mutexes::claims::Claims;
use crate::experiment::stages::orphans;
use crate::experiment::watches::Watches;
use crate::experiment::{at_rest, error_policy, reconcile};
use crate::outbound::Outbound;
use crate::process::backoff::{Backoff, NoDelay};
use crate::process::bell::Bell;
use crate::process::config::{Config, JournalLimits};
use crate::process::health::{Health, ReadinessCheck};
use crate::process::leader::term::Leadership;
use crate::process::metrics::Metrics;
use crate::process::metrics::queue::Queue;
use crate::process::room::Room;
use crate::process::workers::Workers;
use crate::signals::readings::Readings;
use crate::signals::sources::Sources;
use chaostoolkit_api::{Experiment, names};

/// An experiment as watched. An experiment that cannot be read does not affect the others.
type Watched = DeserializeGuard<Experiment>;

/// The time for active passes after the signal to stop. Kubernetes allows 30 seconds.
const GRACE: Duration = Duration::from_secs(20);

/// Reconciles experiments while this process leads. After `stop` is cancelled, finishes the active passes and returns.
pub async fn run(
    client: Client,
    (config, journals, sources, outbound): (Config, JournalLimits, Sources, Outbound),
    (leadership, health, (metrics, by_name)): (Leadership, Health, (Metrics, bool)),
    begun: &ReadinessCheck,
    stop: CancellationToken,
) {
    let (experiments, experiments_writer) = store::<Watched>();
    let (pods, pods_writer) = store::<PartialObjectMeta<Pod>>();
    let Some(watching) = stop.run_until_cancelled(watch::config(&client, &config.namespace)).await else {
        return;
    };
    let experiment_events =
        experiments::watch(&client, &config, (&health, &metrics), &watching, &experiments);
    let experiment_events = experiment_events.reflect(experiments_writer);
    let experiment_events = touched(experiment_events, experiments.clone());
    // Watch only the metadata. The status of a pod is read from the API server when it is needed.
    let pod_events =
        children(&client, (&health, &metrics), &watching, ("watch of pods", "the cache of pods is full"));
    let pod_events = touched(pod_events.reflect(pods_writer), pods.clone());
    // No cache keeps these: a pass lists what it needs.
    let parts = ("watch of Jobs", "the first list of Jobs is complete");
    let job_events = children::<Job>(&client, (&health, &metrics), &watching, parts).touched_objects();
    let parts = ("watch of CronJobs", "the first list of CronJobs is complete");
    let cron_job_events =
        children::<CronJob>(&client, (&health, &metrics), &watching, parts).touched_objects();
    // Nothing starts before the freezes are listed.
    let bell = Bell::default();
    let listed = health.readiness_check("the freezes are known");
    let freezes = Freezes::new(&config.namespace, listed, bell.clone());
    let (freeze_cache, freeze_watch) =
        freezes::watch(&client, (&health, &metrics), watching, freezes.clone());
    begun.pass();

    let owners = Arc::new(config.clone());
    let settings = controller::Config::default();
    let cluster = Cluster::new(client.clone(), config.call_limit);
    let context = Arc::new(Context {
        log_follower: LogFollower::new(cluster.clone()),
        bindings: Bindings::default(),
        freezes,
        mutexes: Claims::default(),
        watches: Watches::new(sources.clone(), cluster.clone(), bell.clone(), metrics.clone()),
        readings: Readings::new(sources),
        bell: bell.clone(),
        apart: Keeper::new(cluster.clone(), &config.namespace),
        cluster,
        recorder: Recorder::new(client, reporter()),
        experiments: experiments.clone(),
        pods: pods.clone(),
        metrics: metrics.clone(),
        outbound,
        backoff: Backoff::default(),
        workers: Workers::new(config.concurrency),
        answers: Answers::default(),
        memory: Memory::default(),
        followed: Followed::default(),
        ignored: Arc::default(),
        room: Room::default(),
        journals: Budget::new(journals, metrics.clone()),
        config,
    });

    let workers = context.workers.clone();
    show(&context, (&leadership, &health), &freeze_cache, by_name);
    let apart = Box::pin(keep_apart(context.clone(), experiments.clone(), leadership.clone()));
    let orphans = Box::pin(orphans::watch(context.clone(), experiments.clone(), leadership.clone()));
    let reports = Box::pin(freezes::report(context.clone(), freeze_cache, leadership.clone()));
    let ended = Box::pin(watches::forget(context.clone()));
    let all_passes = stream::select(leadership.begins(), bell.rings());
    // A process that does not lead watches too, so that its caches are full when it becomes the leader.
    let passes = Controller::for_stream(experiment_events, experiments)
        .watches_stream(pod_events, owner(&owners))
        .watches_stream(job_events, owner(&owners))
        .watches_stream(cron_job_events, owner(&owners))
        .reconcile_all_on(all_passes)
        .trigger_backoff(NoDelay)
        .with_config(settings)
        .graceful_shutdown_on(stop.clone().cancelled_owned())
        .run(
            move |seen, context| {
                // The next term starts with a pass over all experiments.
                let at_rest =
                    if leadership.holds() { at_rest(&context, &seen) } else { Some(Action::await_change()) };
                let leadership = leadership.clone();
                async move {
                    match at_rest {
                        Some(action) => Ok(action),
                        None => task(async move { leadership.within(reconcile(seen, context)).await }).await,
                    }
                }
            },
            error_policy,
            context,
        )
        .for_each(async |result| {
            // The error policy has already logged a failed pass. An object that is gone needs no pass.
            if let Err(controller::Error::QueueError(error)) = result {
                warn!(%error, "a watch failed and is restarted");
            }
        });
    tokio::select! {
        () = passes => {}
        () = orphans => {}
        () = freeze_watch => {}
        () = reports => {}
        () = apart => {}
        () = ended => {}
        () = deadline(stop, workers) => warn!(limit = ?GRACE, "stopped before all passes had ended; the next start continues them"),
    }
}

/// Ends some time after the signal to stop. No pass begins after that signal.
async fn deadline(stop: CancellationToken, workers: Workers) {
    stop.cancelled().await;
    workers.close();
    tokio::time::sleep(GRACE).await;
}

/// Who reports events.
fn reporter() -> Reporter {
    Reporter { controller: names::FIELD_MANAGER.to_owned(), instance: std::env::var("HOSTNAME").ok() }
}

/// Has the metrics show the queue and what the caches say.
fn show(
    context: &Context,
    (leadership, health): (&Leadership, &Health),
    freezes: &Store<known::Watched>,
    by_name: bool,
) {
    context.metrics.derive(Queue(context.workers.clone()));
    let shown = Shown {
        experiments: context.experiments.clone(),
        leadership: leadership.clone(),
        health: health.clone(),
    };
    census::show(&context.metrics, shown, (freezes.clone(), context.watches.clone()), by_name);
}

/// Watches the metadata of all objects of a kind that have our label. The parts name the heartbeat and the readiness check.
fn children<K>(
    client: &Client,
    (health, metrics): (&Health, &Metrics),
    watching: &watcher::Config,
    (heartbeat, check): (&str, &str),
) -> impl Stream<Item = watcher::Result<watcher::Event<PartialObjectMeta<K>>>> + Send + use<K>
where
    K: k8s_openapi::Resource
        + kube::Resource<DynamicType = ()>
        + Clone
        + std::fmt::Debug
        + DeserializeOwned
        + Send
        + 'static,
{
    let heartbeat = health.heartbeat(heartbeat, watch::SILENCE);
    let own_client = watch::client(client, &heartbeat, &metrics.watch_begins(K::KIND));
    let ours = watching.clone().labels(names::UID_LABEL);
    watched(Api::all(own_client), ours, health.readiness_check(check))
}

/// Makes a pass as a task of its own. The controller looks at all passes whenever one of them moves, and passes share no
/// processor otherwise. A pass that is dropped ends.
async fn task(
    pass: impl Future<Output = Option<Result<Action, Error>>> + Send + 'static,
) -> Result<Action, Error> {
    match AbortOnDropHandle::new(tokio::spawn(pass)).await {
        // The next term starts with a pass over all experiments.
        Ok(result) => result.unwrap_or_else(|| Ok(Action::await_change())),
        Err(ended) if ended.is_panic() => std::panic::resume_unwind(ended.into_panic()),
        Err(_) => Ok(Action::await_change()),
    }
}

/// Keeps the list of runs true as long as the process runs, and does so only while it leads.
async fn keep_apart(context: Arc<Context>, experiments: Store<Watched>, lead: Leadership) {
    loop {
        lead.within(sweep::sweep(&context.apart, &experiments)).await;
        tokio::time::sleep(sweep::PERIOD).await;
    }
}

/// Returns the experiment that an object names in its annotation, if it is watched and may have the object as its child. Anybody
/// can write an annotation, so it only triggers a pass.
fn owner<K>(config: &Arc<Config>) -> impl Fn(PartialObjectMeta<K>) -> Option<ObjectRef<Watched>> + use<K> {
    let config = config.clone();
    move |object| {
        let key = object.metadata.annotations.as_ref()?.get(names::EXPERIMENT_ANNOTATION)?;
        let (found, name) = key.split_once('/')?;
        let child = object.metadata.namespace.as_deref().unwrap_or_default();
        config.may_own(found, child).then(|| ObjectRef::new(name).within(found))
    }
}
