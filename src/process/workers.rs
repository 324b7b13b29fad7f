//! Which pass begins next: the order in which passes get a worker.
//!
//! The controller starts all passes that are due at the same moment, in no order. Each of them waits here. What is urgent goes
//! first, and within a class the oldest. Every fourth worker goes to whoever has waited longest, so no class waits for ever.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use strum::EnumCount;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// How soon a pass begins if others wait too. The first one is the most urgent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, strum::EnumCount)]
pub enum Class {
    /// Somebody waits for it: a deletion or an abort.
    Stop,
    /// A run goes on, and may have ended.
    Run,
    /// A run is to begin.
    Start,
    /// Something that was tried before, or that can wait.
    Other,
}

/// The workers, shared by all passes.
#[derive(Clone, Debug)]
pub struct Workers(Arc<Mutex<State>>);

/// A worker, until it is dropped.
#[derive(Debug)]
pub struct Worker {
    workers: Workers,
    class: Class,
    is_free: bool,
}

#[derive(Debug)]
struct State {
    free: usize,
    /// How many workers do what nobody waits for, and how many may.
    others: usize,
    others_limit: usize,
    waiting: [VecDeque<Waiting>; Class::COUNT],
    /// How many have waited so far, and how many of them have got a worker.
    arrived: u64,
    served: u64,
    is_closed: bool,
}

#[derive(Debug)]
struct Waiting {
    number: u64,
    since: Instant,
    sender: oneshot::Sender<Worker>,
}

/// How often a worker goes to whoever has waited longest.
const EVERY: u64 = 4;

impl Workers {
    /// Keeps a quarter of all workers for stops and for runs that go on, and at least one if there are several.
    #[must_use]
    pub fn new(all: u16) -> Self {
        let state = State {
            free: usize::from(all),
            others: 0,
            others_limit: usize::from(all - kept(all)),
            waiting: Default::default(),
            arrived: 0,
            served: 0,
            is_closed: false,
        };
        Self(Arc::new(Mutex::new(state)))
    }

    /// Waits for a worker. Returns nothing once no more pass is to begin.
    pub async fn begin(&self, class: Class) -> Option<Worker> {
        let receiver = {
            let mut state = self.lock();
            if state.is_closed {
                return None;
            }
            if state.can_begin(class) && state.waiting[class as usize].is_empty() {
                return Some(self.take(&mut state, class));
            }
            let (sender, receiver) = oneshot::channel();
            state.arrived += 1;
            let number = state.arrived;
            state.waiting[class as usize].push_back(Waiting { number, since: Instant::now(), sender });
            receiver
        };
        receiver.await.ok()
    }

    /// Lets no more pass begin. Those that wait end, and those that have begun go on.
    pub fn close(&self) {
        let waiting = {
            let mut state = self.lock();
            state.is_closed = true;
            std::mem::take(&mut state.waiting)
        };
        drop(waiting);
    }

    /// Whether others wait for a worker.
    #[must_use]
    pub fn are_awaited(&self) -> bool {
        self.lock().waiting.iter().any(|waiting| !waiting.is_empty())
    }

    /// Returns how many passes wait for a worker, and for how long the first of them has waited.
    #[must_use]
    pub fn queue(&self) -> (usize, Duration) {
        let state = self.lock();
        // A pass that was dropped while it waited is still there.
        let waiting = || state.waiting.iter().flatten().filter(|waiting| !waiting.sender.is_closed());
        let oldest = waiting().map(|waiting| waiting.since.elapsed()).max();
        (waiting().count(), oldest.unwrap_or_default())
    }

    fn take(&self, state: &mut State, class: Class) -> Worker {
        state.free -= 1;
        state.others += usize::from(class.is_other());
        Worker { workers: self.clone(), class, is_free: false }
    }

