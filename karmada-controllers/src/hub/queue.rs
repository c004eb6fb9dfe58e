//! A work queue: each key at most once waiting and at most once in work.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap, HashSet, VecDeque};
use std::fmt::Debug;
use std::hash::Hash;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::rates::{Bucket, RetryLimits};

/// Failures in a row after which a key is not expected to succeed soon.
const STUCK_AFTER: u32 = 8;
/// Keys that are served before one that can wait gets its turn all the same.
const PASSED_OVER: u32 = 7;
/// A delay up to this long is part of the work, a longer one is waiting for something to change.
const SOON: Duration = Duration::from_secs(1);

/// Who is served first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// Before all that can wait.
    Normal,
    /// When nothing else waits, and now and then while much does.
    CanWait,
}

/// What a queue holds at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueLoad {
    /// Keys that wait for a worker.
    pub waiting: usize,
    pub in_work: usize,
    /// Keys that wait for a delay to pass.
    pub delayed: usize,
    /// Keys whose last try failed.
    pub failing: usize,
    /// Keys that failed so often that they are not expected to succeed by themselves.
    pub stuck: usize,
    /// Whether a delay ends soon.
    pub has_more_soon: bool,
}

impl QueueLoad {
    /// Whether there is work that is expected to come to an end.
    pub fn is_busy(&self) -> bool {
        self.waiting > 0 || self.in_work > 0 || self.has_more_soon || self.failing > self.stuck
    }
}

