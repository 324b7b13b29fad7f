//! The terms in which this process leads. Work only proceeds within a term.
//!
//! The clock is read each time before the work proceeds. A timer or a message would not be enough: a process that was paused
//! beyond the end of its term must notice this before it does anything else.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use futures::{Stream, stream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

#[derive(Clone, Copy)]
struct Term {
    /// The number of the term, from 1.
    number: u64,
    /// The end of the term, unless it is extended.
    until: Option<Instant>,
}

impl Term {
    fn goes_on(self) -> Option<Instant> {
        self.until.filter(|until| Instant::now() < *until)
    }
}

/// Starts, extends and ends terms.
pub struct TermSender(watch::Sender<Term>);

/// The leadership of this process, for the code that works within terms. Clones share it.
#[derive(Clone)]
pub struct Leadership(watch::Receiver<Term>);

/// Returns both sides. No term has started yet.
#[must_use]
pub fn channel() -> (TermSender, Leadership) {
    let (sender, receiver) = watch::channel(Term { number: 0, until: None });
    (TermSender(sender), Leadership(receiver))
}

impl TermSender {
    /// Extends the term until a time. Returns whether this starts a new term: the last one was over, and its work was dropped.
    #[must_use]
    pub fn extend(&self, until: Instant) -> bool {
        let mut is_new = false;
        // Readers use the same lock, so none can see the end of a term that is extended here.
        self.0.send_modify(|term| {
            is_new = term.goes_on().is_none();
            *term = Term { number: term.number + u64::from(is_new), until: Some(until) };
        });
        is_new
    }

    /// Ends the term.
    pub fn end(&self) {
        self.0.send_modify(|term| term.until = None);
    }
}

impl Leadership {
    /// Returns the leadership of a process that takes part in no election. It never ends.
    #[must_use]
    pub fn forever() -> Self {
        // tokio uses the same time for "never".
        let until = Some(Instant::now() + Duration::from_secs(60 * 60 * 24 * 365 * 30));
        Self(watch::channel(Term { number: 0, until }).1)
    }

    /// Returns whether this process leads now.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.0.borrow().goes_on().is_some()
    }

    /// Runs work within the current term. Returns `None` if there is no term, or if it ends before the work is done. The work
    /// is dropped then.
    pub async fn within<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let term = *self.0.borrow();
        let mut work = pin!(work);
        let mut over = pin!(self.over(term.number));
        poll_fn(|context| {
            if self.rest_of(term.number).is_none() || over.as_mut().poll(context).is_ready() {
                return Poll::Ready(None);
            }
            work.as_mut().poll(context).map(Some)
        })
        .await
    }

    /// Returns a stream with one item for each term that begins.
    pub fn begins(&self) -> impl Stream<Item = ()> + Send + use<> {
        stream::unfold((self.0.clone(), 0), |(mut terms, seen)| async move {
            loop {
                let number = terms.borrow_and_update().number;
                if number != seen {
                    return Some(((), (terms, number)));
                }
                terms.changed().await.ok()?;
            }
        })
    }

    fn rest_of(&self, number: u64) -> Option<Instant> {
        let term = *self.0.borrow();
        term.goes_on().filter(|_| term.number == number)
    }

    /// Waits for the end of the term with this number.
    async fn over(&self, number: u64) {
        let mut terms = self.0.clone();
        loop {
            terms.mark_unchanged();
            let Some(until) = self.rest_of(number) else { return };
            tokio::select! {
                () = sleep_until(until) => {}
                changed = terms.changed() => if changed.is_err() {
                    // The sender is gone, so the term is not extended any more.
                    sleep_until(until).await;
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::{FutureExt, StreamExt};
    use std::future::pending;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn work_goes_on_as_long_as_the_term_is_extended_and_no_longer() {
        let (terms, leadership) = channel();
        assert_eq!(leadership.within(async { 1 }).await, None, "nobody leads at first");
        assert!(terms.extend(Instant::now() + 10 * SECOND));
        assert_eq!(leadership.within(async { 1 }).await, Some(1));
        let began = Instant::now();
        let work = tokio::spawn({
            let leadership = leadership.clone();
            async move { leadership.within(pending::<()>()).await }
        });
        for _ in 0..5 {
            tokio::time::sleep(5 * SECOND).await;
            assert!(!terms.extend(Instant::now() + 10 * SECOND), "the same term");
        }
        assert_eq!(work.await.unwrap(), None);
        assert_eq!(began.elapsed().as_secs(), 35);
        assert!(!leadership.holds());
        assert!(terms.extend(Instant::now() + 10 * SECOND), "a new term");
    }

    #[tokio::test(start_paused = true)]
    async fn giving_up_the_seat_drops_the_work_at_once() {
        let (terms, leadership) = channel();
        assert!(terms.extend(Instant::now() + 10 * SECOND));
        let began = Instant::now();
        let (result, ()) = tokio::join!(leadership.within(pending::<()>()), async { terms.end() });
        assert_eq!((result, began.elapsed()), (None, Duration::ZERO));
    }

    /// When a paused process continues, both an answer and the end of its term are ready. The work must not proceed.
    #[tokio::test(start_paused = true)]
    async fn after_a_pause_the_clock_is_asked_before_the_work_goes_on() {
        let (terms, leadership) = channel();
        assert!(terms.extend(Instant::now() + 10 * SECOND));
        let (answer, answered) = tokio::sync::oneshot::channel();
        let mut is_written = false;
        {
            let mut work = Box::pin(leadership.within(async {
                let () = answered.await.unwrap();
                is_written = true;
            }));
            assert!((&mut work).now_or_never().is_none());
            tokio::time::advance(11 * SECOND).await;
            answer.send(()).unwrap();
            // This also holds if this process leads again. Another process may have led in between.
            assert!(terms.extend(Instant::now() + 10 * SECOND));
            assert_eq!(work.await, None);
        }
        assert!(!is_written);
    }

    #[tokio::test(start_paused = true)]
    async fn every_term_is_announced_once() {
        let (terms, leadership) = channel();
        let mut begins = Box::pin(leadership.begins());
        assert!(begins.next().now_or_never().is_none());
        assert!(terms.extend(Instant::now() + SECOND));
        assert_eq!(begins.next().await, Some(()));
        assert!(!terms.extend(Instant::now() + SECOND));
        assert!(begins.next().now_or_never().is_none());
        terms.end();
        assert!(begins.next().now_or_never().is_none());
        assert!(terms.extend(Instant::now() + SECOND));
        assert_eq!(begins.next().await, Some(()));
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_nobody_leads_for_ever() {
        let leadership = Leadership::forever();
        tokio::time::advance(Duration::from_secs(60 * 60 * 24 * 365)).await;
        assert!(leadership.holds());
        assert_eq!(leadership.within(tokio::time::sleep(SECOND)).await, Some(()));
    }
}
