//! A loop that looks at one key at a time, when something about it changed.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

use crate::http::Failure;
use crate::server::Inner;
use crate::store::Event;

const FIRST_RETRY: Duration = Duration::from_millis(50);
const LONGEST_RETRY: Duration = Duration::from_secs(30);

/// What one controller does.
pub(super) trait Controller: Send + Sync + Sized + 'static {
    type Key: Ord + Clone + Send + Sync + std::fmt::Debug;
    const NAME: &'static str;

    /// Returns the keys to look at when nothing is known yet, and when changes were missed.
    fn all(&mut self, server: &Inner) -> Vec<Self::Key>;

    /// Returns the keys that a change is about.
    fn keys(&mut self, server: &Inner, resource: &str, event: &Event) -> Vec<Self::Key>;

    /// Brings one key to its wanted state. Repeating it is harmless.
    fn reconcile(
        &mut self,
        server: &Arc<Inner>,
        key: &Self::Key,
    ) -> impl Future<Output = Result<Option<Duration>, Failure>> + Send;
}

/// Starts a controller as a task of the server.
pub(super) fn spawn<C: Controller>(server: &Arc<Inner>, controller: C) {
    // Subscribed here: no change between now and the task's first look is missed.
    let feed = server.store.feed();
    let task = run(server.clone(), controller, feed);
    server.tasks.spawn(task);
}

async fn run<C: Controller>(
    server: Arc<Inner>,
    mut controller: C,
    mut feed: tokio::sync::broadcast::Receiver<(Arc<str>, Arc<Event>)>,
) {
    let mut ready: BTreeSet<C::Key> = controller.all(&server).into_iter().collect();
    let mut later: BTreeSet<(Instant, C::Key)> = BTreeSet::new();
    let mut failures: BTreeMap<C::Key, u32> = BTreeMap::new();
    loop {
        // Changes first: many of one object are looked at once.
        loop {
            match feed.try_recv() {
                Ok((resource, event)) => ready.extend(controller.keys(&server, &resource, &event)),
                Err(tokio::sync::broadcast::error::TryRecvError::Lagged(_)) => {
                    ready.extend(controller.all(&server));
                }
                Err(_) => break,
            }
        }
        let now = Instant::now();
        while let Some((_, key)) = later.first().filter(|(at, _)| *at <= now).cloned() {
            later.pop_first();
            ready.insert(key);
        }
        if server.shutdown.is_cancelled() {
            return;
        }
        if let Some(key) = ready.pop_first() {
            let again = match controller.reconcile(&server, &key).await {
                Ok(again) => {
                    failures.remove(&key);
                    again
                }
                Err(failure) => {
                    let count = failures.entry(key.clone()).or_default();
                    *count += 1;
                    tracing::debug!(controller = C::NAME, ?key, failure = failure.message, "will try again");
                    Some((FIRST_RETRY * 2u32.saturating_pow((*count).min(10))).min(LONGEST_RETRY))
                }
            };
            if let Some(delay) = again {
                later.insert((Instant::now() + delay, key));
            }
            continue;
        }
        let next = later.first().map(|(at, _)| *at);
        tokio::select! {
            () = server.shutdown.cancelled() => return,
            received = feed.recv() => match received {
                Ok((resource, event)) => ready.extend(controller.keys(&server, &resource, &event)),
                Err(RecvError::Lagged(_)) => ready.extend(controller.all(&server)),
                // The server holds the sender.
                Err(RecvError::Closed) => return,
            },
            () = tokio::time::sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {}
        }
    }
}
