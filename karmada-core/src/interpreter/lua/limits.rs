//! What one call may use.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;

/// Tells scripts the time, and the sandbox how long a call takes.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Marks that no time was read in this call yet.
const NOT_STARTED: i64 = i64::MIN;

/// What one call of a script may use.
///
/// Steps end a call at the same place on every machine. Time is the second line of defence: it ends what is slow
/// for other reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LuaLimits {
    /// Instructions; library functions count for what they do.
    pub steps: u64,
    /// Bytes, above what compiled scripts need.
    pub memory: usize,
    /// Time that passes on the clock.
    pub time: Duration,
}

impl Default for LuaLimits {
    fn default() -> Self {
        Self { steps: 20_000_000, memory: 28 << 20, time: Duration::from_millis(900) }
    }
}

/// A limit that a call has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// Too many steps.
    #[error("the script was stopped after {0} steps")]
    Steps(u64),
    /// Too much memory.
    #[error("the script was stopped when it needed more than {0} bytes of memory")]
    Memory(usize),
    /// Too much time.
    #[error("the script was stopped after {0:?}")]
    Time(Duration),
}

/// What is left for the call that runs.
pub(super) struct Budget {
    limits: LuaLimits,
    clock: Clock,
    steps: AtomicI64,
    started: AtomicI64,
}

impl Budget {
    pub(super) fn new(limits: LuaLimits, clock: Clock) -> Self {
        let budget = Self { limits, clock, steps: AtomicI64::new(0), started: AtomicI64::new(NOT_STARTED) };
        budget.start();
        budget
    }

    /// Starts a call.
    pub(super) fn start(&self) {
        self.steps.store(i64::try_from(self.limits.steps).unwrap_or(i64::MAX), Ordering::Relaxed);
        self.started.store(NOT_STARTED, Ordering::Relaxed);
    }

    /// Returns the steps that are left.
    pub(super) fn steps_left(&self) -> u64 {
        u64::try_from(self.steps.load(Ordering::Relaxed)).unwrap_or(0)
    }

    /// Counts steps.
    pub(super) fn charge(&self, steps: u64) -> Result<(), LimitError> {
        let steps = i64::try_from(steps).unwrap_or(i64::MAX);
        // Only the thread that runs the call counts, and it stops at the first error: this cannot underflow.
        let left = self.steps.load(Ordering::Relaxed).saturating_sub(steps);
        self.steps.store(left, Ordering::Relaxed);
        if left < 0 { Err(LimitError::Steps(self.limits.steps)) } else { Ok(()) }
    }

    /// Looks at the clock; the call counts from the first look.
    pub(super) fn check_time(&self) -> Result<(), LimitError> {
        let now = self.now().as_millisecond();
        match self.started.load(Ordering::Relaxed) {
            NOT_STARTED => self.started.store(now, Ordering::Relaxed),
            started => {
                let passed = Duration::from_millis(u64::try_from(now.saturating_sub(started)).unwrap_or(0));
                if passed > self.limits.time {
                    return Err(LimitError::Time(self.limits.time));
                }
            }
        }
        Ok(())
    }

    pub(super) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    pub(super) fn limits(&self) -> &LuaLimits {
        &self.limits
    }
}
