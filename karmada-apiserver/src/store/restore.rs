//! Putting a backup in the place of everything that a store holds, while it runs.

use std::collections::HashMap;
use std::sync::Arc;

use super::engine::{Attempt, Shared, Store};
use super::error::WriteError;
use super::object::Stored;
use super::snapshot::Backup;
use super::writer::Accepted;

/// Revisions that are skipped: a server that has died since the backup may have used as many, and clients
/// that saw them must not take new ones for them. The number is the one etcd's documentation advises.
const SKIPPED: u64 = 1_000_000_000;

/// What a restore did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    pub created: usize,
    pub changed: usize,
    pub removed: usize,
    pub unchanged: usize,
    /// Revision of the store afterwards.
    pub revision: u64,
}

impl Store {
    /// Makes the store hold exactly what a backup holds, by one transaction: all of it or nothing.
    ///
    /// Objects that differ get new revisions and watchers see them change; those that are as in the backup
    /// are left alone. Other writes wait until it is done.
    ///
    /// # Errors
    /// When the store cannot write.
    pub async fn restore(&self, backup: &Backup) -> Result<Restored, WriteError> {
        let mut exclusive = Exclusive { shared: &self.inner.shared, held: false };
        let mut restored = Restored::default();
        self.when_free(|| exclusive.attempt(backup, &mut restored)).await?;
        Ok(restored)
    }
}

/// Keeps new writes from being accepted until those under way are done.
struct Exclusive<'a> {
    shared: &'a Shared,
    held: bool,
}

impl Exclusive<'_> {
    fn attempt(&mut self, backup: &Backup, restored: &mut Restored) -> Result<Attempt, WriteError> {
        let mut sequencer = self.shared.sequencer.lock();
        if sequencer.closed {
            return Err(WriteError::Closed);
        }
        if sequencer.exclusive && !self.held {
            return Ok(Attempt::Busy);
        }
        sequencer.exclusive = true;
        self.held = true;
        if !sequencer.pending.is_empty() {
            return Ok(Attempt::Busy);
        }
        // What is visible now is what is there, and stays it: nothing is on its way and the lock is held.
        let floor = sequencer.revision.max(backup.revision.saturating_add(SKIPPED));
        let (writes, done) = changes(self.shared, backup, floor);
        let revision = floor + writes.len() as u64;
        *restored = Restored { revision, ..done };
        sequencer.revision = revision;
        self.shared.accept(&mut sequencer, writes, Some(floor))
    }
}

impl Drop for Exclusive<'_> {
    fn drop(&mut self) {
        if self.held {
            self.shared.sequencer.lock().exclusive = false;
            self.shared.released.notify_waiters();
        }
    }
}

fn changes(shared: &Shared, backup: &Backup, mut revision: u64) -> (Vec<Accepted>, Restored) {
    let mut restored = Restored::default();
    let mut there: HashMap<(Arc<str>, String), Arc<Stored>> = HashMap::new();
    for (resource, objects) in shared.everything() {
        there.extend(objects.into_iter().map(|object| ((resource.clone(), object.key()), object)));
    }
    let mut writes = Vec::new();
    let mut next = || {
        revision += 1;
        revision
    };
    for (resource, draft) in &backup.objects {
        let place = (resource.clone(), draft.key());
        match there.remove(&place) {
            Some(current) if draft.is_same(&current) => {
                restored.unchanged += 1;
                continue;
            }
            Some(_) => restored.changed += 1,
            None => restored.created += 1,
        }
        let (resource, key) = place;
        writes.push(Accepted { resource, key, stored: draft.seal(next()), remove: false });
    }
    let mut gone: Vec<_> = there.into_iter().collect();
    gone.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
    restored.removed = gone.len();
    for ((resource, key), last) in gone {
        writes.push(Accepted { resource, key, stored: last.at_revision(next()), remove: true });
    }
    (writes, restored)
}
