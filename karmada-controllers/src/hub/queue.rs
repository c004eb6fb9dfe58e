//! A work queue: each key at most once waiting and at most once in work.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap, HashSet, VecDeque};
use std::fmt::Debug;
use std::hash::Hash;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

/// First delay after a failure; doubled by every further failure of the same key.
const BASE_BACKOFF: Duration = Duration::from_millis(5);
/// Longest delay between two tries of a failing key.
const MAX_BACKOFF: Duration = Duration::from_mins(1);

#[derive(Debug)]
struct State<T> {
    ready: VecDeque<T>,
    /// Keys in `ready`, and keys that changed while in work.
    dirty: HashSet<T>,
    in_work: HashSet<T>,
    delayed: BinaryHeap<Reverse<(Instant, T)>>,
    /// Earliest pending delay of each key, so that a sooner request is not lost and a later one adds nothing.
    due: HashMap<T, Instant>,
    failures: HashMap<T, u32>,
    closed: bool,
}

/// A work queue: each key at most once waiting and at most once in work.
///
/// A key that is added while it is worked on is handed out again afterwards, so no change
/// is lost and no two workers hold the same key.
#[derive(Debug)]
pub struct WorkQueue<T> {
    state: Mutex<State<T>>,
    changed: Notify,
}

impl<T: Clone + Debug + Eq + Hash + Ord> Default for WorkQueue<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Clone + Debug + Eq + Hash + Ord> WorkQueue<T> {
    /// Makes an empty queue.
    pub fn new() -> Self {
        Self {
            state: Mutex::new(State {
                ready: VecDeque::new(),
                dirty: HashSet::new(),
                in_work: HashSet::new(),
                delayed: BinaryHeap::new(),
                due: HashMap::new(),
                failures: HashMap::new(),
                closed: false,
            }),
            changed: Notify::new(),
        }
    }

    /// Hands `key` to a worker as soon as one is free.
    pub fn add(&self, key: T) {
        if Self::push(&mut self.state.lock(), key) {
            self.changed.notify_one();
        }
    }

    /// Hands `key` to a worker after `delay`. A sooner pending delay wins.
    pub fn add_after(&self, key: T, delay: Duration) {
        if delay.is_zero() {
            return self.add(key);
        }
        let at = Instant::now() + delay;
        {
            let mut state = self.state.lock();
            if state.closed || state.due.get(&key).is_some_and(|due| *due <= at) {
                return;
            }
            state.due.insert(key.clone(), at);
            state.delayed.push(Reverse((at, key)));
        }
        self.changed.notify_one();
    }

    /// Hands `key` out again after a delay that doubles with every failure in a row.
    ///
    /// Returns how many failures in a row that makes.
    pub fn add_failed(&self, key: T) -> u32 {
        let failures = {
            let mut state = self.state.lock();
            let failures = state.failures.entry(key.clone()).or_default();
            *failures = failures.saturating_add(1);
            *failures
        };
        self.add_after(key, backoff(failures));
        failures
    }

    /// Ends the row of failures of `key`.
    pub fn forget(&self, key: &T) {
        self.state.lock().failures.remove(key);
    }

