//! A bounded queue, and the task that sends what is in it.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use crate::outbound::target::{Attempt, Target};
use crate::process::metrics::Metrics;

/// How many items may wait.
pub const MOST: usize = 256;

/// The first delay between two attempts.
const FIRST: Duration = Duration::from_secs(1);

/// The longest delay between two attempts, unless the server asks for more.
const LONGEST: Duration = Duration::from_secs(30);

/// The longest delay that a server may ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(120);

/// How often it is tried again.
const RETRIES: usize = 8;

/// For how long it is tried again, whatever the server asks for: what comes after it waits for it.
const LONGEST_DELIVERY: Duration = Duration::from_secs(300);

/// The end of a queue into which a pass puts things. It never waits.
pub struct Queue<T> {
    sender: mpsc::Sender<T>,
    kind: &'static str,
    metrics: Metrics,
}

impl<T> Queue<T> {
    /// Puts an item into the queue. If the queue is full, the item is dropped: those that wait are older.
    pub fn put(&self, item: T) {
        if self.sender.try_send(item).is_err() {
            debug!(kind = self.kind, "the queue is full");
            self.metrics.outbound(self.kind, "dropped", 1);
        }
    }
}

/// The task that sends.
pub struct Worker {
    task: JoinHandle<()>,
    closing: CancellationToken,
    kind: &'static str,
}

impl Worker {
    /// Asks the task to end: what waits is tried once more, and nothing is added.
    pub fn close(&self) {
        self.closing.cancel();
    }

    /// Waits for the end of the task until a time, and then ends it.
    pub async fn finish(self, deadline: Instant) {
        let abort = self.task.abort_handle();
        if tokio::time::timeout_at(deadline, self.task).await.is_err() {
            abort.abort();
            warn!(kind = self.kind, "stopped before everything was sent");
        }
    }
}

/// Starts a task that sends to a server. Up to `most` items are encoded and sent together.
pub fn start<T: Send + 'static>(
    target: Target,
    encode: fn(Vec<T>) -> Vec<u8>,
    (kind, most): (&'static str, usize),
    metrics: Metrics,
) -> (Queue<T>, Worker) {
    let (sender, receiver) = mpsc::channel(MOST);
    let closing = CancellationToken::new();
    let sending =
        Sending { target, kind, metrics: metrics.clone(), closing: closing.clone(), is_down: false };
    let task = tokio::spawn(sending.run(receiver, encode, most));
    (Queue { sender, kind, metrics }, Worker { task, closing, kind })
}

struct Sending {
    target: Target,
    kind: &'static str,
    metrics: Metrics,
    closing: CancellationToken,
    /// Whether the last attempt has failed.
    is_down: bool,
}

impl Sending {
    async fn run<T: Send + 'static>(
        mut self,
        mut items: mpsc::Receiver<T>,
        encode: fn(Vec<T>) -> Vec<u8>,
        most: usize,
    ) {
        loop {
            let mut batch = Vec::new();
            let count = tokio::select! {
                biased;
                count = items.recv_many(&mut batch, most) => count,
                () = self.closing.cancelled(), if !items.is_closed() => {
                    items.close();
                    continue;
                }
            };
            if count == 0 {
                return;
            }
            // A journal takes some time to read.
            let encoded = tokio::task::spawn_blocking(move || encode(batch)).await;
            let is_sent = match encoded {
                Ok(body) => self.deliver(body).await,
                // The panic is in the log.
                Err(_) => false,
            };
            self.metrics.outbound(self.kind, if is_sent { "sent" } else { "failed" }, count as u64);
        }
    }

    /// Tries to send until the server has taken it, refuses it, or has had enough attempts.
    async fn deliver(&mut self, body: Vec<u8>) -> bool {
        let delays = ExponentialBuilder::new().with_min_delay(FIRST).with_max_delay(LONGEST).with_factor(2.0);
        let mut delays = delays.with_max_times(RETRIES).with_jitter().build();
        let began = Instant::now();
        loop {
            let (problem, asked) = match self.target.send(body.clone()).await {
                Attempt::Sent => {
                    if std::mem::take(&mut self.is_down) {
                        info!(kind = self.kind, host = self.target.host(), "the receiver takes it again");
                    }
                    return true;
                }
                Attempt::Refused(problem) => {
                    warn!(kind = self.kind, host = self.target.host(), problem, "the receiver refuses it");
                    return false;
                }
                Attempt::Failed(problem, asked) => (problem, asked),
            };
            if !std::mem::replace(&mut self.is_down, true) {
                warn!(kind = self.kind, host = self.target.host(), problem, "the receiver does not take it");
            }
            let delay = delays.next().filter(|_| !self.closing.is_cancelled());
            let Some(pause) = delay.and_then(|delay| pause(delay, asked, began.elapsed())) else {
                return false;
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.closing.cancelled() => {}
            }
        }
    }
}

/// How long to wait until the next attempt, with the delay that is its turn, the seconds that the server asks for, and the time
/// since the first attempt. `None` if it would come too late.
fn pause(delay: Duration, asked: Option<u64>, since: Duration) -> Option<Duration> {
    let asked = asked.map_or(Duration::ZERO, Duration::from_secs).min(LONGEST_ASKED);
    let pause = delay.min(LONGEST).max(asked);
    (since + pause <= LONGEST_DELIVERY).then_some(pause)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::first(1, None, 0, Some(1))]
    #[case::with_jitter(45, None, 60, Some(30))]
    #[case::asked(4, Some(60), 10, Some(60))]
    #[case::asked_for_less(16, Some(2), 10, Some(16))]
    #[case::asked_for_a_day(4, Some(86_400), 10, Some(120))]
    #[case::asked_for_ever(4, Some(u64::MAX), 10, Some(120))]
    #[case::just_in_time(4, Some(120), 180, Some(120))]
    #[case::too_late(4, Some(120), 181, None)]
    #[case::far_too_late(30, None, 280, None)]
    fn whatever_a_server_asks_for_the_next_item_has_its_turn_after_five_minutes(
        #[case] delay: u64,
        #[case] asked: Option<u64>,
        #[case] since: u64,
        #[case] expected: Option<u64>,
    ) {
        let found = pause(Duration::from_secs(delay), asked, Duration::from_secs(since));
        assert_eq!(found, expected.map(Duration::from_secs));
    }
}
