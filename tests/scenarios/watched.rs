//! Notes about objects that a watch collects during a test.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use futures::{StreamExt, TryStreamExt};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, ResourceExt};

/// What a watch has reported, by the uid of the object.
pub type Seen = Arc<Mutex<BTreeMap<String, BTreeSet<String>>>>;

/// Watches a collection and notes what `say` returns for each version of each object.
pub fn note<K>(api: Api<K>, say: impl Fn(&K) -> Option<String> + Send + 'static) -> Seen
where
    K: kube::Resource<DynamicType = ()>
        + Clone
        + std::fmt::Debug
        + serde::de::DeserializeOwned
        + Send
        + 'static,
{
    let seen = Seen::default();
    let notes = seen.clone();
    tokio::spawn(async move {
        let mut versions =
            watcher(api, watcher::Config::default()).default_backoff().touched_objects().boxed();
        while let Ok(Some(object)) = versions.try_next().await {
            let mut notes = notes.lock().unwrap();
            notes.entry(object.uid().unwrap()).or_default().extend(say(&object));
        }
    });
    seen
}
