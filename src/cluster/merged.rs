//! One cache for the watches of several namespaces.
//!
//! A reflector takes a list for all there is: at its end it drops everything else. So a second watch on the same cache would
//! remove the objects of the first one with each of its lists. Here, only the first list of the first watch comes as one. All
//! others come as single changes.

use std::collections::HashSet;
use std::fmt::Debug;
use std::future::ready;
use std::hash::Hash;
use std::mem::take;
use std::sync::Arc;

use futures::stream::{self, BoxStream, SelectAll};
use futures::{Stream, StreamExt};
use kube::Resource;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::watcher::{self, Event};
use tokio_util::sync::CancellationToken;

/// The events of a watch.
pub type Events<K> = BoxStream<'static, watcher::Result<Event<K>>>;

/// Merges the watches of namespaces, each with the name of its namespace, into one stream that fills this cache. The others
/// begin when the first list of the first one is complete. If one of them fails, the rest goes on.
pub fn merged<K>(
    (home, first): (String, Events<K>),
    others: Vec<(String, Events<K>)>,
    cache: &Store<K>,
) -> impl Stream<Item = watcher::Result<Event<K>>> + Send + use<K>
where
    K: Resource + Clone + Debug + Send + Sync + 'static,
    K::DynamicType: Default + Eq + Hash + Clone + Send + Sync,
{
    let is_listed = CancellationToken::new();
    let first = single(first, home, cache.clone(), Some(is_listed.clone()));
    let mut all: SelectAll<Events<K>> = stream::select_all([first]);
    for (namespace, events) in others {
        let is_listed = is_listed.clone();
        let begun = stream::once(async move { is_listed.cancelled().await }).filter_map(|()| ready(None));
        all.push(begun.chain(single(events, namespace, cache.clone(), None)).boxed());
    }
    all
}

/// Turns the lists of a watch into single changes. With a token, its first list comes as it is, and cancels the token.
fn single<K>(
    events: Events<K>,
    namespace: String,
    cache: Store<K>,
    mut as_it_is: Option<CancellationToken>,
) -> Events<K>
where
    K: Resource + Clone + Debug + Send + Sync + 'static,
    K::DynamicType: Default + Eq + Hash + Clone + Send + Sync,
{
    let mut listed = HashSet::new();
    let changes = events.flat_map(move |event| {
        if let Some(first) = &as_it_is {
            if matches!(event, Ok(Event::InitDone)) {
                first.cancel();
                as_it_is = None;
            }
            return stream::iter(vec![event]);
        }
        stream::iter(match event {
            Ok(Event::Init) => {
                listed.clear();
                vec![]
            }
            Ok(Event::InitApply(object)) => {
                listed.insert(ObjectRef::from_obj(&object));
                vec![Ok(Event::Apply(object))]
            }
            Ok(Event::InitDone) => {
                let listed = take(&mut listed);
                let is_gone = |object: &Arc<K>| {
                    object.meta().namespace.as_ref() == Some(&namespace)
                        && !listed.contains(&ObjectRef::from_obj(object.as_ref()))
                };
                let gone = cache.state().into_iter().filter(is_gone);
                gone.map(|object| Ok(Event::Delete(Arc::unwrap_or_clone(object)))).collect()
            }
            event => vec![event],
        })
    });
    changes.boxed()
}