    /// Waits for a key. Returns `None` once the queue is closed.
    pub async fn next(&self) -> Option<T> {
        loop {
            let changed = self.changed.notified();
            let wake = {
                let mut state = self.state.lock();
                if state.closed {
                    return None;
                }
                Self::promote_due(&mut state);
                if let Some(key) = state.ready.pop_front() {
                    state.dirty.remove(&key);
                    state.in_work.insert(key.clone());
                    let more = !state.ready.is_empty();
                    drop(state);
                    if more {
                        self.changed.notify_one();
                    }
                    return Some(key);
                }
                state.delayed.peek().map(|Reverse((at, _))| *at)
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

    /// Gives `key` back after work.
    pub fn done(&self, key: &T) {
        let notify = {
            let mut state = self.state.lock();
            state.in_work.remove(key);
            if state.dirty.contains(key) {
                state.ready.push_back(key.clone());
                true
            } else {
                false
            }
        };
        if notify {
            self.changed.notify_one();
        }
    }

    /// Drops all waiting keys and ends all workers.
    pub fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        state.ready.clear();
        state.delayed.clear();
        drop(state);
        self.changed.notify_waiters();
        // A worker that is just about to wait holds no registration yet.
        self.changed.notify_one();
    }

    /// Number of keys that wait or are in work, delayed ones left out.
    pub fn depth(&self) -> usize {
        let state = self.state.lock();
        state.ready.len() + state.in_work.len()
    }

    /// Keys that wait for a delay to pass, in order.
    pub fn delayed_keys(&self) -> BTreeSet<T> {
        self.state.lock().due.keys().cloned().collect()
    }

    /// Returns whether a waiting worker has something new to do.
    fn push(state: &mut State<T>, key: T) -> bool {
        if state.closed || !state.dirty.insert(key.clone()) {
            return false;
        }
        state.due.remove(&key);
        if state.in_work.contains(&key) {
            return false;
        }
        state.ready.push_back(key);
        true
    }

    fn promote_due(state: &mut State<T>) {
        let now = Instant::now();
        while let Some(Reverse((at, _))) = state.delayed.peek() {
            if *at > now {
                break;
            }
            let Some(Reverse((at, key))) = state.delayed.pop() else { break };
            // An entry that a sooner request or a direct add replaced is stale.
            if state.due.get(&key) == Some(&at) {
                state.due.remove(&key);
                Self::push(state, key);
            }
        }
    }
}

fn backoff(failures: u32) -> Duration {
    BASE_BACKOFF
        .saturating_mul(1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX))
        .min(MAX_BACKOFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn hands_a_key_out_once_however_often_it_was_added() {
        let queue = WorkQueue::new();
        queue.add("a");
        queue.add("a");
        queue.add("b");
        assert_eq!(queue.next().await, Some("a"));
        assert_eq!(queue.next().await, Some("b"));
        assert_eq!(queue.depth(), 2);
        queue.done(&"a");
        queue.done(&"b");
        assert_eq!(queue.depth(), 0);
    }

    #[tokio::test]
    async fn a_key_added_during_its_work_comes_again_afterwards_only() {
        let queue = WorkQueue::new();
        queue.add("a");
        assert_eq!(queue.next().await, Some("a"));
        queue.add("a");
        queue.add("b");
        assert_eq!(queue.next().await, Some("b"));
        queue.done(&"a");
        assert_eq!(queue.next().await, Some("a"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_failing_key_waits_twice_as_long_each_time() {
        let queue = WorkQueue::new();
        let start = Instant::now();
        for expected in [5, 15, 35] {
            queue.add_failed("a");
            assert_eq!(queue.next().await, Some("a"));
            queue.done(&"a");
            let elapsed = start.elapsed();
            assert!(
                elapsed >= Duration::from_millis(expected) && elapsed < Duration::from_millis(expected + 4),
                "{elapsed:?}"
            );
        }
        queue.forget(&"a");
        assert_eq!(queue.add_failed("a"), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn the_sooner_of_two_delays_wins_and_the_other_adds_nothing() {
        let queue = WorkQueue::new();
        queue.add_after("a", Duration::from_mins(1));
        queue.add_after("a", Duration::from_secs(1));
        let start = Instant::now();
        assert_eq!(queue.next().await, Some("a"));
        assert!(start.elapsed() < Duration::from_secs(2));
        queue.done(&"a");
        assert!(tokio::time::timeout(Duration::from_mins(2), queue.next()).await.is_err());
    }

    #[tokio::test]
    async fn closing_ends_every_waiting_worker() {
        let queue = std::sync::Arc::new(WorkQueue::<u32>::new());
        let workers: Vec<_> = (0..3)
            .map(|_| {
                tokio::spawn({
                    let queue = queue.clone();
                    async move { queue.next().await }
                })
            })
            .collect();
        tokio::task::yield_now().await;
        queue.close();
        for worker in workers {
            assert_eq!(worker.await.unwrap(), None);
        }
    }

    #[test]
    fn backoff_has_a_limit() {
        assert_eq!(backoff(1), BASE_BACKOFF);
        assert_eq!(backoff(200), MAX_BACKOFF);
    }
}
