//! The objects of one resource and the ring of its latest changes.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::RwLock;
use tokio::sync::watch;

use super::object::Stored;

/// What an event takes besides the objects.
const EVENT_BYTES: usize = 64;

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
    /// Bytes that only the history holds.
    history: AtomicUsize,
}

#[derive(Debug)]
struct State {
    objects: BTreeMap<Box<str>, Arc<Stored>>,
    ring: VecDeque<Arc<Event>>,
    /// Changes up to this revision are not in the ring.
    floor: u64,
    /// Revision of the latest change.
    latest: u64,
}

impl Event {
    pub fn revision(&self) -> u64 {
        self.object.revision()
    }

    /// Returns the bytes that are free when the event is forgotten.
    ///
    /// The new state of an object lives on, or is the previous state of a later event.
    fn size(&self) -> usize {
        let previous = self.previous.as_ref().map_or(0, |previous| previous.size());
        let last = if self.kind == EventKind::Deleted { self.object.size() } else { 0 };
        EVENT_BYTES + previous + last
    }
}

impl Resource {
    /// A resource without changes since `floor`; `objects` are in the order of their keys.
    pub(super) fn new(floor: u64, objects: Vec<Stored>) -> Self {
        let objects = objects.into_iter().map(|object| (object.key_str().into(), Arc::new(object))).collect();
        Self {
            state: RwLock::new(State { objects, ring: VecDeque::new(), floor, latest: floor }),
            changed: watch::Sender::new(floor),
            history: AtomicUsize::new(0),
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<Arc<Stored>> {
        self.state.read().objects.get(key).cloned()
    }

    pub(super) fn len(&self) -> usize {
        self.state.read().objects.len()
    }

    /// Returns the bytes that only the history holds.
    pub(super) fn history_bytes(&self) -> usize {
        self.history.load(Ordering::Relaxed)
    }

    /// Applies a committed change and wakes the watchers. Returns the event and what it adds to the history.
    pub(super) fn apply(&self, key: &str, stored: Stored, deleted: bool) -> (Arc<Event>, usize) {
        let object = Arc::new(stored);
        let mut state = self.state.write();
        let previous = if deleted {
            state.objects.remove(key)
        } else if let Some(place) = state.objects.get_mut(key) {
            Some(std::mem::replace(place, object.clone()))
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
        let size = event.size();
        state.latest = revision;
        state.ring.push_back(event.clone());
        self.history.fetch_add(size, Ordering::Relaxed);
        drop(state);
        self.changed.send_replace(revision);
        (event, size)
    }

    /// Forgets the oldest changes until that many bytes are free; the latest change is kept. Returns the bytes.
    pub(super) fn forget(&self, bytes: usize) -> usize {
        let mut freed = 0;
        let mut state = self.state.write();
        while freed < bytes && state.ring.len() > 1 {
            freed += state.drop_oldest();
        }
        self.history.fetch_sub(freed, Ordering::Relaxed);
        freed
    }

    /// Lists the objects whose key starts with `prefix`, in key order.
    ///
    /// `current` is the store's revision, read by the caller before this call.
    pub(super) fn list(&self, prefix: &str, current: u64) -> Listing {
        let state = self.state.read();
        Listing {
            revision: state.latest.max(current),
            objects: state.range(prefix).map(|(_, object)| object.clone()).collect(),
        }
    }

    /// Lists the objects as they were at `revision`.
    pub(super) fn list_at(&self, prefix: &str, revision: u64) -> Result<Listing, Expired> {
        let state = self.state.read();
        state.check(revision)?;
        // What was there before the changes since: the oldest of them comes last and says it.
        let mut before: BTreeMap<&str, Option<&Arc<Stored>>> = BTreeMap::new();
        for event in state.ring.iter().rev().take_while(|event| event.revision() > revision) {
            let key = event.object.key_str();
            if key.starts_with(prefix) {
                before.insert(key, event.previous.as_ref());
            }
        }
        let mut objects = Vec::new();
        let mut changed = before.into_iter().peekable();
        for (key, object) in state.range(prefix) {
            while let Some((_, object)) = changed.next_if(|(other, _)| *other < &**key) {
                objects.extend(object.cloned());
            }
            match changed.next_if(|(other, _)| *other == &**key) {
                Some((_, object)) => objects.extend(object.cloned()),
                None => objects.push(object.clone()),
            }
        }
        objects.extend(changed.filter_map(|(_, object)| object.cloned()));
        Ok(Listing { revision, objects })
    }

    /// Returns the changes after a revision, oldest first.
    pub(super) fn events_after(&self, revision: u64) -> Result<Vec<Arc<Event>>, Expired> {
        let state = self.state.read();
        state.check(revision)?;
        let start = state.ring.partition_point(|event| event.revision() <= revision);
        Ok(state.ring.range(start..).cloned().collect())
    }

    /// Forgets the history up to a revision that is no older than the latest change. Returns the bytes.
    pub(super) fn compact(&self, revision: u64) -> usize {
        let mut state = self.state.write();
        let mut freed = 0;
        while state.ring.front().is_some_and(|event| event.revision() <= revision) {
            freed += state.drop_oldest();
        }
        state.floor = state.floor.max(revision);
        state.latest = state.latest.max(revision);
        self.history.fetch_sub(freed, Ordering::Relaxed);
        freed
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}

impl State {
    fn check(&self, revision: u64) -> Result<(), Expired> {
        if revision < self.floor {
            return Err(Expired { requested: revision, oldest: self.floor });
        }
        Ok(())
    }

    fn drop_oldest(&mut self) -> usize {
        self.ring.pop_front().map_or(0, |event| {
            self.floor = self.floor.max(event.revision());
            event.size()
        })
    }

    fn range<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a Box<str>, &'a Arc<Stored>)> {
        self.objects
            .range::<str, _>((Bound::Included(prefix), Bound::Unbounded))
            .take_while(move |(key, _)| key.starts_with(prefix))
    }
}
