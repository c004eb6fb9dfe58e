//! Workers over a queue, and the tasks of a control plane as a whole.

use std::fmt::{self, Debug, Display};
use std::future::Future;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use super::crew::Crew;
use super::error::chain;
use super::rates::{RetryLimits, Workers};
use super::{QueueLoad, ReconcileError, WorkQueue};
use crate::metrics::Metrics;

/// Failures in a row after which a retry is worth a warning.
const FAILURES_WORTH_A_WARNING: u32 = 3;

/// What to do after a successful reconcile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Wait for the next change.
    Done,
    /// Look again after this time.
    RequeueAfter(Duration),
}

/// What all queues of a runtime and of its children share.
#[derive(Clone, Debug, Default)]
pub struct RuntimeSettings {
    pub retry: RetryLimits,
    pub workers: Workers,
}

/// A queue as those see it who only want to know how full it is.
pub(crate) trait Observed: Send + Sync {
    fn load(&self) -> QueueLoad;
    fn failing_keys(&self) -> Vec<String>;
}

impl<T: Clone + Debug + Display + Eq + Hash + Ord + Send + Sync> Observed for WorkQueue<T> {
    fn load(&self) -> QueueLoad {
        Self::load(self)
    }

    fn failing_keys(&self) -> Vec<String> {
        Self::failing_keys(self).iter().map(|(key, _)| key.to_string()).collect()
    }
}

#[derive(Default)]
struct Shared {
    settings: RuntimeSettings,
    metrics: Metrics,
    queues: Mutex<Vec<(&'static str, Weak<dyn Observed>)>>,
    reconciled: AtomicU64,
}

/// The tasks of a set of controllers: all tracked, all ended by one token.
#[derive(Clone)]
pub struct Runtime {
    tracker: TaskTracker,
    cancel: CancellationToken,
    shared: Arc<Shared>,
}

impl Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("tasks", &self.tracker.len()).finish_non_exhaustive()
    }
}

impl Default for Runtime {
    fn default() -> Self {
        Self::new()
    }
}

impl Runtime {
    /// Makes a runtime without tasks.
    pub fn new() -> Self {
        Self::with_settings(RuntimeSettings::default(), Metrics::default())
    }

    /// Makes a runtime without tasks whose queues have these limits.
    pub fn with_settings(settings: RuntimeSettings, metrics: Metrics) -> Self {
        let shared = Shared { settings, metrics, ..Shared::default() };
        Self { tracker: TaskTracker::new(), cancel: CancellationToken::new(), shared: Arc::new(shared) }
    }

    /// Makes a runtime that ends with this one and can end earlier.
    pub fn child(&self) -> Self {
        Self { tracker: TaskTracker::new(), cancel: self.cancel.child_token(), shared: self.shared.clone() }
    }

    /// Returns what the controllers count.
    pub fn metrics(&self) -> &Metrics {
        &self.shared.metrics
    }

    /// Returns what the queues of this runtime and its children hold, by controller.
    pub fn loads(&self) -> Vec<(&'static str, QueueLoad)> {
        let queues = self.shared.queues.lock();
        queues.iter().filter_map(|(name, queue)| Some((*name, queue.upgrade()?.load()))).collect()
    }

    /// Whether any controller works on a key, or has one that waits for a worker.
    pub(crate) fn is_at_work(&self) -> bool {
        self.loads().iter().any(|(_, load)| load.waiting > 0 || load.in_work > 0)
    }

    /// Returns the keys that fail, by controller.
    pub fn failing(&self) -> Vec<(&'static str, String)> {
        let queues = self.shared.queues.lock();
        let queues = queues.iter().filter_map(|(name, queue)| Some((*name, queue.upgrade()?)));
        queues
            .flat_map(|(name, queue)| queue.failing_keys().into_iter().map(move |key| (name, key)))
            .collect()
    }

