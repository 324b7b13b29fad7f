//! The memory of logs while they are read and kept: one budget in bytes for all of them.
//!
//! A run decides how long its log is, and many pods may be deleted at a time. So each log takes its memory from one budget.
//! If there is none left, the reader waits. It does not wait for long while it holds memory that others wait for.

use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How many bytes all logs take at most.
pub const BUDGET: usize = 16 << 20;

/// By how many bytes a log grows at a time.
const STEP: usize = 64 << 10;

/// How long a log that holds memory waits for more, at least. It waits at most twice as long, by chance, so that logs which wait
/// for each other do not all give up at once.
const PATIENCE: Duration = Duration::from_secs(2);

/// Other logs have the memory that a log needs.
#[derive(Debug, PartialEq, Eq)]
pub struct OutOfMemory;

/// The budget. Clones share it.
#[derive(Clone, Debug)]
pub struct Budget(Arc<Semaphore>);

impl Default for Budget {
    fn default() -> Self {
        Self::of(BUDGET)
    }
}

impl Budget {
    /// Makes a budget of this many bytes.
    #[must_use]
    pub fn of(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes / STEP)))
    }

    /// Begins a log.
    #[must_use]
    pub fn log(&self) -> HeldLog {
        HeldLog { bytes: Vec::new(), budget: self.clone(), permit: None }
    }
}

/// A log in memory. Its part of the budget is free again when it is dropped.
#[derive(Debug)]
pub struct HeldLog {
    bytes: Vec<u8>,
    budget: Budget,
    permit: Option<OwnedSemaphorePermit>,
}

impl HeldLog {
    /// Returns the log so far.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Adds to the log. Waits until the budget has enough for that, or fails if the log holds a part of it already and there is
    /// no more for a while.
    pub async fn extend(&mut self, piece: &[u8]) -> Result<(), OutOfMemory> {
        while self.bytes.len() + piece.len() > self.bytes.capacity() {
            let wait = self.budget.0.clone().acquire_owned();
            // The semaphore is never closed.
            let more = match self.permit {
                None => wait.await.ok(),
                Some(_) => timeout(patience(), wait).await.map_err(|_| OutOfMemory)?.ok(),
            };
            if let Some(more) = more {
                match &mut self.permit {
                    Some(permit) => permit.merge(more),
                    none => *none = Some(more),
                }
            }
            let wanted = self.permit.as_ref().map_or(1, OwnedSemaphorePermit::num_permits) * STEP;
            self.bytes.reserve_exact(wanted - self.bytes.len());
        }
        self.bytes.extend_from_slice(piece);
        Ok(())
    }
}

fn patience() -> Duration {
    let mut patience = ExponentialBuilder::new().with_min_delay(PATIENCE).with_jitter().build();
    patience.next().unwrap_or(PATIENCE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn all_logs_together_stay_within_the_budget() {
        let budget = Budget::of(3 * STEP);
        let (mut one, mut other) = (budget.log(), budget.log());
        one.extend(&vec![1; STEP + 1]).await.unwrap();
        other.extend(b"x").await.unwrap();
        assert!(one.extend(&vec![1; STEP]).now_or_never().is_none(), "it waits");
        assert_eq!((one.bytes().len(), other.bytes()), (STEP + 1, b"x".as_slice()));
        drop(other);
        one.extend(&vec![1; STEP]).await.unwrap();
        assert_eq!(one.bytes().len(), 2 * STEP + 1);
        drop(one);
        assert_eq!(budget.0.available_permits(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_log_that_holds_memory_waits_for_more_only_for_a_while() {
        let budget = Budget::of(STEP);
        let mut one = budget.log();
        one.extend(&vec![1; STEP]).await.unwrap();
        let began = Instant::now();
        assert_eq!(one.extend(b"x").await, Err(OutOfMemory));
        assert!((PATIENCE..=2 * PATIENCE).contains(&began.elapsed()), "{:?}", began.elapsed());
        let mut other = budget.log();
        assert!(timeout(100 * PATIENCE, other.extend(b"x")).await.is_err(), "one that holds nothing waits");
        drop(one);
        other.extend(b"x").await.unwrap();
    }
}
