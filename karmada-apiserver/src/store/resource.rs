//! The objects of one resource and the ring of its latest changes.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use parking_lot::RwLock;
use tokio::sync::watch;

use super::object::Stored;

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    Added,
    Modified,
    Deleted,
}

/// One change of one object.
#[derive(Clone, Debug)]
pub struct Event {
    pub kind: EventKind,
    /// The new state; for a deletion the last state, under the revision of the deletion.
    pub object: Arc<Stored>,
    pub previous: Option<Arc<Stored>>,
}

/// The history that was asked for is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("revision {requested} is older than the history, which starts after {oldest}")]
pub struct Expired {
    pub requested: u64,
    pub oldest: u64,
}

/// A part of a resource at one revision.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// A revision at which exactly these objects existed.
    pub revision: u64,
    pub objects: Vec<Arc<Stored>>,
}

#[derive(Debug)]
pub(super) struct Resource {
    state: RwLock<State>,
    changed: watch::Sender<u64>,
}

#[derive(Debug)]
struct State {
    objects: BTreeMap<Box<str>, Arc<Stored>>,
    ring: VecDeque<Arc<Event>>,
    ring_bytes: usize,
    ring_limit: usize,
    /// Changes up to this revision are not in the ring.
    floor: u64,
    /// Revision of the latest change.
    latest: u64,
}

impl Event {
    pub fn revision(&self) -> u64 {
        self.object.revision()
    }

    fn size(&self) -> usize {
        // The previous state is the object of an earlier event, mostly; counting the new one counts each once.
        self.object.size() + 64
    }
}

impl Resource {
    pub(super) fn new(floor: u64, ring_limit: usize) -> Self {
        Self {
            state: RwLock::new(State {
                objects: BTreeMap::new(),
                ring: VecDeque::new(),
                ring_bytes: 0,
                ring_limit,
                floor,
                latest: floor,
            }),
            changed: watch::Sender::new(floor),
        }
    }

    /// Puts an object from the disk into the index, without an event.
    pub(super) fn load(&self, stored: Stored) {
        self.state.write().objects.insert(stored.key().into(), Arc::new(stored));
    }

    pub(super) fn get(&self, key: &str) -> Option<Arc<Stored>> {
        self.state.read().objects.get(key).cloned()
    }

    pub(super) fn len(&self) -> usize {
        self.state.read().objects.len()
    }

    /// Applies a committed change and wakes the watchers.
    pub(super) fn apply(&self, key: &str, stored: Stored, deleted: bool) -> Arc<Event> {
        let object = Arc::new(stored);
        let mut state = self.state.write();
        let previous = if deleted {
            state.objects.remove(key)
        } else {
            state.objects.insert(key.into(), object.clone())
        };
        let kind = match (&previous, deleted) {
            (_, true) => EventKind::Deleted,
            (Some(_), false) => EventKind::Modified,
            (None, false) => EventKind::Added,
        };
        let revision = object.revision();
        let event = Arc::new(Event { kind, object, previous });
        state.latest = revision;
        state.ring_bytes += event.size();
        state.ring.push_back(event.clone());
        while state.ring_bytes > state.ring_limit && state.ring.len() > 1 {
            state.drop_oldest();
        }
        drop(state);
        self.changed.send_replace(revision);
        event
    }

    /// Lists the objects whose key starts with `prefix` and comes after `after`, at most `limit` of them.
    ///
    /// `current` is the store's revision, read by the caller before this call.
    pub(super) fn list(&self, prefix: &str, current: u64) -> Listing {
        let state = self.state.read();
        Listing { revision: state.latest.max(current), objects: state.range(prefix).cloned().collect() }
    }

    /// Lists the objects as they were at `revision`.
    pub(super) fn list_at(&self, prefix: &str, revision: u64) -> Result<Listing, Expired> {
        let state = self.state.read();
        if revision < state.floor {
            return Err(Expired { requested: revision, oldest: state.floor });
        }
        let mut objects: BTreeMap<String, Arc<Stored>> =
            state.range(prefix).map(|object| (object.key(), object.clone())).collect();
        for event in state.ring.iter().rev().take_while(|event| event.revision() > revision) {
            let key = event.object.key();
            if !key.starts_with(prefix) {
                continue;
            }
            match &event.previous {
                Some(previous) => objects.insert(key, previous.clone()),
                None => objects.remove(&key),
            };
        }
        Ok(Listing { revision, objects: objects.into_values().collect() })
    }

    /// Returns the changes after a revision, oldest first.
    pub(super) fn events_after(&self, revision: u64) -> Result<Vec<Arc<Event>>, Expired> {
        let state = self.state.read();
        if revision < state.floor {
            return Err(Expired { requested: revision, oldest: state.floor });
        }
        let start = state.ring.partition_point(|event| event.revision() <= revision);
        Ok(state.ring.range(start..).cloned().collect())
    }

    /// Forgets the history up to now.
    pub(super) fn compact(&self) {
        let mut state = self.state.write();
        while !state.ring.is_empty() {
            state.drop_oldest();
        }
    }

    /// Raises the point before which history is gone. Used with an empty ring.
    pub(super) fn raise_floor(&self, revision: u64) {
        let mut state = self.state.write();
        state.floor = state.floor.max(revision);
        state.latest = state.latest.max(revision);
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}

impl State {
    fn drop_oldest(&mut self) {
        if let Some(event) = self.ring.pop_front() {
            self.ring_bytes = self.ring_bytes.saturating_sub(event.size());
            self.floor = event.revision();
        }
    }

    fn range<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a Arc<Stored>> {
        self.objects
            .range::<str, _>((Bound::Included(prefix), Bound::Unbounded))
            .take_while(move |(key, _)| key.starts_with(prefix))
            .map(|(_, object)| object)
    }
}