    /// Puts a queue on the list of those that are looked at, and gives it the limits of all.
    pub(crate) fn adopt<T>(&self, controller: &'static str, queue: &Arc<WorkQueue<T>>)
    where
        T: Clone + Debug + Display + Eq + Hash + Ord + Send + Sync + 'static,
    {
        queue.set_limits(self.shared.settings.retry);
        let queue: Arc<dyn Observed> = queue.clone();
        self.observe(controller, &queue);
    }

    /// Puts a queue of any form on the list of those that are looked at.
    pub(crate) fn observe(&self, controller: &'static str, queue: &Arc<dyn Observed>) {
        let mut queues = self.shared.queues.lock();
        queues.retain(|(_, queue)| queue.strong_count() > 0);
        queues.push((controller, Arc::downgrade(queue)));
    }

    /// Returns when failed keys are tried again.
    pub(crate) fn retry_limits(&self) -> RetryLimits {
        self.shared.settings.retry
    }

    /// Returns how many keys of a controller are in work at a time, if nothing else was said `by_itself`.
    pub(crate) fn workers(&self, controller: &str, by_itself: usize) -> usize {
        self.shared.settings.workers.of(controller, by_itself)
    }

    /// Returns how many reconciles of this runtime and its relatives have ended.
    pub(crate) fn reconciled(&self) -> u64 {
        self.shared.reconciled.load(Ordering::Relaxed)
    }

    /// Returns the token that ends all tasks.
    pub fn cancellation(&self) -> CancellationToken {
        self.cancel.clone()
    }

    /// Starts a task. It must end soon after the token is cancelled.
    pub fn spawn<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        self.tracker.spawn(future);
    }

    /// Starts a task that may be dropped at any `.await` when the token is cancelled.
    pub fn spawn_cancellable<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        let cancel = self.cancel.clone();
        self.tracker.spawn(async move {
            tokio::select! {
                () = cancel.cancelled() => {}
                () = future => {}
            }
        });
    }

    /// Starts `workers` tasks that reconcile the keys of `queue`.
    ///
    /// A failed key comes again with backoff; a conflict with another writer is no failure
    /// worth telling, for the next try reads the newer state. A reconcile that waits [`aside`](super::aside)
    /// is no work meanwhile.
    pub fn run_queue<T, F, Fut>(
        &self,
        controller: &'static str,
        queue: &Arc<WorkQueue<T>>,
        workers: usize,
        reconcile: F,
    ) where
        T: Clone + Debug + Display + Eq + Hash + Ord + Send + Sync + 'static,
        F: Fn(T) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<Action, ReconcileError>> + Send + 'static,
    {
        self.adopt(controller, queue);
        let crew = {
            let (runtime, queue) = (self.clone(), queue.clone());
            Crew::new(move |crew| {
                let (queue, reconcile, shared) = (queue.clone(), reconcile.clone(), runtime.shared.clone());
                let worker = work(controller, queue, reconcile, shared, crew.clone());
                runtime.spawn_cancellable(crew.work(worker));
            })
        };
        for _ in 0..self.shared.settings.workers.of(controller, workers) {
            crew.hire();
        }
        let queue = queue.clone();
        let cancel = self.cancel.clone();
        self.spawn(async move {
            cancel.cancelled().await;
            queue.close();
        });
    }

    /// Ends all tasks and waits for them.
    pub async fn shutdown(&self) {
        self.cancel.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}

/// Reconciles one key after the other.
async fn work<T, F, Fut>(
    controller: &'static str,
    queue: Arc<WorkQueue<T>>,
    reconcile: F,
    shared: Arc<Shared>,
    crew: Arc<Crew>,
) where
    T: Clone + Debug + Display + Eq + Hash + Ord,
    F: Fn(T) -> Fut,
    Fut: Future<Output = Result<Action, ReconcileError>>,
{
    while let Some(key) = queue.next().await {
        let started = Instant::now();
        let span = tracing::debug_span!("reconcile", controller, %key);
        let result = reconcile(key.clone()).instrument(span).await;
        let outcome = outcome_of(&result);
        shared.metrics.runtime.reconciled(controller, outcome, started.elapsed());
        settle(controller, &queue, key, result);
        shared.reconciled.fetch_add(1, Ordering::Relaxed);
        if crew.is_one_too_many() {
            return;
        }
    }
}

/// Names how a reconcile ended.
fn outcome_of(result: &Result<Action, ReconcileError>) -> &'static str {
    match result {
        Ok(Action::Done) => "success",
        Ok(Action::RequeueAfter(_)) => "requeue_after",
        Err(_) => "error",
    }
}

fn settle<T>(controller: &'static str, queue: &WorkQueue<T>, key: T, result: Result<Action, ReconcileError>)
where
    T: Clone + Debug + Display + Eq + Hash + Ord,
{
    match result {
        Ok(action) => {
            queue.forget(&key);
            if let Action::RequeueAfter(delay) = action {
                queue.add_after(key.clone(), delay);
            }
        }
        Err(error) => {
            let failures = queue.add_failed(key.clone());
            if error.is_conflict() || failures < FAILURES_WORTH_A_WARNING {
                tracing::debug!(controller, %key, failures, error = chain(&error), "will retry");
            } else {
                tracing::warn!(controller, %key, failures, error = chain(&error), "will retry");
            }
        }
    }
    queue.done(&key);
}
