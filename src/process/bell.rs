//! Asks for a pass over all experiments: something has changed that may concern any of them.

use std::sync::Arc;

use futures::{Stream, stream};
use tokio::sync::Notify;

/// The bell. Clones share it. Several rings before anybody listens count as one.
#[derive(Clone, Debug, Default)]
pub struct Bell(Arc<Notify>);

impl Bell {
    /// Asks for the passes.
    pub fn ring(&self) {
        self.0.notify_one();
    }

    /// Returns a stream with an item for each time that it was rung. Only one may be read at a time.
    pub fn rings(&self) -> impl Stream<Item = ()> + Send + use<> {
        stream::unfold(self.0.clone(), async |bell| {
            bell.notified().await;
            Some(((), bell))
        })
    }
}
