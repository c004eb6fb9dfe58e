//! How long a process may write: until another may have taken over its lease.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use parking_lot::{Mutex, RwLock};
use tokio::time::Instant;

/// The time that a process holds a lease for, by its own clock.
///
/// It ends by itself: a process that was stopped for a while finds it over before anything else, also before it finds
/// out who leads now.
#[derive(Clone, Debug, Default)]
pub struct Tenure(Arc<Mutex<Option<Instant>>>);

impl Tenure {
    /// Prolongs the time.
    pub(crate) fn extend(&self, until: Instant) {
        *self.0.lock() = Some(until);
    }

    /// Ends the time at once.
    pub(crate) fn end(&self) {
        *self.0.lock() = None;
    }

    /// Returns when the time ends, if there is any left.
    pub(crate) fn until(&self) -> Option<Instant> {
        self.0.lock().filter(|until| Instant::now() < *until)
    }

    /// Whether there is no time left.
    pub fn is_over(&self) -> bool {
        self.until().is_none()
    }
}

/// What stands before the writes of a set of controllers: they pass while all its leases are held.
///
/// Without a lease everything passes.
#[derive(Clone, Debug, Default)]
pub struct Fence(Arc<RwLock<Vec<Tenure>>>);

/// A write that was kept back.
#[derive(Debug, thiserror::Error)]
#[error("this process no longer holds its lease: nothing more is written")]
pub struct NotLeading;

impl Fence {
    /// Lets writes pass while a lease is held.
    pub fn of(tenure: Tenure) -> Self {
        let fence = Self::default();
        fence.add(tenure);
        fence
    }

    /// Asks for one more lease.
    pub fn add(&self, tenure: Tenure) {
        self.0.write().push(tenure);
    }

    /// Whether writes pass now.
    pub fn is_open(&self) -> bool {
        !self.0.read().iter().any(Tenure::is_over)
    }

    /// Makes a call as long as writes pass.
    ///
    /// The fence is looked at before every step: neither a call that waited for its turn or its connection nor one that was
    /// made before the process was stopped is sent when the time is over.
    ///
    /// # Errors
    /// [`NotLeading`] when the time is over before the call is.
    pub(crate) async fn guard<T>(&self, call: impl Future<Output = T>) -> Result<T, NotLeading> {
        let mut call = pin!(call);
        poll_fn(|context| {
            if self.is_open() { call.as_mut().poll(context).map(Ok) } else { Poll::Ready(Err(NotLeading)) }
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_fence_is_open_while_all_its_leases_are_held() {
        assert!(Fence::default().is_open());
        let (first, second) = (Tenure::default(), Tenure::default());
        let fence = Fence::of(first.clone());
        assert!(!fence.is_open());
        first.extend(Instant::now() + 3 * SECOND);
        assert!(fence.is_open());
        fence.add(second.clone());
        assert!(!fence.is_open());
        second.extend(Instant::now() + SECOND);
        assert!(fence.is_open());
        tokio::time::advance(2 * SECOND).await;
        assert!(!fence.is_open(), "not renewed");
        second.extend(Instant::now() + SECOND);
        assert!(fence.is_open());
        first.end();
        assert!(!fence.is_open());
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_waits_past_the_end_takes_no_further_step() {
        let tenure = Tenure::default();
        let fence = Fence::of(tenure.clone());
        tenure.extend(Instant::now() + 2 * SECOND);
        let call = |wait| async move {
            tokio::time::sleep(wait).await;
            "sent"
        };
        assert_eq!(fence.guard(call(SECOND)).await.unwrap(), "sent");
        assert!(fence.guard(call(5 * SECOND)).await.is_err());
        assert!(fence.guard(std::future::ready(())).await.is_err());
    }
}
