//! A cursor into the changes of one resource.

use std::sync::Arc;

use tokio::sync::watch;

use super::resource::{Event, Expired, Resource};

/// Reads the changes of one resource in order, starting after a revision.
///
/// A watcher holds no queue: it never slows a writer, and is told [`Expired`] when it falls behind the history.
#[derive(Debug)]
pub struct Watcher {
    resource: Arc<Resource>,
    changed: watch::Receiver<u64>,
    revision: u64,
}

impl Watcher {
    pub(super) fn new(resource: Arc<Resource>, revision: u64) -> Self {
        let changed = resource.subscribe();
        Self { resource, changed, revision }
    }

    /// Returns the changes that are there, without waiting.
    pub fn drain(&mut self) -> Result<Vec<Arc<Event>>, Expired> {
        self.changed.mark_unchanged();
        let events = self.resource.events_after(self.revision)?;
        if let Some(last) = events.last() {
            self.revision = last.revision();
        }
        Ok(events)
    }

    /// Waits until there is at least one change. Can be dropped at any time without losing one.
    pub async fn next(&mut self) -> Result<Vec<Arc<Event>>, Expired> {
        loop {
            let events = self.drain()?;
            if !events.is_empty() {
                return Ok(events);
            }
            if self.changed.changed().await.is_err() {
                // The sender lives in `self.resource`: this cannot happen, and waiting is the safe answer.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Returns the revision of the last change that was read.
    pub fn revision(&self) -> u64 {
        self.revision
    }
}
