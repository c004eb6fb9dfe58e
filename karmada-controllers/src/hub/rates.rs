//! How fast and how many at a time: limits that the queues and clients of a control plane share.

use std::collections::BTreeMap;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// So many a second on average, and so many at once after a pause.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    pub per_second: f64,
    pub burst: u32,
}

/// When a key that failed is tried again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryLimits {
    /// First delay after a failure; doubled by every further failure of the same key.
    pub base: Duration,
    /// Longest delay between two tries of a failing key.
    pub longest: Duration,
    /// Retries of all keys of a queue together.
    pub rate: Option<Rate>,
}

impl Default for RetryLimits {
    fn default() -> Self {
        Self { base: Duration::from_millis(5), longest: Duration::from_mins(1), rate: None }
    }
}

impl RetryLimits {
    /// Returns the delay after so many failures in a row.
    pub(super) fn backoff(&self, failures: u32) -> Duration {
        let doubled = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
        self.base.saturating_mul(doubled).min(self.longest)
    }
}

/// How many keys of a queue are in work at the same time, by the name of its controller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Workers(BTreeMap<&'static str, usize>);

impl Workers {
    /// Sets the number of one controller.
    pub fn set(&mut self, controller: &'static str, workers: usize) {
        self.0.insert(controller, workers.max(1));
    }

    /// Returns the number of one controller, or what it has by itself.
    pub(super) fn of(&self, controller: &str, by_itself: usize) -> usize {
        self.0.get(controller).copied().unwrap_or(by_itself)
    }
}

/// Gives out places in time at a rate.
#[derive(Debug)]
pub(crate) struct Bucket {
    rate: Rate,
    /// When the bucket would be full again, as in a leaky bucket turned around.
    full_at: Mutex<Option<Instant>>,
}

impl Bucket {
    pub(crate) fn new(rate: Rate) -> Self {
        Self { rate, full_at: Mutex::new(None) }
    }

    /// Takes the next place and returns how long it is until then.
    pub(crate) fn reserve(&self) -> Duration {
        let now = Instant::now();
        let interval = Duration::from_secs_f64(1.0 / self.rate.per_second.max(f64::MIN_POSITIVE).max(1e-6));
        let room = interval * self.rate.burst.max(1);
        let mut full_at = self.full_at.lock();
        let after = full_at.unwrap_or(now).max(now) + interval;
        *full_at = Some(after);
        after.saturating_duration_since(now).saturating_sub(room)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_bucket_gives_its_burst_at_once_and_then_one_by_one() {
        let bucket = Bucket::new(Rate { per_second: 10.0, burst: 3 });
        let delays: Vec<u128> = (0..5).map(|_| bucket.reserve().as_millis()).collect();
        assert_eq!(delays, [0, 0, 0, 100, 200]);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(bucket.reserve(), Duration::ZERO);
    }

    #[test]
    fn backoff_doubles_up_to_a_limit() {
        let limits = RetryLimits::default();
        assert_eq!(limits.backoff(1), Duration::from_millis(5));
        assert_eq!(limits.backoff(4), Duration::from_millis(40));
        assert_eq!(limits.backoff(200), Duration::from_mins(1));
    }
}
