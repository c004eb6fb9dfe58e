//! The store itself: compare-and-swap writes, reads, watches, snapshots.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use tokio::sync::{Notify, broadcast, oneshot};

use super::disk::{Disk, Loaded, Marks, Place};
use super::error::{CommitError, OpenError, WriteError};
use super::file::WhenMissing;
use super::object::{Draft, Stored};
use super::resource::{Event, Expired, Listing, Resource};
use super::snapshot::Snapshot;
use super::watcher::Watcher;
use super::writer::{Accepted, Task, Writer};

/// Bytes of the largest object that is stored: the limit of etcd.
const OBJECT_LIMIT: usize = 3 << 19;
/// Changes that a slow reader of the feed may be behind.
const FEED: usize = 16384;

/// When a write is acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// After it is on the disk.
    #[default]
    Fsync,
    /// At once; a crash can lose the last moments, never part of a moment.
    Async,
    /// At once; nothing is kept over a restart.
    Memory,
}

/// How a store is set up.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    pub durability: Durability,
    /// Bytes of history that are kept for watches, over all resources.
    pub history_bytes: usize,
    /// How long a disk that failed is left alone before it is tried again.
    pub retry_pause: Duration,
}

/// What the writer believes about the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    Absent,
    Revision(u64),
}

/// What a write does.
#[derive(Clone, Debug)]
pub enum Change {
    Put(Draft),
    /// Removes the object; the draft is its last state, which watchers see.
    Remove(Draft),
}

/// One compare-and-swap.
#[derive(Clone, Debug)]
pub struct Write {
    /// Storage key of the resource.
    pub resource: Arc<str>,
    pub expect: Expect,
    pub change: Change,
}

/// Revisioned objects of all resources. Clones share the same store.
#[derive(Clone, Debug)]
pub struct Store {
    pub(super) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) shared: Arc<Shared>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// What the writer thread and the readers share.
#[derive(Debug)]
pub(super) struct Shared {
    resources: RwLock<HashMap<Arc<str>, Arc<Resource>>>,
    /// The latest revision that is visible.
    pub(super) revision: AtomicU64,
    /// Revision at which the history of a resource that has none starts.
    floor: AtomicU64,
    history_limit: usize,
    history: AtomicUsize,
    /// Held while changes that belong together become visible.
    pub(super) cut: Mutex<()>,
    pub(super) sequencer: Mutex<Sequencer>,
    pub(super) released: Notify,
    feed: broadcast::Sender<(Arc<str>, Arc<Event>)>,
}

/// Hands out revisions and knows which objects have a write on its way to the disk.
#[derive(Debug)]
pub(super) struct Sequencer {
    pub(super) revision: u64,
    pub(super) pending: HashSet<(Arc<str>, String)>,
    /// Somebody waits until nothing is pending, to change everything.
    pub(super) exclusive: bool,
    /// `None` when nothing goes to a disk.
    pub(super) queue: Option<mpsc::Sender<Task>>,
    pub(super) closed: bool,
}

/// What became of the attempt to write.
pub(super) enum Attempt {
    Done(Vec<Arc<Stored>>),
    Queued(oneshot::Receiver<Result<Vec<Arc<Stored>>, WriteError>>),
    /// Another write of the same object is on its way to the disk.
    Busy,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            durability: Durability::default(),
            history_bytes: 16 << 20,
            retry_pause: Duration::from_millis(250),
        }
    }
}

impl Store {
    /// Makes an empty store that lives in memory.
    pub fn in_memory(options: &StoreOptions) -> Self {
        let shared = Shared::new(Marks::default(), HashMap::new(), options);
        Self { inner: Arc::new(Inner { shared: Arc::new(shared), writer: Mutex::new(None) }) }
    }

    /// Opens the store in a file, creating it when it is not there and converting it from an older format.
    ///
    /// # Errors
    /// When the file is in use by another process, cannot be written, is damaged or of a newer format. A
    /// damaged file stays as it is.
    pub fn open(path: &Path, options: &StoreOptions) -> Result<Self, OpenError> {
        Self::start(path, Disk::open(path, WhenMissing::Create)?, options)
    }

