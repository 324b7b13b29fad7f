//! The objects that a watch brings, each at a time at which the cache knows it.

use std::fmt::Debug;
use std::hash::Hash;
use std::mem::take;
use std::sync::Arc;

use futures::{Stream, StreamExt, stream};
use kube::Resource;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::watcher::{self, Event};

/// Returns each object that has changed, after the change is in this cache. The events have to come from a stream that fills
/// the cache.
///
/// A list changes the cache only at its end. Its objects come after that, and those that it no longer has come too. With
/// `touched_objects` of kube-runtime, they come one by one while the list is read. The controller then looks for an object
/// that is not in the cache yet, and drops it. It comes again only with its next change.
pub fn touched<K>(
    events: impl Stream<Item = watcher::Result<Event<K>>> + Send,
    cache: Store<K>,
) -> impl Stream<Item = watcher::Result<K>> + Send
where
    K: Resource + Clone + Debug + Send + Sync + 'static,
    K::DynamicType: Default + Eq + Hash + Clone + Send + Sync,
{
    let mut before = Vec::new();
    events.flat_map(move |event| {
        let objects = match event {
            Ok(Event::Apply(object) | Event::Delete(object)) => vec![Ok(Arc::new(object))],
            Ok(Event::Init) => {
                before = cache.state();
                vec![]
            }
            Ok(Event::InitApply(_)) => vec![],
            Ok(Event::InitDone) => {
                let is_gone = |object: &Arc<K>| cache.get(&ObjectRef::from_obj(object.as_ref())).is_none();
                let gone = take(&mut before).into_iter().filter(is_gone);
                cache.state().into_iter().chain(gone).map(Ok).collect()
            }
            Err(error) => vec![Err(error)],
        };
        stream::iter(objects).map(|object| object.map(Arc::unwrap_or_clone))
    })
}
