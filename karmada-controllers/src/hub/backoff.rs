//! How long a broken watch waits before it is tried again.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

use kube::runtime::utils::Backoff;

const FIRST: Duration = Duration::from_millis(250);
/// A server that starts again is followed within this time (and half of it more): a watch that is refused first, and then
/// told to list again, waits twice.
const LONGEST: Duration = Duration::from_secs(4);
/// Without an error for this long, the next one is a first one.
const CALM: Duration = Duration::from_secs(20);

/// Delays that double, each longer by a share that the name of the watch decides: watches that broke together do not come
/// back together.
#[derive(Debug)]
pub(super) struct WatchBackoff {
    next: Duration,
    share: f64,
    last: Option<Instant>,
}

impl WatchBackoff {
    /// Returns the delays of a watch.
    pub(super) fn of(name: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        // Of 256 steps, up to a half.
        let [step, ..] = hasher.finish().to_le_bytes();
        Self { next: FIRST, share: 1.0 + f64::from(step) / 512.0, last: None }
    }
}

impl Iterator for WatchBackoff {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let delay = self.next;
        self.next = (delay * 2).min(LONGEST);
        self.last = Some(Instant::now());
        Some(delay.mul_f64(self.share))
    }
}

impl Backoff for WatchBackoff {
    /// Called for everything that is not an error, also what comes before the next error.
    fn reset(&mut self) {
        if self.last.is_some_and(|last| last.elapsed() > CALM) {
            self.next = FIRST;
            self.last = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_a_few_seconds_and_differ_by_name() {
        let delays: Vec<Duration> = WatchBackoff::of("pods").take(20).collect();
        assert!(delays.is_sorted());
        assert!(delays.iter().all(|delay| *delay >= FIRST && *delay <= LONGEST.mul_f64(1.5)), "{delays:?}");
        assert_ne!(WatchBackoff::of("pods").next(), WatchBackoff::of("nodes").next());
    }

    #[test]
    fn a_success_between_errors_does_not_begin_anew() {
        let mut backoff = WatchBackoff::of("pods");
        let first = backoff.next();
        backoff.reset();
        assert!(backoff.next() > first);
    }
}
