//! Workers of a queue, and how one of them steps aside while it waits for somebody slow.

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;

/// Keys of one queue that may wait aside at a time; further ones hold their workers.
const ASIDE: usize = 256;
/// What comes within this time is waited for in place.
const GRACE: Duration = Duration::from_millis(10);

tokio::task_local! {
    static CREW: Arc<Crew>;
}

/// The workers of a queue.
pub(super) struct Crew {
    start: Box<dyn Fn(Arc<Self>) + Send + Sync>,
    /// Workers that are to go when they have done their key: those they stood in for are back.
    surplus: AtomicUsize,
    places: Semaphore,
}

impl fmt::Debug for Crew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Crew").field("surplus", &self.surplus).finish_non_exhaustive()
    }
}

impl Crew {
    /// Makes a crew without workers; `start` starts one that works within [`Crew::work`].
    pub(super) fn new(start: impl Fn(Arc<Self>) + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { start: Box::new(start), surplus: AtomicUsize::new(0), places: Semaphore::new(ASIDE) })
    }

    /// Starts a worker.
    pub(super) fn hire(self: &Arc<Self>) {
        (self.start)(self.clone());
    }

    /// Runs a worker of this crew.
    pub(super) fn work<F: Future>(self: Arc<Self>, worker: F) -> impl Future<Output = F::Output> {
        CREW.scope(self, worker)
    }

    /// Whether a worker that has just done a key is one too many. It must go then.
    pub(super) fn is_one_too_many(&self) -> bool {
        let fewer = |surplus: usize| surplus.checked_sub(1);
        self.surplus.fetch_update(Ordering::AcqRel, Ordering::Acquire, fewer).is_ok()
    }
}

/// Counts its worker as back, however the waiting ended.
struct Back<'a>(&'a Crew);

impl Drop for Back<'_> {
    fn drop(&mut self) {
        self.0.surplus.fetch_add(1, Ordering::AcqRel);
    }
}

/// Waits for something that may take long and costs nothing here, while another worker takes the next key.
///
/// The key stays in work. Outside of a queue's worker it is waited for as ever.
pub(crate) async fn aside<F: Future>(waiting: F) -> F::Output {
    let mut waiting = pin!(waiting);
    let Ok(crew) = CREW.try_with(Arc::clone) else { return waiting.await };
    if let Ok(done) = tokio::time::timeout(GRACE, waiting.as_mut()).await {
        return done;
    }
    let Ok(_place) = crew.places.try_acquire() else { return waiting.await };
    crew.hire();
    let _back = Back(&crew);
    waiting.await
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;
    use tokio::sync::watch;

    use super::*;
    use crate::hub::{Action, Runtime, WorkQueue};

    #[tokio::test(start_paused = true)]
    async fn those_who_wait_aside_hold_up_nobody_and_come_back() {
        const WORKERS: usize = 2;
        let runtime = Runtime::new();
        let queue: Arc<WorkQueue<u32>> = Arc::default();
        let (answer, asked) = watch::channel(false);
        let done = Arc::new(Mutex::new(Vec::new()));
        let (most, working) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        {
            let (done, most, working) = (done.clone(), most.clone(), working.clone());
            runtime.run_queue("test", &queue, WORKERS, move |key| {
                let (done, mut asked) = (done.clone(), asked.clone());
                let (most, working) = (most.clone(), working.clone());
                async move {
                    if key < 10 {
                        drop(aside(asked.wait_for(|answered| *answered)).await);
                    }
                    // Those who wait in here are workers in the full sense.
                    let now = working.fetch_add(1, Ordering::SeqCst) + 1;
                    most.fetch_max(now, Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    working.fetch_sub(1, Ordering::SeqCst);
                    done.lock().push(key);
                    Ok(Action::Done)
                }
            });
        }
        (0..20).for_each(|key| queue.add(key));
        tokio::time::sleep(Duration::from_mins(1)).await;
        assert_eq!(*done.lock(), (10..20).collect::<Vec<_>>());
        assert_eq!(most.load(Ordering::SeqCst), WORKERS);

        // Afterwards there are as many workers as before.
        answer.send_replace(true);
        tokio::time::sleep(Duration::from_mins(1)).await;
        assert_eq!(done.lock().len(), 20);
        most.store(0, Ordering::SeqCst);
        (20..60).for_each(|key| queue.add(key));
        tokio::time::sleep(Duration::from_mins(5)).await;
        assert_eq!(done.lock().len(), 60);
        (60..90).for_each(|key| queue.add(key));
        most.store(0, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_mins(5)).await;
        assert_eq!((done.lock().len(), most.load(Ordering::SeqCst)), (90, WORKERS));
        runtime.shutdown().await;
    }
}
