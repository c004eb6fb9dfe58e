//! How long something waits for what is about to come.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// Since when keys wait, none longer than a limit.
#[derive(Debug)]
pub(super) struct Patience<T> {
    limit: Duration,
    since: Mutex<HashMap<T, Instant>>,
}

impl<T: Eq + Hash + Clone> Patience<T> {
    pub(super) fn new(limit: Duration) -> Self {
        Self { limit, since: Mutex::default() }
    }

    /// Returns how long a key should wait on, none if it has waited long enough. Then its next wait is a new one.
    pub(super) fn left(&self, key: &T) -> Option<Duration> {
        let now = Instant::now();
        let mut since = self.since.lock();
        let began = *since.entry(key.clone()).or_insert(now);
        let left = (began + self.limit).saturating_duration_since(now);
        if left.is_zero() {
            since.remove(key);
            return None;
        }
        Some(left)
    }

    /// Ends the wait of a key: there is nothing to wait for.
    pub(super) fn end(&self, key: &T) {
        self.since.lock().remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_key_waits_up_to_the_limit_and_then_anew() {
        let millis = Duration::from_millis;
        let patience = Patience::new(millis(300));
        assert_eq!(patience.left(&"a"), Some(millis(300)));
        tokio::time::advance(millis(200)).await;
        assert_eq!(patience.left(&"a"), Some(millis(100)));
        assert_eq!(patience.left(&"b"), Some(millis(300)));
        tokio::time::advance(millis(100)).await;
        assert_eq!(patience.left(&"a"), None);
        assert_eq!(patience.left(&"a"), Some(millis(300)));
        patience.end(&"b");
        assert_eq!(patience.left(&"b"), Some(millis(300)));
    }
}
