//! Answers that are remembered for a short time, in bounded memory.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How many answers are remembered.
const MOST: usize = 8192;

/// Answers by their questions, each with the time when it was given.
#[derive(Debug)]
pub struct Remembered<V> {
    answers: Mutex<HashMap<String, (Instant, V)>>,
    most: usize,
}

impl<V> Default for Remembered<V> {
    fn default() -> Self {
        Self::of(MOST)
    }
}

impl<V> Remembered<V> {
    /// Remembers this many answers at most.
    #[must_use]
    pub fn of(most: usize) -> Self {
        Self { answers: Mutex::default(), most }
    }
}

impl<V: Clone> Remembered<V> {
    /// Returns the answer to a question if it is younger than this.
    pub fn get(&self, question: &str, age: Duration) -> Option<V> {
        let answers = self.lock();
        let (given, answer) = answers.get(question)?;
        (given.elapsed() < age).then(|| answer.clone())
    }

    /// Returns the answer to a question if its time is after this one, and if it is younger than this.
    pub fn since(&self, question: &str, time: Instant, age: Duration) -> Option<V> {
        let answers = self.lock();
        let (given, answer) = answers.get(question)?;
        (*given > time && given.elapsed() < age).then(|| answer.clone())
    }

    /// Remembers an answer. If there are too many, those go that are older than this, or else all of them.
    pub fn put(&self, question: String, answer: V, age: Duration) {
        self.put_at(question, (Instant::now(), answer), age);
    }

    /// Remembers an answer that has this time.
    pub fn put_at(&self, question: String, answer: (Instant, V), age: Duration) {
        let mut answers = self.lock();
        if answers.len() >= self.most {
            answers.retain(|_, (given, _)| given.elapsed() < age);
        }
        if answers.len() >= self.most {
            answers.clear();
        }
        answers.insert(question, answer);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, (Instant, V)>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGE: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_forgotten_after_its_time() {
        let remembered = Remembered::default();
        remembered.put("a".to_owned(), 1, AGE);
        tokio::time::advance(AGE / 2).await;
        assert_eq!((remembered.get("a", AGE), remembered.get("b", AGE)), (Some(1), None));
        tokio::time::advance(AGE / 2).await;
        assert_eq!(remembered.get("a", AGE), None);
    }

    #[tokio::test(start_paused = true)]
    async fn there_are_never_too_many_answers() {
        let remembered = Remembered::default();
        for number in 0..3 * MOST {
            remembered.put(number.to_string(), number, AGE);
            assert!(remembered.lock().len() <= MOST);
            assert_eq!(remembered.get(&number.to_string(), AGE), Some(number));
        }
    }
}
