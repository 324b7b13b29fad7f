//! What the toolkit does, as the log of its pod tells it.

use chaostoolkit_api::PodAddress;
use tokio::sync::mpsc;

use crate::access::Access;
use crate::access::pods::has_started;
use crate::model::log_line::{Frames, Step, step};

/// What a log says.
pub enum Said {
    /// What the toolkit does.
    Step(Step),
    /// Why the log does not tell it.
    Problem(String),
}

/// Reads the log of a pod to its end, and sends what it says.
pub async fn follow(access: Access, address: PodAddress, lines: mpsc::Sender<Said>) {
    let problem = |why: String| Said::Problem(format!("what the toolkit does cannot be told: {why}"));
    let opened = match access.pod(&address).await {
        Ok(Some(pod)) if has_started(&pod) => access.log(&pod, true).await.map_err(|error| error.describe()),
        Ok(Some(_)) => Err("its container has not started".to_owned()),
        Ok(None) => Err("its pod is gone".to_owned()),
        Err(failure) => Err(failure.message),
    };
    let mut log = match opened {
        Ok(log) => log,
        Err(why) => {
            let _ = lines.send(problem(why)).await;
            return;
        }
    };
    let mut frames = Frames::default();
    while let Ok(Some(line)) = log.next().await {
        if frames.shows(&line)
            && let Some(step) = step(&line)
            && lines.send(Said::Step(step)).await.is_err()
        {
            return;
        }
    }
}
