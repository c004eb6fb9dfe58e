//! The store itself: compare-and-swap writes, group commit, reads and watches.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use tokio::sync::{Notify, broadcast, oneshot};

use super::disk::{Disk, Flush, Loaded, OpenError, Row};
use super::object::{Draft, Stored};
use super::resource::{Event, Expired, Listing, Resource};
use super::watcher::Watcher;

/// Bytes of the largest object that is stored: the limit of etcd.
const OBJECT_LIMIT: usize = 3 << 19;
/// Writes that one transaction holds at most.
const BATCH: usize = 1024;
/// How long an unsynced commit may wait for the disk with [`Durability::Async`].
const ASYNC_DELAY: Duration = Duration::from_millis(50);
/// Revisions that are reserved at a time with [`Durability::Async`].
const RESERVE: u64 = 1 << 20;
/// Changes that a slow reader of the feed may be behind.
const FEED: usize = 65536;

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
    /// Bytes of history that each resource keeps for watches.
    pub history_bytes: usize,
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

/// Why a write did not happen.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The object is not what the writer believed; this is what is there now.
    #[error("object has changed")]
    Conflict(Option<Arc<Stored>>),
    #[error("object of {size} bytes is too large")]
    TooLarge { size: usize },
    #[error("store is closed")]
    Closed,
    #[error("write could not be made durable")]
    Commit(#[source] Arc<redb::Error>),
}

/// Revisioned objects of all resources. Clones share the same store.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    shared: Arc<Shared>,
    sequencer: Mutex<Sequencer>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// What the writer thread and the readers share.
#[derive(Debug)]
struct Shared {
    resources: RwLock<HashMap<Arc<str>, Arc<Resource>>>,
    /// The latest revision that is visible.
    revision: AtomicU64,
    /// Revision at which the history of a resource that has none starts.
    floor: u64,
    history_bytes: usize,
    committed: Notify,
    feed: broadcast::Sender<(Arc<str>, Arc<Event>)>,
}

/// Hands out revisions and knows which objects have a write on its way to the disk.
#[derive(Debug)]
struct Sequencer {
    revision: u64,
    pending: HashMap<(Arc<str>, String), u64>,
    /// `None` when nothing goes to a disk.
    queue: Option<mpsc::Sender<Job>>,
    closed: bool,
}

#[derive(Debug)]
struct Job {
    resource: Arc<str>,
    key: String,
    stored: Stored,
    remove: bool,
    done: oneshot::Sender<Result<Arc<Stored>, WriteError>>,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { durability: Durability::default(), history_bytes: 8 << 20 }
    }
}

impl Store {
    /// Makes an empty store that lives in memory.
    pub fn in_memory(options: &StoreOptions) -> Self {
        let shared = Shared::new(0, options);
        Self::assemble(shared, None, None)
    }

    /// Opens the store in a file, creating it when it is not there.
    ///
    /// # Errors
    /// When the file is in use by another process, cannot be written, is damaged or of another format.
    pub fn open(path: &Path, options: &StoreOptions) -> Result<Self, OpenError> {
        let loaded = Disk::open(path)?;
        Self::start(path, loaded, options)
    }

    #[cfg(test)]
    pub(super) fn open_backend(
        backend: impl redb::StorageBackend,
        options: &StoreOptions,
    ) -> Result<Self, OpenError> {
        let path = Path::new("test");
        Self::start(path, Disk::open_backend(path, backend)?, options)
    }