    #[cfg(test)]
    pub(super) fn open_backend(
        backend: impl redb::StorageBackend,
        options: &StoreOptions,
    ) -> Result<Self, OpenError> {
        let path = Path::new("test");
        Self::start(path, Disk::open_on(path, Arc::new(backend))?, options)
    }

    fn start(path: &Path, loaded: Loaded, options: &StoreOptions) -> Result<Self, OpenError> {
        let not_writable = |source| OpenError::NotWritable { path: path.to_owned(), source };
        let Loaded { disk, tally, groups } = loaded;
        let mut marks = tally.marks;
        if marks.ceiling > marks.revision {
            // Revisions up to the ceiling may have been seen, and what they were is lost.
            marks = Marks { revision: marks.ceiling, ceiling: 0, floor: marks.ceiling };
        }
        let mut groups: HashMap<_, _> = groups.into_iter().collect();
        let mut resources = HashMap::with_capacity(tally.places.len());
        for (name, Place { latest, .. }) in tally.places {
            let objects = groups.remove(&name).unwrap_or_default();
            resources.insert(name, Arc::new(Resource::new(latest.max(marks.floor), objects)));
        }
        let (sender, receiver) = mpsc::channel();
        let shared = Arc::new(Shared::new(marks, resources, options));
        shared.sequencer.lock().queue = Some(sender);
        let mut writer = Writer::new(disk, shared.clone(), options, marks);
        if options.durability == Durability::Async || marks != tally.marks {
            writer.reserve().map_err(|error| match error {
                CommitError::Full(source) => not_writable(source),
                CommitError::Failed(source) => not_writable(std::io::Error::other(source)),
            })?;
        }
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || writer.run(&receiver))
            .map_err(not_writable)?;
        Ok(Self { inner: Arc::new(Inner { shared, writer: Mutex::new(Some(thread)) }) })
    }

    /// Returns the latest visible revision.
    pub fn revision(&self) -> u64 {
        self.inner.shared.revision.load(Ordering::Acquire)
    }

    pub fn get(&self, resource: &str, key: &str) -> Option<Arc<Stored>> {
        self.inner.shared.resource(resource)?.get(key)
    }

    /// Returns how many objects a resource has.
    pub fn count(&self, resource: &str) -> usize {
        self.inner.shared.resource(resource).map_or(0, |resource| resource.len())
    }

    /// Lists the objects whose key starts with `prefix`, in key order, as they are now.
    pub fn list(&self, resource: &str, prefix: &str) -> Listing {
        let current = self.revision();
        match self.inner.shared.resource(resource) {
            Some(resource) => resource.list(prefix, current),
            None => Listing { revision: current, objects: Vec::new() },
        }
    }

    /// Lists as [`Store::list`], at an earlier revision.
    ///
    /// # Errors
    /// When the history does not reach back that far.
    pub fn list_at(&self, resource: &str, prefix: &str, revision: u64) -> Result<Listing, Expired> {
        self.inner.shared.resource_or_new(resource).list_at(prefix, revision)
    }

    /// Watches a resource for the changes after a revision.
    ///
    /// # Errors
    /// When the history does not reach back that far.
    pub fn watch(&self, resource: &str, revision: u64) -> Result<Watcher, Expired> {
        let resource = self.inner.shared.resource_or_new(resource);
        resource.events_after(revision)?;
        Ok(Watcher::new(resource, revision))
    }

    /// Returns the changes of all resources from now on, for controllers that live with the store.
    pub fn feed(&self) -> broadcast::Receiver<(Arc<str>, Arc<Event>)> {
        self.inner.shared.feed.subscribe()
    }

    /// Returns the storage keys of the resources that have been used.
    pub fn resources(&self) -> Vec<Arc<str>> {
        self.inner.shared.resources.read().keys().cloned().collect()
    }

    /// Returns all objects as they are at one revision. Writers wait for the time it takes to count them, not to copy.
    pub fn snapshot(&self) -> Snapshot {
        let _cut = self.inner.shared.cut.lock();
        let mut groups = self.inner.shared.everything();
        groups.retain(|(_, objects)| !objects.is_empty());
        groups.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
        Snapshot { revision: self.revision(), groups }
    }

    /// Forgets the history of all resources up to now.
    pub fn compact(&self) {
        let shared = &self.inner.shared;
        let _cut = shared.cut.lock();
        shared.forget_until(self.revision());
    }

    /// Makes one change, if the object is still what the writer believes. Returns when it is durable.
    ///
    /// # Errors
    /// [`WriteError::Conflict`] when it is not; other errors when the store cannot write. A write that
    /// failed on its way to the disk is not visible, but after a crash it may turn out to have happened.
    pub async fn write(&self, write: Write) -> Result<Arc<Stored>, WriteError> {
        let Write { resource, expect, change } = write;
        let (draft, remove) = match &change {
            Change::Put(draft) => (draft, false),
            Change::Remove(draft) => (draft, true),
        };
        if !remove && draft.size() > OBJECT_LIMIT {
            return Err(WriteError::TooLarge { size: draft.size() });
        }
        let key = draft.key();
        let done = self.when_free(|| self.try_write(&resource, &key, expect, draft, remove)).await?;
        done.into_iter().next().ok_or(WriteError::Closed)
    }

    /// Tries again whenever something was released, until the attempt is not in anybody's way.
    pub(super) async fn when_free(
        &self,
        mut attempt: impl FnMut() -> Result<Attempt, WriteError>,
    ) -> Result<Vec<Arc<Stored>>, WriteError> {
        loop {
            let released = self.inner.shared.released.notified();
            tokio::pin!(released);
            // Registered before the check: a release in between is not missed.
            released.as_mut().enable();
            match attempt()? {
                Attempt::Done(stored) => return Ok(stored),
                Attempt::Queued(done) => return done.await.map_err(|_| WriteError::Closed)?,
                Attempt::Busy => released.await,
            }
        }
    }

    fn try_write(
        &self,
        resource: &Arc<str>,
        key: &str,
        expect: Expect,
        draft: &Draft,
        remove: bool,
    ) -> Result<Attempt, WriteError> {
        let shared = &self.inner.shared;
        let mut sequencer = shared.sequencer.lock();
        if sequencer.closed {
            return Err(WriteError::Closed);
        }
        let pending_key = (resource.clone(), key.to_owned());
        if sequencer.exclusive || sequencer.pending.contains(&pending_key) {
            return Ok(Attempt::Busy);
        }
        let current = shared.resource(resource).and_then(|resource| resource.get(key));
        let expected = match (expect, &current) {
            (Expect::Absent, None) => true,
            (Expect::Revision(revision), Some(current)) => current.revision() == revision,
            _ => false,
        };
        if !expected {
            return Err(WriteError::Conflict(current));
        }
        sequencer.revision += 1;
        let revision = sequencer.revision;
        let write = Accepted {
            resource: resource.clone(),
            key: key.to_owned(),
            stored: draft.seal(revision),
            remove,
        };
        shared.accept(&mut sequencer, vec![write], None)
    }

    /// Finishes the writes that were accepted and closes the file. Later writes fail.
    pub fn close(&self) {
        let mut sequencer = self.inner.shared.sequencer.lock();
        sequencer.closed = true;
        sequencer.queue = None;
        drop(sequencer);
        self.inner.join();
        self.inner.shared.released.notify_waiters();
    }
}

