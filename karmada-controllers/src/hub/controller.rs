//! Workers over a queue, and the tasks of a control plane as a whole.

use std::fmt::{Debug, Display};
use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use super::error::chain;
use super::{ReconcileError, WorkQueue};

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

/// The tasks of a set of controllers: all tracked, all ended by one token.
#[derive(Clone, Debug)]
pub struct Runtime {
    tracker: TaskTracker,
    cancel: CancellationToken,
}

impl Default for Runtime {
    fn default() -> Self {
        Self::new()
    }
}

impl Runtime {
    /// Makes a runtime without tasks.
    pub fn new() -> Self {
        Self { tracker: TaskTracker::new(), cancel: CancellationToken::new() }
    }

    /// Makes a runtime that ends with this one and can end earlier.
    pub fn child(&self) -> Self {
        Self { tracker: TaskTracker::new(), cancel: self.cancel.child_token() }
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
    /// worth telling, for the next try reads the newer state.
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
        for _ in 0..workers {
            let queue = queue.clone();
            let reconcile = reconcile.clone();
            self.spawn_cancellable(async move {
                while let Some(key) = queue.next().await {
                    let span = tracing::debug_span!("reconcile", controller, %key);
                    let result = reconcile(key.clone()).instrument(span).await;
                    settle(controller, &queue, key, result);
                }
            });
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