#[derive(Debug)]
struct State<T> {
    ready: VecDeque<T>,
    /// Keys that are served when `ready` is empty; those no longer in `idle_keys` are stale.
    idle: VecDeque<T>,
    idle_keys: HashSet<T>,
    /// Keys served since one could have been that can wait.
    passed_over: u32,
    /// Keys in `ready` or `idle`, and keys that changed while in work.
    dirty: HashSet<T>,
    in_work: HashSet<T>,
    delayed: BinaryHeap<Reverse<(Instant, T)>>,
    /// Earliest pending delay of each key, so that a sooner request is not lost and a later one adds nothing.
    due: HashMap<T, Instant>,
    failures: HashMap<T, u32>,
    limits: RetryLimits,
    bucket: Option<Bucket>,
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
                idle: VecDeque::new(),
                idle_keys: HashSet::new(),
                passed_over: 0,
                dirty: HashSet::new(),
                in_work: HashSet::new(),
                delayed: BinaryHeap::new(),
                due: HashMap::new(),
                failures: HashMap::new(),
                limits: RetryLimits::default(),
                bucket: None,
                closed: false,
            }),
            changed: Notify::new(),
        }
    }

    /// Sets when keys that failed are tried again.
    pub fn set_limits(&self, limits: RetryLimits) {
        let mut state = self.state.lock();
        state.bucket = limits.rate.map(Bucket::new);
        state.limits = limits;
    }

    /// Hands `key` to a worker as soon as one is free.
    pub fn add(&self, key: T) {
        self.add_with(key, Urgency::Normal);
    }

    /// Hands `key` to a worker as soon as one is free for keys of this urgency.
    ///
    /// A key that waits and is added with more urgency gets it.
    pub fn add_with(&self, key: T, urgency: Urgency) {
        if Self::push(&mut self.state.lock(), key, urgency) {
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
        let (failures, delay) = {
            let mut state = self.state.lock();
            let failures = state.failures.entry(key.clone()).or_default();
            *failures = failures.saturating_add(1);
            let failures = *failures;
            let turn = state.bucket.as_ref().map_or(Duration::ZERO, Bucket::reserve);
            (failures, state.limits.backoff(failures).max(turn))
        };
        self.add_after(key, delay);
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
                if let Some(key) = Self::pop(&mut state) {
                    state.dirty.remove(&key);
                    state.in_work.insert(key.clone());
                    let more = !state.ready.is_empty() || !state.idle_keys.is_empty();
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
        state.idle.clear();
        state.idle_keys.clear();
        state.delayed.clear();
        drop(state);
        self.changed.notify_waiters();
        // A worker that is just about to wait holds no registration yet.
        self.changed.notify_one();
    }

    /// Number of keys that wait or are in work, delayed ones left out.
    pub fn depth(&self) -> usize {
        let state = self.state.lock();
        state.ready.len() + state.idle_keys.len() + state.in_work.len()
    }

    /// Returns what the queue holds now.
    pub fn load(&self) -> QueueLoad {
        let state = self.state.lock();
        if state.closed {
            return QueueLoad::default();
        }
        let soon = Instant::now() + SOON;
        let is_failing = |key: &T| state.failures.contains_key(key);
        QueueLoad {
            waiting: state.ready.len() + state.idle_keys.len(),
            in_work: state.in_work.len(),
            delayed: state.due.len(),
            failing: state.failures.len(),
            stuck: state.failures.values().filter(|failures| **failures >= STUCK_AFTER).count(),
            has_more_soon: state.due.iter().any(|(key, at)| *at <= soon && !is_failing(key)),
        }
    }

    /// Keys that fail, with how often they did in a row.
    pub fn failing_keys(&self) -> Vec<(T, u32)> {
        self.state.lock().failures.iter().map(|(key, failures)| (key.clone(), *failures)).collect()
    }

    /// Keys that wait for a delay to pass, in order.
    pub fn delayed_keys(&self) -> BTreeSet<T> {
        self.state.lock().due.keys().cloned().collect()
    }

    /// Returns whether a waiting worker has something new to do.
    fn push(state: &mut State<T>, key: T, urgency: Urgency) -> bool {
        if state.closed {
            return false;
        }
        if !state.dirty.insert(key.clone()) {
            if urgency == Urgency::Normal && state.idle_keys.remove(&key) {
                state.ready.push_back(key);
            }
            return false;
        }
        state.due.remove(&key);
        if state.in_work.contains(&key) {
            return false;
        }
        match urgency {
            Urgency::Normal => state.ready.push_back(key),
            Urgency::CanWait => {
                state.idle_keys.insert(key.clone());
                state.idle.push_back(key);
            }
        }
        true
    }

    fn pop(state: &mut State<T>) -> Option<T> {
        let is_their_turn = !state.idle_keys.is_empty() && state.passed_over >= PASSED_OVER;
        if !is_their_turn && let Some(key) = state.ready.pop_front() {
            state.passed_over = if state.idle_keys.is_empty() { 0 } else { state.passed_over + 1 };
            return Some(key);
        }
        state.passed_over = 0;
        while let Some(key) = state.idle.pop_front() {
            if state.idle_keys.remove(&key) {
                return Some(key);
            }
        }
        None
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
                // What waited already lets those go first that did not.
                Self::push(state, key, Urgency::CanWait);
            }
        }
    }
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

    #[tokio::test]
    async fn what_can_wait_is_served_last_unless_it_becomes_urgent() {
        let queue = WorkQueue::new();
        for key in ["a", "b", "c"] {
            queue.add_with(key, Urgency::CanWait);
        }
        queue.add("urgent");
        queue.add("b");
        assert_eq!(queue.load().waiting, 4);
        for expected in ["urgent", "b", "a", "c"] {
            assert_eq!(queue.next().await, Some(expected));
            queue.done(&expected);
        }
        assert_eq!(queue.load(), QueueLoad::default());
    }

    #[tokio::test]
    async fn what_can_wait_gets_its_turn_while_more_and_more_is_urgent() {
        let queue = WorkQueue::new();
        queue.add_with(0, Urgency::CanWait);
        for key in 1..=20 {
            queue.add(key);
        }
        let mut served = Vec::new();
        for _ in 0..21 {
            served.extend(queue.next().await);
        }
        assert_eq!(served.iter().position(|key| *key == 0), Some(7));
    }

    #[tokio::test(start_paused = true)]
    async fn a_queue_is_busy_until_only_the_hopeless_and_the_far_are_left() {
        let queue = WorkQueue::new();
        queue.add_after("far", Duration::from_mins(5));
        assert!(!queue.load().is_busy());
        for _ in 0..STUCK_AFTER {
            queue.add_failed("hopeless");
            assert!(queue.load().failing == 1);
        }
        assert!(!queue.load().is_busy(), "{:?}", queue.load());
        queue.forget(&"hopeless");
        queue.add("new");
        assert!(queue.load().is_busy());
    }

    #[tokio::test(start_paused = true)]
    async fn retries_of_all_keys_together_keep_to_the_rate() {
        let queue = WorkQueue::new();
        let rate = Some(super::super::Rate { per_second: 1.0, burst: 2 });
        queue.set_limits(RetryLimits { rate, ..RetryLimits::default() });
        for key in 0..4 {
            queue.add_failed(key);
        }
        let start = Instant::now();
        for _ in 0..4 {
            let key = queue.next().await.unwrap();
            queue.done(&key);
        }
        assert!(start.elapsed() >= Duration::from_secs(2), "{:?}", start.elapsed());
    }
}
