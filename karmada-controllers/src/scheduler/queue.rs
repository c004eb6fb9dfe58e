//! The scheduler's queue: by priority, with a backoff for errors and a waiting room for what found no room.
//!
//! A key is at most once in one of the three pools and at most once in work. Whatever happens to a binding brings it
//! back to the first pool at once.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::hub::{ObjectKey, Observed, QueueLoad, RetryLimits};

/// First delay after an error, doubled by every further one.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);
/// Longest delay after an error.
const LONGEST_BACKOFF: Duration = Duration::from_secs(10);
/// How long a binding that found no room waits, unless something changes before.
const UNSCHEDULABLE_WAIT: Duration = Duration::from_mins(5);
/// First delay after another writer was faster.
const CONFLICT_PAUSE: Duration = Duration::from_millis(5);

/// Who is served first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Order {
    /// The highest priority, then who came first.
    Priority,
    /// Who came first; all failures are tried again by these limits.
    Arrival(RetryLimits),
}

/// What becomes of a binding after its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Settled,
    /// There is too little room for it.
    Unschedulable,
    Failed,
    /// Another writer was faster: the next try reads the newer state.
    Conflict,
}

/// Place in the first pool: priority from high to low, then arrival.
type Place = (Reverse<i32>, u64);

#[derive(Debug, Default)]
struct State {
    active: BTreeMap<Place, ObjectKey>,
    /// Keys in `active`, with their place.
    places: HashMap<ObjectKey, Place>,
    backoff: BTreeMap<(Instant, Place), ObjectKey>,
    backoff_places: HashMap<ObjectKey, (Instant, Place)>,
    unschedulable: HashMap<ObjectKey, (Instant, i32)>,
    /// Keys of `unschedulable` by the end of their wait; an entry with another end is stale.
    unschedulable_ends: VecDeque<(Instant, ObjectKey)>,
    in_work: HashMap<ObjectKey, i32>,
    /// Keys that came again during their work, with their priority.
    again: HashMap<ObjectKey, i32>,
    failures: HashMap<ObjectKey, u32>,
    arrivals: u64,
    closed: bool,
}

/// The scheduler's queue.
#[derive(Debug)]
pub(super) struct ScheduleQueue {
    state: Mutex<State>,
    order: Order,
    changed: Notify,
}

/// How many keys are in each pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pools {
    pub(super) active: usize,
    pub(super) backoff: usize,
    pub(super) unschedulable: usize,
}

impl ScheduleQueue {
    pub(super) fn new(order: Order) -> Self {
        Self { state: Mutex::default(), order, changed: Notify::new() }
    }

    /// Puts a key into the first pool, wherever it is.
    pub(super) fn push(&self, key: ObjectKey, priority: i32) {
        let is_new = {
            let mut state = self.state.lock();
            state.push(key, self.rank(priority))
        };
        if is_new {
            self.changed.notify_one();
        }
    }

    /// Puts all that found no room into the first pool: there may be room now.
    pub(super) fn push_unschedulable(&self) {
        let is_new = {
            let mut state = self.state.lock();
            state.unschedulable_ends.clear();
            let waiting: Vec<_> = state.unschedulable.drain().collect();
            let is_new = !waiting.is_empty();
            for (key, (_, priority)) in waiting {
                state.push(key, priority);
            }
            is_new
        };
        if is_new {
            self.changed.notify_one();
        }
    }

    /// Waits for the next key. Returns `None` once the queue is closed.
    pub(super) async fn next(&self) -> Option<ObjectKey> {
        loop {
            let changed = self.changed.notified();
            let wake = {
                let mut state = self.state.lock();
                if state.closed {
                    return None;
                }
                state.promote(Instant::now());
                if let Some((place, key)) = state.active.pop_first() {
                    state.places.remove(&key);
                    state.in_work.insert(key.clone(), place.0.0);
                    if !state.active.is_empty() {
                        self.changed.notify_one();
                    }
                    return Some(key);
                }
                state.next_deadline()
            };
            match wake {
                Some(at) => tokio::select! {
                    () = changed => {}
                    () = tokio::time::sleep_until(at) => {}
                },
                None => changed.await,
            }
        }
    }

