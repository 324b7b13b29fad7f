//! Which passes may begin now. Some of the workers are kept for what is urgent.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

/// The pause before a pass that could not begin is tried again. It costs no call.
pub const BUSY: Duration = Duration::from_secs(1);

/// The workers for passes that are not urgent. Urgent ones need no permit.
pub struct Workers {
    others: Semaphore,
}

impl Workers {
    /// Keeps a quarter of all workers for urgent passes, and at least one if there are several.
    #[must_use]
    pub fn new(all: u16) -> Self {
        Self { others: Semaphore::new(usize::from(all - kept(all))) }
    }

    /// Takes a worker for a pass that is not urgent, until the permit is dropped. Returns nothing if all of them are at work.
    #[must_use]
    pub fn try_begin(&self) -> Option<SemaphorePermit<'_>> {
        self.others.try_acquire().ok()
    }
}

/// How many of the workers are kept for urgent passes.
fn kept(all: u16) -> u16 {
    if all < 2 { 0 } else { (all / 4).max(1) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(1, 1)]
    #[case(2, 1)]
    #[case(3, 2)]
    #[case(8, 6)]
    #[case(16, 12)]
    #[case(u16::MAX, 49_152)]
    fn a_quarter_of_the_workers_is_kept(#[case] all: u16, #[case] others: usize) {
        let workers = Workers::new(all);
        let taken: Vec<_> = std::iter::from_fn(|| workers.try_begin()).collect();
        assert_eq!(taken.len(), others);
        drop(taken);
        assert!(workers.try_begin().is_some(), "a pass that has ended makes room");
    }
}
