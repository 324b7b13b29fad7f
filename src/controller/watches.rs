//! Forgets runs whose stop conditions are still read, although no pass will say that they have ended.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use crate::experiment::context::Context;
use chaostoolkit_api::{Experiment, Status};

/// How often to look.
const PERIOD: Duration = Duration::from_secs(30);

/// Looks at the cache as long as the process runs.
pub async fn forget(context: Arc<Context>) {
    loop {
        tokio::time::sleep(PERIOD).await;
        let experiments = context.experiments.state();
        let readable = experiments.iter().filter_map(|experiment| experiment.0.as_ref().ok());
        let is_open = |experiment: &&Experiment| !experiment.status.as_ref().is_some_and(Status::is_finished);
        let open: HashSet<&str> = readable.filter(is_open).map(Experiment::uid).collect();
        context.watches.retain(|uid| open.contains(uid));
    }
}
