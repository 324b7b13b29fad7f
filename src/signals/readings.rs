//! Answers of sources to passes, which do not wait for them.
//!
//! A pass holds a worker, and a source may take its time. So a pass gets what was read a moment ago. If nothing was, the
//! question is asked in the background, and the pass comes again.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::process::remembered::Remembered;
use crate::signals::reading::{Reading, SignalError};
use crate::signals::signal::Question;
use crate::signals::sources::{IN_FLIGHT, Sources};

/// For how long an answer counts.
const AGE: Duration = Duration::from_secs(10);

/// How many questions to one source wait for their turn. Further ones are asked by a later pass.
const MOST_WAITING: usize = 1024;

/// After how long the answer to a question is expected: with an idle source, and at most. In any case, it still counts then.
const EXPECTED: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(8));

/// How many questions an idle source may answer in a second.
const RATE: usize = 32;

/// How many answers of one source are remembered. More than those that wait, so that none of them is lost.
const MOST: usize = 2 * MOST_WAITING;

/// How many sources are remembered. More than there can be at a time, since the file may change.
const MOST_SOURCES: usize = 128;

/// The answers of the sources. Clones share them.
#[derive(Clone)]
pub struct Readings {
    sources: Sources,
    known: Arc<Mutex<HashMap<String, Arc<Known>>>>,
}

/// What is known of one source.
struct Known {
    answers: Remembered<Result<Reading, SignalError>>,
    /// The questions that are being asked, or wait for their turn.
    asked: Mutex<HashSet<String>>,
    /// The turns, as many as the source has room for. Those that wait there may run into the limit of a request.
    room: Semaphore,
}

impl Readings {
    /// Knows nothing yet.
    #[must_use]
    pub fn new(sources: Sources) -> Self {
        Self { sources, known: Arc::default() }
    }

    /// Returns the sources.
    #[must_use]
    pub const fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Returns the answer to the question of an experiment in a namespace, if it is known. Otherwise it is soon.
    #[must_use]
    pub fn get(&self, question: &Question, namespace: &str) -> Option<Result<Reading, SignalError>> {
        if let Err(error) = self.sources.check(question, namespace) {
            return Some(Err(error));
        }
        let known = self.of(&question.source);
        let key = question.asks.key();
        let answer = known.answers.get(&key, AGE);
        if answer.is_none() && known.begin(&key) {
            let (sources, question, namespace) =
                (self.sources.clone(), question.clone(), namespace.to_owned());
            tokio::spawn(async move {
                let turn = Turn { known, key };
                // It is never closed.
                let Ok(_room) = turn.known.room.acquire().await else { return };
                let read = sources.read(&question, &namespace).await;
                turn.known.answers.put(turn.key.clone(), read, AGE);
            });
        }
        answer
    }

    /// Returns when to ask again for what a source has not answered yet. The more questions wait, the later that is.
    #[must_use]
    pub fn expected(&self, source: &str) -> Duration {
        let waiting = lock(&self.of(source).asked).len();
        let (least, most) = EXPECTED;
        let seconds = u64::try_from(waiting / RATE).unwrap_or(u64::MAX);
        least.saturating_add(Duration::from_secs(seconds)).min(most)
    }

    fn of(&self, source: &str) -> Arc<Known> {
        let mut known = lock(&self.known);
        if known.len() >= MOST_SOURCES && !known.contains_key(source) {
            known.clear();
        }
        known.entry(source.to_owned()).or_default().clone()
    }
}

impl Default for Readings {
    /// Knows no sources.
    fn default() -> Self {
        Self::new(Sources::default())
    }
}

impl Default for Known {
    fn default() -> Self {
        Self { answers: Remembered::of(MOST), asked: Mutex::default(), room: Semaphore::new(IN_FLIGHT) }
    }
}

impl Known {
    /// Whether a question is to be asked now: nobody asks it already, and there is room.
    fn begin(&self, key: &str) -> bool {
        let mut asked = lock(&self.asked);
        asked.len() < MOST_WAITING && asked.insert(key.to_owned())
    }
}

/// A question that is being asked. It ends with this, also by a panic.
struct Turn {
    known: Arc<Known>,
    key: String,
}

impl Drop for Turn {
    fn drop(&mut self) {
        lock(&self.known.asked).remove(&self.key);
    }
}

/// Ignores that the lock is poisoned: a panic leaves nothing half-written.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