    fn start(path: &Path, loaded: Loaded, options: &StoreOptions) -> Result<Self, OpenError> {
        let Loaded { disk, revision, objects } = loaded;
        let shared = Shared::new(revision, options);
        for (resource, stored) in objects {
            shared.resource_or_new(&resource).load(stored);
        }
        if options.durability == Durability::Async {
            disk.reserve(revision + RESERVE)
                .map_err(|error| OpenError::Damaged { path: path.to_owned(), source: Box::new(error) })?;
        }
        let (sender, receiver) = mpsc::channel();
        let inner_shared = shared.clone();
        let store = Self::assemble(shared, Some(sender), None);
        let weak = Arc::downgrade(&store.inner);
        let durability = options.durability;
        let release = move |jobs: &[(Arc<str>, String)]| {
            if let Some(inner) = weak.upgrade() {
                let mut sequencer = inner.sequencer.lock();
                for job in jobs {
                    sequencer.pending.remove(job);
                }
            }
        };
        let writer = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || {
                Writer { disk, shared: inner_shared, durability, ceiling: revision + RESERVE }
                    .run(&receiver, release);
            })
            .map_err(|source| OpenError::NotWritable { path: path.to_owned(), source })?;
        *store.inner.writer.lock() = Some(writer);
        Ok(store)
    }

    fn assemble(
        shared: Arc<Shared>,
        queue: Option<mpsc::Sender<Job>>,
        writer: Option<JoinHandle<()>>,
    ) -> Self {
        let revision = shared.revision.load(Ordering::Acquire);
        Self {
            inner: Arc::new(Inner {
                shared,
                sequencer: Mutex::new(Sequencer { revision, pending: HashMap::new(), queue, closed: false }),
                writer: Mutex::new(writer),
            }),
        }
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

    /// Forgets the history of all resources up to now.
    pub fn compact(&self) {
        let resources: Vec<_> = self.inner.shared.resources.read().values().cloned().collect();
        let revision = self.revision();
        for resource in resources {
            resource.compact();
            resource.raise_floor(revision);
        }
    }

    /// Makes one change, if the object is still what the writer believes. Returns when it is durable.
    ///
    /// # Errors
    /// [`WriteError::Conflict`] when it is not; other errors when the store cannot write.
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
        loop {
            let committed = self.inner.shared.committed.notified();
            tokio::pin!(committed);
            // Registered before the check: a commit in between is not missed.
            committed.as_mut().enable();
            match self.try_write(&resource, &key, expect, draft, remove)? {
                Attempt::Done(stored) => return Ok(stored),
                Attempt::Queued(done) => return done.await.map_err(|_| WriteError::Closed)?,
                Attempt::Busy => committed.await,
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
        let mut sequencer = self.inner.sequencer.lock();
        if sequencer.closed {
            return Err(WriteError::Closed);
        }
        let pending_key = (resource.clone(), key.to_owned());
        if sequencer.pending.contains_key(&pending_key) {
            return Ok(Attempt::Busy);
        }
        let target = self.inner.shared.resource_or_new(resource);
        let current = target.get(key);
        let expected = match (expect, &current) {
            (Expect::Absent, None) => true,
            (Expect::Revision(revision), Some(current)) => current.revision() == revision,
            _ => false,
        };
        if !expected {
            return Err(WriteError::Conflict(current));
        }
        let revision = sequencer.revision + 1;
        sequencer.revision = revision;
        let stored = draft.seal(revision);
        let Some(queue) = sequencer.queue.clone() else {
            // The lock is held: events reach the readers in the order of their revisions.
            let event = self.inner.shared.apply(resource, key, stored, remove);
            return Ok(Attempt::Done(event.object.clone()));
        };
        let (done, receiver) = oneshot::channel();
        let job = Job { resource: resource.clone(), key: key.to_owned(), stored, remove, done };
        queue.send(job).map_err(|_| WriteError::Closed)?;
        sequencer.pending.insert(pending_key, revision);
        Ok(Attempt::Queued(receiver))
    }

    /// Finishes the writes that were accepted and closes the file. Later writes fail.
    pub fn close(&self) {
        let mut sequencer = self.inner.sequencer.lock();
        sequencer.closed = true;
        sequencer.queue = None;
        drop(sequencer);
        let writer = self.inner.writer.lock().take();
        if let Some(writer) = writer
            && writer.join().is_err()
        {
            tracing::error!("the store's writer thread ended by a panic");
        }
        self.inner.shared.committed.notify_waiters();
    }
}

enum Attempt {
    Done(Arc<Stored>),
    Queued(oneshot::Receiver<Result<Arc<Stored>, WriteError>>),
    /// Another write of the same object is on its way to the disk.
    Busy,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.sequencer.lock().queue = None;
        if let Some(writer) = self.writer.lock().take()
            && writer.thread().id() != std::thread::current().id()
            && writer.join().is_err()
        {
            tracing::error!("the store's writer thread ended by a panic");
        }
    }
}

impl Shared {
    fn new(revision: u64, options: &StoreOptions) -> Arc<Self> {
        // Revision 0 means "any" to clients: the first state of an empty store is 1.
        let revision = revision.max(1);
        Arc::new(Self {
            resources: RwLock::default(),
            revision: AtomicU64::new(revision),
            floor: revision,
            history_bytes: options.history_bytes,
            committed: Notify::new(),
            feed: broadcast::channel(FEED).0,
        })
    }

