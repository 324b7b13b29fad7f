//! How many large specs are worked on at a time.
//!
//! A spec takes several times its length in memory during a pass. So the passes of large specs share a budget, and one that
//! does not fit comes back later. A worker that waited would keep others from small specs.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

/// How many bytes of large specs are worked on at a time. The API server stores about 1.5 MiB of an object.
const BYTES: usize = 2 << 20;

/// The longest spec that always fits, in bytes.
const SMALL: usize = 32 << 10;

/// The unit of the budget, in bytes.
const UNIT: usize = 1 << 10;

/// After how long a pass comes back that does not fit.
pub const LATER: Duration = Duration::from_secs(2);

/// The budget of large specs.
#[derive(Debug)]
pub struct Room(Semaphore);

impl Default for Room {
    fn default() -> Self {
        Self(Semaphore::new(BYTES / UNIT))
    }
}

impl Room {
    /// Takes room for a spec of this length, until the result is dropped. Returns `None` if there is not enough room now.
    #[must_use]
    pub fn enter(&self, bytes: usize) -> Option<SemaphorePermit<'_>> {
        let units = if bytes <= SMALL { 0 } else { bytes.min(BYTES) / UNIT };
        self.0.try_acquire_many(u32::try_from(units).unwrap_or(u32::MAX)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_large_specs_fit_and_any_number_of_small_ones() {
        let room = Room::default();
        let one = room.enter(1_400_000).unwrap();
        assert!(room.enter(1_400_000).is_none());
        let other = room.enter(500_000).unwrap();
        let small: Vec<_> = (0..1000).map(|_| room.enter(SMALL).unwrap()).collect();
        drop((one, other, small));
        assert!(room.enter(usize::MAX).is_some(), "the largest one fits alone");
    }
}
