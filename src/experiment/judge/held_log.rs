//! The memory of logs while they are read and kept: one budget in bytes for all of them.
//!
//! A run decides how long its log is, and many pods may be deleted at a time. So each log takes its memory from one budget.
//! If there is none left, the reader waits.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many bytes all logs take at most.
pub const BUDGET: usize = 16 << 20;

/// By how many bytes a log grows at a time.
const STEP: usize = 64 << 10;

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

    /// Adds to the log. Waits until the budget has enough for that.
    pub async fn extend(&mut self, piece: &[u8]) {
        while self.bytes.len() + piece.len() > self.bytes.capacity() {
            // The semaphore is never closed.
            if let Ok(more) = self.budget.0.clone().acquire_owned().await {
                match &mut self.permit {
                    Some(permit) => permit.merge(more),
                    none => *none = Some(more),
                }
            }
            let wanted = self.permit.as_ref().map_or(1, OwnedSemaphorePermit::num_permits) * STEP;
            self.bytes.reserve_exact(wanted - self.bytes.len());
        }
        self.bytes.extend_from_slice(piece);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[tokio::test]
    async fn all_logs_together_stay_within_the_budget() {
        let budget = Budget::of(3 * STEP);
        let (mut one, mut other) = (budget.log(), budget.log());
        one.extend(&vec![1; STEP + 1]).await;
        other.extend(b"x").await;
        assert!(one.extend(&vec![1; STEP]).now_or_never().is_none(), "it waits");
        assert_eq!((one.bytes().len(), other.bytes()), (STEP + 1, b"x".as_slice()));
        drop(other);
        one.extend(&vec![1; STEP]).await;
        assert_eq!(one.bytes().len(), 2 * STEP + 1);
        drop(one);
        assert_eq!(budget.0.available_permits(), 3);
    }
}