impl Inner {
    fn join(&self) {
        let writer = self.writer.lock().take();
        if let Some(writer) = writer
            && writer.join().is_err()
        {
            tracing::error!("the store's writer thread ended by a panic");
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.sequencer.lock().queue = None;
        self.join();
    }
}

impl Shared {
    fn new(marks: Marks, resources: HashMap<Arc<str>, Arc<Resource>>, options: &StoreOptions) -> Self {
        // Revision 0 means "any" to clients: the first state of an empty store is 1.
        let revision = marks.revision.max(1);
        Self {
            resources: RwLock::new(resources),
            revision: AtomicU64::new(revision),
            floor: AtomicU64::new(marks.floor.max(1)),
            history_limit: options.history_bytes,
            history: AtomicUsize::new(0),
            cut: Mutex::new(()),
            sequencer: Mutex::new(Sequencer {
                revision,
                pending: HashSet::new(),
                exclusive: false,
                queue: None,
                closed: false,
            }),
            released: Notify::new(),
            feed: broadcast::channel(FEED).0,
        }
    }

    pub(super) fn resource(&self, key: &str) -> Option<Arc<Resource>> {
        self.resources.read().get(key).cloned()
    }

    fn resource_or_new(&self, key: &str) -> Arc<Resource> {
        if let Some(resource) = self.resource(key) {
            return resource;
        }
        let mut resources = self.resources.write();
        let floor = self.floor.load(Ordering::Acquire);
        resources.entry(key.into()).or_insert_with(|| Arc::new(Resource::new(floor, Vec::new()))).clone()
    }