    /// Gives a key back after its turn.
    pub(super) fn done(&self, key: &ObjectKey, next: Next) {
        {
            let mut state = self.state.lock();
            let Some(priority) = state.in_work.remove(key) else { return };
            let failures = if next == Next::Settled {
                state.failures.remove(key);
                0
            } else {
                let failures = state.failures.entry(key.clone()).or_default();
                *failures = failures.saturating_add(1);
                *failures
            };
            let now = Instant::now();
            if let Some(priority) = state.again.remove(key) {
                state.push(key.clone(), priority);
            } else {
                match (next, self.order) {
                    (Next::Settled, _) => {}
                    (Next::Conflict, _) => {
                        state.wait(key, priority, now + doubled(CONFLICT_PAUSE, FIRST_BACKOFF, failures));
                    }
                    (Next::Unschedulable, Order::Priority) => {
                        // It is no error to find no room: the row of failures ends.
                        state.failures.remove(key);
                        let end = now + UNSCHEDULABLE_WAIT;
                        state.unschedulable.insert(key.clone(), (end, priority));
                        state.unschedulable_ends.push_back((end, key.clone()));
                    }
                    (Next::Failed, Order::Priority) => {
                        state.wait(key, priority, now + doubled(FIRST_BACKOFF, LONGEST_BACKOFF, failures));
                    }
                    (Next::Failed | Next::Unschedulable, Order::Arrival(limits)) => {
                        state.wait(key, priority, now + doubled(limits.base, limits.longest, failures));
                    }
                }
            }
        }
        self.changed.notify_one();
    }

    /// Drops all keys and ends all workers.
    pub(super) fn close(&self) {
        *self.state.lock() = State { closed: true, ..State::default() };
        self.changed.notify_waiters();
        // A worker that is just about to wait holds no registration yet.
        self.changed.notify_one();
    }

    /// Returns how many keys are in each pool.
    pub(super) fn pools(&self) -> Pools {
        let state = self.state.lock();
        Pools {
            active: state.active.len(),
            backoff: state.backoff.len(),
            unschedulable: state.unschedulable.len(),
        }
    }

    fn rank(&self, priority: i32) -> i32 {
        match self.order {
            Order::Priority => priority,
            Order::Arrival(_) => 0,
        }
    }
}

impl State {
    /// Returns whether a waiting worker has something new to do.
    fn push(&mut self, key: ObjectKey, priority: i32) -> bool {
        if self.closed {
            return false;
        }
        if self.in_work.contains_key(&key) {
            self.again.insert(key, priority);
            return false;
        }
        self.unschedulable.remove(&key);
        if let Some(place) = self.backoff_places.remove(&key) {
            self.backoff.remove(&place);
        }
        if let Some(place) = self.places.get(&key).copied() {
            if place.0.0 == priority {
                return false;
            }
            // A new priority keeps the time of arrival.
            self.active.remove(&place);
            let place = (Reverse(priority), place.1);
            self.active.insert(place, key.clone());
            self.places.insert(key, place);
            return true;
        }
        self.arrivals += 1;
        let place = (Reverse(priority), self.arrivals);
        self.active.insert(place, key.clone());
        self.places.insert(key, place);
        true
    }

    fn wait(&mut self, key: &ObjectKey, priority: i32, until: Instant) {
        self.arrivals += 1;
        let place = (until, (Reverse(priority), self.arrivals));
        self.backoff.insert(place, key.clone());
        self.backoff_places.insert(key.clone(), place);
    }

    /// Brings what waited long enough back to the first pool.
    fn promote(&mut self, now: Instant) {
        while let Some(entry) = self.backoff.first_entry() {
            let (at, (Reverse(priority), _)) = *entry.key();
            if at > now {
                break;
            }
            let key = entry.remove();
            self.backoff_places.remove(&key);
            self.push(key, priority);
        }
        while let Some((end, key)) = self.unschedulable_ends.front() {
            let waiting = self.unschedulable.get(key).filter(|(known, _)| known == end);
            let priority = match waiting {
                Some(_) if *end > now => break,
                Some((_, priority)) => Some(*priority),
                None => None,
            };
            let Some((_, key)) = self.unschedulable_ends.pop_front() else { break };
            if let Some(priority) = priority {
                self.push(key, priority);
            }
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        let backoff = self.backoff.keys().next().map(|(at, _)| *at);
        let unschedulable = self.unschedulable_ends.front().map(|(end, _)| *end);
        backoff.into_iter().chain(unschedulable).min()
    }
}

impl Observed for ScheduleQueue {
    fn load(&self) -> QueueLoad {
        let state = self.state.lock();
        let soon = Instant::now() + CONFLICT_PAUSE * 100;
        QueueLoad {
            waiting: state.active.len(),
            in_work: state.in_work.len(),
            delayed: state.backoff.len() + state.unschedulable.len(),
            failing: state.failures.len(),
            // A binding that fails says so in its condition; it needs a change, not a wait.
            stuck: state.failures.len(),
            has_more_soon: state.backoff.keys().any(|(at, _)| *at <= soon),
        }
    }