    /// Gives free workers to those that wait.
    fn hand_out(&self) {
        loop {
            let (sender, worker) = {
                let mut state = self.lock();
                let Some((class, waiting)) = state.next() else { return };
                (waiting.sender, self.take(&mut state, class))
            };
            // A pass that was dropped while it waited gives its worker back, outside the lock.
            if let Err(mut worker) = sender.send(worker) {
                worker.give_back();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Class {
    const ALL: [Self; Self::COUNT] = [Self::Stop, Self::Run, Self::Start, Self::Other];

    /// Whether it has to leave some of the workers to the others.
    const fn is_other(self) -> bool {
        matches!(self, Self::Start | Self::Other)
    }
}

impl State {
    const fn can_begin(&self, class: Class) -> bool {
        self.free > 0 && (!class.is_other() || self.others < self.others_limit)
    }

    /// Removes the next one that can begin, if there is one.
    fn next(&mut self) -> Option<(Class, Waiting)> {
        let first = |class: &Class| Some((self.waiting[*class as usize].front()?.number, *class));
        let mut can_begin = Class::ALL.into_iter().filter(|class| self.can_begin(*class));
        let class = if (self.served + 1).is_multiple_of(EVERY) {
            can_begin.filter_map(|class| first(&class)).min_by_key(|(number, _)| *number)?.1
        } else {
            can_begin.find_map(|class| first(&class))?.1
        };
        self.served += 1;
        self.waiting[class as usize].pop_front().map(|waiting| (class, waiting))
    }
}

impl Worker {
    fn give_back(&mut self) {
        if !std::mem::replace(&mut self.is_free, true) {
            let mut state = self.workers.lock();
            state.free += 1;
            state.others -= usize::from(self.class.is_other());
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if !self.is_free {
            self.give_back();
            self.workers.hand_out();
        }
    }
}

/// How many of the workers are kept.
fn kept(all: u16) -> u16 {
    if all < 2 { 0 } else { (all / 4).max(1) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;
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
        let taken: Vec<_> = std::iter::from_fn(|| workers.begin(Class::Start).now_or_never().flatten())
            .take(all.into())
            .collect();
        assert_eq!(taken.len(), others);
        let is_urgent_free = workers.begin(Class::Stop).now_or_never().flatten().is_some();
        assert_eq!(is_urgent_free, all > 1);
        drop(taken);
        assert!(workers.begin(Class::Other).now_or_never().is_some(), "a pass that has ended makes room");
    }

    /// Has these wait for one worker, and returns the order in which they got it.
    async fn order(classes: &[(char, Class)]) -> String {
        let workers = Workers::new(1);
        let worker = workers.begin(Class::Other).await;
        let order = Mutex::new(String::new());
        let passes = classes.iter().map(|(name, class)| {
            let (workers, order) = (&workers, &order);
            async move {
                let _worker = workers.begin(*class).await;
                order.lock().unwrap().push(*name);
            }
        });
        let mut passes = Box::pin(futures::future::join_all(passes));
        assert!((&mut passes).now_or_never().is_none(), "nobody begins before the worker is free");
        drop(worker);
        passes.await;
        order.into_inner().unwrap()
    }

    #[tokio::test]
    async fn what_is_urgent_goes_first_and_then_the_oldest() {
        let mixed = [
            ('o', Class::Other),
            ('s', Class::Start),
            ('r', Class::Run),
            ('t', Class::Start),
            ('x', Class::Stop),
            ('q', Class::Run),
        ];
        // The fourth place goes to the one that has waited longest.
        assert_eq!(order(&mixed).await, "xrqost");
    }

    #[tokio::test]
    async fn nobody_waits_for_ever() {
        let mut all = vec![('o', Class::Other)];
        all.extend([('x', Class::Stop); 40]);
        assert!(order(&all).await.find('o').unwrap() < 8);
    }

    #[tokio::test]
    async fn who_leaves_the_queue_costs_no_worker() {
        let workers = Workers::new(1);
        let worker = workers.begin(Class::Stop).await;
        let mut leaves = Box::pin(workers.begin(Class::Stop));
        let mut stays = Box::pin(workers.begin(Class::Start));
        assert!((&mut leaves).now_or_never().is_none() && (&mut stays).now_or_never().is_none());
        assert_eq!(workers.queue().0, 2);
        drop(leaves);
        assert_eq!(workers.queue().0, 1);
        drop(worker);
        let begun = (&mut stays).now_or_never().expect("the worker is free");
        drop(begun);
        assert!(workers.begin(Class::Stop).now_or_never().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn the_age_of_the_queue_is_that_of_who_has_waited_longest() {
        let workers = Workers::new(1);
        assert_eq!(workers.queue(), (0, Duration::ZERO));
        let worker = workers.begin(Class::Stop).await;
        let mut first = Box::pin(workers.begin(Class::Other));
        assert!((&mut first).now_or_never().is_none());
        tokio::time::advance(Duration::from_secs(7)).await;
        let mut second = Box::pin(workers.begin(Class::Stop));
        assert!((&mut second).now_or_never().is_none());
        assert_eq!(workers.queue(), (2, Duration::from_secs(7)));
        drop(worker);
        assert_eq!(workers.queue(), (1, Duration::from_secs(7)), "the urgent one goes first");
    }

    #[tokio::test]
    async fn an_operator_that_stops_begins_no_pass() {
        let workers = Workers::new(1);
        let worker = workers.begin(Class::Start).await;
        let mut waits = Box::pin(workers.begin(Class::Stop));
        assert!((&mut waits).now_or_never().is_none());
        workers.close();
        assert!(waits.await.is_none());
        drop(worker);
        assert!(workers.begin(Class::Stop).await.is_none());
    }

    #[tokio::test]
    async fn who_is_dropped_with_a_worker_gives_it_back() {
        let workers = Workers::new(1);
        let worker = workers.begin(Class::Stop).await;
        let mut waits = Box::pin(workers.begin(Class::Stop));
        assert!((&mut waits).now_or_never().is_none());
        drop(worker);
        drop(waits);
        assert!(workers.begin(Class::Stop).now_or_never().is_some());
    }
}