    fn resource(&self, key: &str) -> Option<Arc<Resource>> {
        self.resources.read().get(key).cloned()
    }

    fn resource_or_new(&self, key: &str) -> Arc<Resource> {
        if let Some(resource) = self.resource(key) {
            return resource;
        }
        self.resources
            .write()
            .entry(key.into())
            .or_insert_with(|| Arc::new(Resource::new(self.floor, self.history_bytes)))
            .clone()
    }

    fn apply(&self, resource: &Arc<str>, key: &str, stored: Stored, remove: bool) -> Arc<Event> {
        let revision = stored.revision();
        let event = self.resource_or_new(resource).apply(key, stored, remove);
        self.revision.store(revision, Ordering::Release);
        // No receiver is fine: nobody has asked for the feed.
        self.feed.send((resource.clone(), event.clone())).ok();
        event
    }
}

/// The thread that makes batches of writes durable and then visible.
struct Writer {
    disk: Disk,
    shared: Arc<Shared>,
    durability: Durability,
    ceiling: u64,
}

impl Writer {
    fn run(mut self, queue: &mpsc::Receiver<Job>, release: impl Fn(&[(Arc<str>, String)])) {
        let mut unsynced = false;
        loop {
            let first = if unsynced {
                match queue.recv_timeout(ASYNC_DELAY) {
                    Ok(job) => Some(job),
                    Err(mpsc::RecvTimeoutError::Timeout) => None,
                    Err(mpsc::RecvTimeoutError::Disconnected) => break,
                }
            } else {
                match queue.recv() {
                    Ok(job) => Some(job),
                    Err(_) => break,
                }
            };
            let Some(first) = first else {
                unsynced = !self.sync();
                continue;
            };
            let mut batch = vec![first];
            while batch.len() < BATCH
                && let Ok(job) = queue.try_recv()
            {
                batch.push(job);
            }
            unsynced |= self.durability == Durability::Async;
            self.commit(batch, &release);
        }
        if unsynced {
            self.sync();
        }
    }

    fn sync(&self) -> bool {
        let revision = self.shared.revision.load(Ordering::Acquire);
        let result = self.disk.commit(&[], revision, Flush::Now);
        match result {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "cannot sync the store");
                false
            }
        }
    }

    fn commit(&mut self, batch: Vec<Job>, release: &impl Fn(&[(Arc<str>, String)])) {
        let last = batch.last().map_or(0, |job| job.stored.revision());
        let keys: Vec<_> = batch.iter().map(|job| (job.resource.clone(), job.key.clone())).collect();
        let result = self.write(&batch, last).map_err(Arc::new);
        let mut answers = Vec::with_capacity(batch.len());
        for Job { resource, key, stored, remove, done } in batch {
            let answer = match &result {
                Ok(()) => Ok(self.shared.apply(&resource, &key, stored, remove).object.clone()),
                Err(error) => Err(WriteError::Commit(error.clone())),
            };
            answers.push((done, answer));
        }
        if let Err(error) = &result {
            tracing::error!(error = error as &dyn std::error::Error, "cannot commit to the store");
        }
        release(&keys);
        self.shared.committed.notify_waiters();
        for (done, answer) in answers {
            // The writer may have gone; the write stands.
            done.send(answer).ok();
        }
    }

    fn write(&mut self, batch: &[Job], last: u64) -> Result<(), redb::Error> {
        let flush = match self.durability {
            Durability::Async => Flush::Later,
            Durability::Fsync | Durability::Memory => Flush::Now,
        };
        if flush == Flush::Later && last >= self.ceiling {
            self.disk.reserve(last + RESERVE)?;
            self.ceiling = last + RESERVE;
        }
        // One object has one write in a batch at most: the order of rows does not matter, sorted is faster.
        let rows: BTreeMap<_, _> = batch
            .iter()
            .map(|job| {
                let object = (!job.remove).then(|| job.stored.to_disk());
                let row =
                    Row { resource: &job.resource, key: &job.key, revision: job.stored.revision(), object };
                ((&job.resource, &job.key), row)
            })
            .collect();
        self.disk.commit(&rows.into_values().collect::<Vec<_>>(), last, flush)
    }
}
