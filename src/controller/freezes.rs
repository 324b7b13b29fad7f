//! The watch of freezes: in all namespaces, since a freeze also holds runs that come from elsewhere.

use std::pin::pin;
use std::sync::Arc;

use futures::StreamExt;
use kube::Client;
use kube::api::Api;
use kube::runtime::reflector::{Store, store};
use kube::runtime::{WatchStreamExt, watcher};

use crate::cluster::watch;
use crate::experiment::context::Context;
use crate::experiment::freezes::known::{Freezes, Watched};
use crate::experiment::freezes::report::{self, Facts};
use crate::process::backoff;
use crate::process::health::Health;
use crate::process::leader::term::Leadership;
use crate::process::metrics::Metrics;

/// Watches freezes as long as it is polled. Returns the cache, and the watch.
pub fn watch(
    client: &Client,
    (health, metrics): (&Health, &Metrics),
    watching: watcher::Config,
    known: Freezes,
) -> (Store<Watched>, impl Future<Output = ()> + use<>) {
    let (cache, writer) = store::<Watched>();
    let heartbeat = health.heartbeat("watch of freezes", watch::SILENCE);
    let own_client = watch::client(client, &heartbeat, &metrics.watch_begins("ChaosToolkitFreeze"));
    let events = watcher(Api::all(own_client), watching).backoff(backoff::of_watch()).reflect(writer);
    let seen = cache.clone();
    let watched = async move {
        let mut events = pin!(events);
        while let Some(event) = events.next().await {
            known.seen(&event, &seen);
        }
    };
    (cache, watched)
}

/// Keeps the statuses of the freezes true as long as the process runs, and does so only while it leads.
pub async fn report(context: Arc<Context>, freezes: Store<Watched>, lead: Leadership) {
    let facts = Facts { freezes: &freezes, experiments: &context.experiments };
    loop {
        tokio::time::sleep(report::PERIOD).await;
        lead.within(report::report(&context.cluster, &context.freezes, &facts)).await;
    }
}