    fn failing_keys(&self) -> Vec<String> {
        self.state.lock().failures.keys().map(ToString::to_string).collect()
    }
}

fn doubled(first: Duration, longest: Duration, failures: u32) -> Duration {
    let factor = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
    first.saturating_mul(factor).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> ObjectKey {
        ObjectKey::new("ns", name)
    }

    async fn take(queue: &ScheduleQueue) -> String {
        queue.next().await.unwrap().name
    }

    #[tokio::test]
    async fn the_highest_priority_is_served_first_and_equals_by_arrival() {
        let queue = ScheduleQueue::new(Order::Priority);
        for (name, priority) in [("a", 0), ("b", 5), ("c", 0), ("d", 9), ("e", 5)] {
            queue.push(key(name), priority);
        }
        // A change of the priority keeps the time of arrival.
        queue.push(key("c"), 5);
        let mut order = Vec::new();
        for _ in 0..5 {
            order.push(take(&queue).await);
        }
        assert_eq!(order, ["d", "b", "c", "e", "a"]);
    }

    #[tokio::test]
    async fn without_the_gate_arrival_alone_counts() {
        let queue = ScheduleQueue::new(Order::Arrival(RetryLimits::default()));
        for (name, priority) in [("a", 0), ("b", 5), ("c", 9)] {
            queue.push(key(name), priority);
        }
        let order = [take(&queue).await, take(&queue).await, take(&queue).await];
        assert_eq!(order, ["a", "b", "c"]);
    }

    #[tokio::test(start_paused = true)]
    async fn errors_wait_a_second_then_two_up_to_ten() {
        let queue = ScheduleQueue::new(Order::Priority);
        queue.push(key("a"), 0);
        let mut waits = Vec::new();
        for _ in 0..6 {
            let start = Instant::now();
            let taken = queue.next().await.unwrap();
            waits.push(start.elapsed().as_secs());
            queue.done(&taken, Next::Failed);
        }
        assert_eq!(waits, [0, 1, 2, 4, 8, 10]);
        assert_eq!(queue.pools(), Pools { active: 0, backoff: 1, unschedulable: 0 });
        queue.next().await.unwrap();
        queue.done(&key("a"), Next::Settled);
        assert_eq!(queue.load(), QueueLoad::default());
    }

    #[tokio::test(start_paused = true)]
    async fn what_finds_no_room_waits_five_minutes_or_for_a_change() {
        let queue = ScheduleQueue::new(Order::Priority);
        queue.push(key("a"), 0);
        let start = Instant::now();
        let taken = queue.next().await.unwrap();
        queue.done(&taken, Next::Unschedulable);
        assert_eq!(queue.pools().unschedulable, 1);
        assert!(!queue.load().is_busy());
        queue.next().await.unwrap();
        assert_eq!(start.elapsed().as_secs(), 300);
        queue.done(&taken, Next::Unschedulable);
        queue.push_unschedulable();
        queue.next().await.unwrap();
        assert_eq!(start.elapsed().as_secs(), 300);
        queue.done(&taken, Next::Unschedulable);
        queue.push(key("a"), 1);
        queue.next().await.unwrap();
        assert_eq!(start.elapsed().as_secs(), 300);
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_ends_a_backoff_and_a_key_in_work_comes_again() {
        let queue = ScheduleQueue::new(Order::Priority);
        queue.push(key("a"), 0);
        let start = Instant::now();
        let taken = queue.next().await.unwrap();
        queue.push(key("a"), 0);
        assert_eq!(queue.pools().active, 0, "not twice in work");
        queue.done(&taken, Next::Failed);
        assert_eq!(queue.next().await, Some(key("a")));
        queue.done(&taken, Next::Failed);
        queue.push(key("a"), 0);
        assert_eq!(queue.next().await, Some(key("a")));
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test]
    async fn closing_ends_every_waiting_worker() {
        let queue = std::sync::Arc::new(ScheduleQueue::new(Order::Priority));
        let worker = tokio::spawn({
            let queue = queue.clone();
            async move { queue.next().await }
        });
        tokio::task::yield_now().await;
        queue.close();
        assert_eq!(worker.await.unwrap(), None);
        queue.push(key("late"), 0);
        assert_eq!(queue.pools().active, 0);
    }
}
