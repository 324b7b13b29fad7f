//! Until when this process leads, as far as it can know: work goes on only within a term.
//!
//! Judged by the clock whenever work is about to go on, not by a timer or a message: a process that was paused beyond
//! its term finds that out before it does anything else.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use futures::{Stream, stream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

#[derive(Clone, Copy)]
struct Term {
    /// Counts the terms, from 1.
    number: u64,
    /// Its end, unless it is extended.
    until: Option<Instant>,
}

impl Term {
    fn goes_on(self) -> Option<Instant> {
        self.until.filter(|until| Instant::now() < *until)
    }
}

/// The side that decides on terms.
pub struct TermSender(watch::Sender<Term>);

/// The side that works within them. Clones are the same.
#[derive(Clone)]
pub struct Leadership(watch::Receiver<Term>);

/// No term yet.
#[must_use]
pub fn channel() -> (TermSender, Leadership) {
    let (sender, receiver) = watch::channel(Term { number: 0, until: None });
    (TermSender(sender), Leadership(receiver))
}

impl TermSender {
    /// Leads until then. Says whether that is a new term: where the last one had run out, its work was dropped.
    #[must_use]
    pub fn extend(&self, until: Instant) -> bool {
        let mut is_new = false;
        // Readers judge under the same lock: none can find a term over that is extended here.
        self.0.send_modify(|term| {
            is_new = term.goes_on().is_none();
            *term = Term { number: term.number + u64::from(is_new), until: Some(until) };
        });
        is_new
    }

    /// Does not lead any more.
    pub fn end(&self) {
        self.0.send_modify(|term| term.until = None);
    }
}

impl Leadership {
    /// Of a process that leads without asking anybody.
    #[must_use]
    pub fn forever() -> Self {
        // As far ahead as tokio's own "never".
        let until = Some(Instant::now() + Duration::from_secs(60 * 60 * 24 * 365 * 30));
        Self(watch::channel(Term { number: 0, until }).1)
    }

    /// Whether this process leads now.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.0.borrow().goes_on().is_some()
    }

    /// Works within the term that goes on, if one does. When it is over, the work is dropped where it is.
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

    /// One item for each term that begins.
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

    /// Ends with the term.
    async fn over(&self, number: u64) {
        let mut terms = self.0.clone();
        loop {
            terms.mark_unchanged();
            let Some(until) = self.rest_of(number) else { return };
            tokio::select! {
                () = sleep_until(until) => {}
                changed = terms.changed() => if changed.is_err() {
                    // Nobody is there to extend it any more.
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

    /// A paused process wakes up, and both its answer and the end of its term are there: no more work.
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
            // Even if the next term is ours again: somebody else may have had one in between.
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
