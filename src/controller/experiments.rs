//! The watch of experiments: in the operator's namespace, and where else the settings say.

use futures::stream::StreamExt;
use kube::Client;
use kube::api::Api;
use kube::core::DeserializeGuard;
use kube::runtime::reflector::Store;
use kube::runtime::{WatchStreamExt, watcher};

use crate::cluster::merged::{Events, merged};
use crate::cluster::watch::{self, watched};
use crate::experiment::ended;
use crate::process::config::{Config, Watched};
use crate::process::health::Health;
use crate::process::metrics::Metrics;
use chaostoolkit_api::Experiment;

/// Watches experiments, to fill this cache. Each watch has a heartbeat and a readiness check of its own.
pub fn watch(
    client: &Client,
    config: &Config,
    (health, metrics): (&Health, &Metrics),
    watching: &watcher::Config,
    cache: &Store<DeserializeGuard<Experiment>>,
) -> Events<DeserializeGuard<Experiment>> {
    let events = |namespace: Option<&str>| -> Events<DeserializeGuard<Experiment>> {
        let place = namespace.filter(|namespace| *namespace != config.namespace);
        let place = place.map(|namespace| format!(" in namespace {namespace}")).unwrap_or_default();
        let heartbeat = health.heartbeat(format!("watch of experiments{place}"), watch::SILENCE);
        let own_client = watch::client(client, &heartbeat, &metrics.watch_begins("ChaosToolkitExperiment"));
        let api = match namespace {
            Some(namespace) => Api::namespaced(own_client, namespace),
            None => Api::all(own_client),
        };
        let filled = health.readiness_check(format!("the cache of experiments{place} is full"));
        // Before anybody keeps it.
        watched(api, watching.clone(), filled).modify(ended::shorten).boxed()
    };
    match &config.watched {
        Watched::None => events(Some(&config.namespace)),
        Watched::All => events(None),
        Watched::Named(names) => {
            let others = names.iter().filter(|name| **name != config.namespace);
            let others = others.map(|name| (name.clone(), events(Some(name)))).collect();
            merged((config.namespace.clone(), events(Some(&config.namespace))), others, cache).boxed()
        }
    }
}
