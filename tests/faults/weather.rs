//! Random faults that can be repeated with their seed.

use crate::call::Call;
use crate::common::chance::Chance;
use crate::fault::WriteFault;

/// A share of all requests that fails at random.
#[derive(Clone, Debug)]
pub struct Weather {
    pub chance: Chance,
    /// How many of 1,000 requests of any kind are refused or cut off.
    pub errors: u64,
    /// How many of 1,000 writes are done but not answered.
    pub lost_answers: u64,
    /// The number of requests so far.
    pub calls: u64,
    /// The number of requests that failed.
    pub hits: u64,
}

impl Weather {
    pub fn new(seed: u64, errors: u64, lost_answers: u64) -> Self {
        Self { chance: Chance::new(seed), errors, lost_answers, calls: 0, hits: 0 }
    }

    pub fn fault_of(&mut self, call: &Call) -> Option<WriteFault> {
        self.calls += 1;
        let drawn = self.chance.below(1000);
        let fault = if drawn < self.errors {
            let faults = [
                WriteFault::Refused(429),
                WriteFault::Refused(500),
                WriteFault::Refused(503),
                WriteFault::Refused(403),
                WriteFault::ResetBefore,
            ];
            *self.chance.of(&faults)
        } else if drawn < self.errors + self.lost_answers && call.is_write() {
            *self.chance.of(&[WriteFault::TimeoutAfter, WriteFault::ResetAfter])
        } else {
            return None;
        };
        self.hits += 1;
        Some(fault)
    }
}