    /// Returns all objects. They are of one moment only as long as nothing becomes visible.
    pub(super) fn everything(&self) -> Vec<(Arc<str>, Vec<Arc<Stored>>)> {
        let resources = self.resources.read();
        resources.iter().map(|(name, resource)| (name.clone(), resource.list("", 0).objects)).collect()
    }

    /// Sends accepted writes to the disk, or makes them visible where there is none.
    pub(super) fn accept(
        &self,
        sequencer: &mut Sequencer,
        writes: Vec<Accepted>,
        floor: Option<u64>,
    ) -> Result<Attempt, WriteError> {
        let Some(queue) = &sequencer.queue else {
            // The caller holds the sequencer: events reach the readers in the order of their revisions.
            let _cut = self.cut.lock();
            if let Some(floor) = floor {
                self.skip_to(floor);
            }
            let visible = writes.into_iter().map(|write| {
                self.apply(&write.resource, &write.key, write.stored, write.remove).object.clone()
            });
            return Ok(Attempt::Done(visible.collect()));
        };
        let (done, receiver) = oneshot::channel();
        let keys: Vec<_> = writes.iter().map(|write| (write.resource.clone(), write.key.clone())).collect();
        let task = Task { writes, revision: sequencer.revision, floor, done };
        queue.send(task).map_err(|_| WriteError::Closed)?;
        sequencer.pending.extend(keys);
        Ok(Attempt::Queued(receiver))
    }

    /// Makes a later revision the latest one; what changed before is not to be known any more.
    ///
    /// The caller holds the cut.
    pub(super) fn skip_to(&self, revision: u64) {
        self.revision.fetch_max(revision, Ordering::AcqRel);
        self.floor.fetch_max(revision, Ordering::AcqRel);
        self.forget_until(revision);
    }

    /// Forgets the history up to a revision that is no older than the latest change. The caller holds the cut.
    fn forget_until(&self, revision: u64) {
        for resource in self.resources.read().values() {
            self.history.fetch_sub(resource.compact(revision), Ordering::Relaxed);
        }
    }

    /// Lets others write objects again.
    pub(super) fn release(&self, keys: &[(Arc<str>, String)]) {
        let mut sequencer = self.sequencer.lock();
        for key in keys {
            sequencer.pending.remove(key);
        }
        drop(sequencer);
        self.released.notify_waiters();
    }

    pub(super) fn apply(&self, resource: &Arc<str>, key: &str, stored: Stored, remove: bool) -> Arc<Event> {
        let revision = stored.revision();
        let (event, size) = self.resource_or_new(resource).apply(key, stored, remove);
        self.revision.store(revision, Ordering::Release);
        // No receiver is fine: nobody has asked for the feed.
        self.feed.send((resource.clone(), event.clone())).ok();
        if self.history.fetch_add(size, Ordering::Relaxed) + size > self.history_limit {
            self.shorten_history();
        }
        event
    }

    /// Forgets changes of the resource with the most history until there is some room again.
    fn shorten_history(&self) {
        let resources = self.resources.read();
        loop {
            let excess = self.history.load(Ordering::Relaxed).saturating_sub(self.history_limit / 16 * 15);
            let largest = resources.values().max_by_key(|resource| resource.history_bytes());
            let freed = largest.map_or(0, |resource| resource.forget(excess));
            let left = self.history.fetch_sub(freed, Ordering::Relaxed) - freed;
            if freed == 0 || left <= self.history_limit {
                return;
            }
        }
    }
}
