//! The thread that makes writes durable, a batch at a time, and then visible.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::disk::{Disk, Flush, Marks, Row};
use super::engine::{Durability, Shared, StoreOptions};
use super::error::{CommitError, WriteError};
use super::object::Stored;

/// Tasks that one transaction holds at most.
const BATCH: usize = 1024;
/// Longest time that a batch waits for those who were answered a moment ago and mostly write again. A disk that is quick
/// is waited for no longer than a commit takes.
const GATHER: Duration = Duration::from_millis(1);
/// How long an unsynced commit may wait for the disk with [`Durability::Async`].
const ASYNC_DELAY: Duration = Duration::from_millis(50);
/// Revisions that are reserved at a time with [`Durability::Async`].
pub(super) const RESERVE: u64 = 1 << 20;

/// One change that was accepted: nobody else writes its object until it is answered.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) resource: Arc<str>,
    pub(super) key: String,
    pub(super) stored: Stored,
    pub(super) remove: bool,
}

/// Changes that become durable and visible together.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) writes: Vec<Accepted>,
    /// The latest revision that is used up with them.
    pub(super) revision: u64,
    /// What changed up to this revision is not to be known any more.
    pub(super) floor: Option<u64>,
    pub(super) done: oneshot::Sender<Result<Vec<Arc<Stored>>, WriteError>>,
}

/// The disk and what is to be written on it.
pub(super) struct Writer {
    disk: Disk,
    shared: Arc<Shared>,
    durability: Durability,
    retry_pause: Duration,
    marks: Marks,
    /// The marks of the last commit, done or failed.
    attempted: Marks,
    /// Since when something is acknowledged that is not on the disk.
    unsynced: Option<Instant>,
    /// The last failure and when it was.
    failure: Option<(Instant, Arc<CommitError>)>,
    /// How many tasks the last batch had, and how long its commit took.
    last_batch: (usize, Duration),
}

impl Writer {
    pub(super) fn new(disk: Disk, shared: Arc<Shared>, options: &StoreOptions, marks: Marks) -> Self {
        let StoreOptions { durability, retry_pause, .. } = *options;
        let last_batch = (0, Duration::ZERO);
        let attempted = marks;
        Self {
            disk,
            shared,
            durability,
            retry_pause,
            marks,
            attempted,
            unsynced: None,
            failure: None,
            last_batch,
        }
    }

    /// Reserves the first revisions for writes that are acknowledged before they are durable.
    pub(super) fn reserve(&mut self) -> Result<(), CommitError> {
        if self.durability == Durability::Async {
            self.marks.ceiling = self.marks.revision + RESERVE;
        }
        self.disk.commit(&[], self.marks, Flush::Now)
    }

    /// Works until the queue is closed, then makes everything durable.
    pub(super) fn run(mut self, queue: &mpsc::Receiver<Task>) {
        loop {
            // What came during the last commit is from others than those whom it answered.
            let mut batch: Vec<Task> = queue.try_iter().take(BATCH).collect();
            let writers = self.last_batch.0 + batch.len();
            let next = match self.unsynced {
                _ if !batch.is_empty() => Ok(()),
                Some(since) => queue
                    .recv_timeout((since + ASYNC_DELAY).saturating_duration_since(Instant::now()))
                    .map(|first| batch.push(first)),
                None => queue
                    .recv()
                    .map(|first| batch.push(first))
                    .map_err(|_| mpsc::RecvTimeoutError::Disconnected),
            };
            match next {
                Ok(()) => {
                    self.gather(&mut batch, writers, queue);
                    let (tasks, started) = (batch.len(), Instant::now());
                    self.commit(batch);
                    self.last_batch = (tasks, started.elapsed());
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    if self.sync().is_err() {
                        self.unsynced = Some(Instant::now());
                    }
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            }
        }
        // No revision was used that the file does not know: the reservation ends.
        self.marks.ceiling = 0;
        if self.durability == Durability::Async {
            self.sync().ok();
        }
    }

    /// Adds the tasks that are about to come to those that are there, until there is one of each of so many writers.
    ///
    /// Writers that go on right away would each get a commit of their own, or two halves of them take turns: one
    /// commit for all of them costs about as much as one for a single one.
    fn gather(&self, batch: &mut Vec<Task>, writers: usize, queue: &mpsc::Receiver<Task>) {
        let waits = self.durability == Durability::Fsync;
        let late = Instant::now() + if waits { GATHER.min(self.last_batch.1) } else { Duration::ZERO };
        while batch.len() < BATCH {
            let next = queue.try_recv().ok().or_else(|| {
                let left = late.saturating_duration_since(Instant::now());
                let more = batch.len() < writers && !left.is_zero();
                more.then(|| queue.recv_timeout(left).ok()).flatten()
            });
            let Some(task) = next else { break };
            batch.push(task);
        }
    }

    /// Makes everything durable that was acknowledged.
    fn sync(&mut self) -> Result<(), Arc<CommitError>> {
        self.write(&[], Flush::Now)
    }

    fn commit(&mut self, batch: Vec<Task>) {
        let last = batch.last().map_or(0, |task| task.revision);
        self.marks.revision = self.marks.revision.max(last);
        self.marks.floor = batch.iter().filter_map(|task| task.floor).fold(self.marks.floor, u64::max);
        let result = self.write_batch(&batch);
        let mut keys = Vec::with_capacity(batch.len());
        let mut answers = Vec::with_capacity(batch.len());
        {
            // A snapshot sees all of a batch or nothing.
            let _cut = self.shared.cut.lock();
            for Task { writes, floor, done, .. } in batch {
                if let (Ok(()), Some(floor)) = (&result, floor) {
                    self.shared.skip_to(floor);
                }
                let mut visible = Vec::with_capacity(writes.len());
                for Accepted { resource, key, stored, remove } in writes {
                    if result.is_ok() {
                        visible.push(self.shared.apply(&resource, &key, stored, remove).object.clone());
                    }
                    keys.push((resource, key));
                }
                let answer = match &result {
                    Ok(()) => Ok(visible),
                    Err(error) => Err(WriteError::Commit(error.clone())),
                };
                answers.push((done, answer));
            }
        }
        self.shared.release(&keys);
        for (done, answer) in answers {
            // Who asked may have gone; the write stands.
            done.send(answer).ok();
        }
    }

    fn write_batch(&mut self, batch: &[Task]) -> Result<(), Arc<CommitError>> {
        let mut flush = Flush::Now;
        if self.durability == Durability::Async {
            // Also where writes never pause, none waits for the disk for long.
            let overdue = self.unsynced.is_some_and(|since| since.elapsed() >= ASYNC_DELAY);
            // A new reservation must be durable before its first revision is acknowledged.
            if self.marks.revision >= self.marks.ceiling {
                self.marks.ceiling = self.marks.revision + RESERVE;
            } else if !overdue {
                flush = Flush::Later;
            }
        }
        // One object has one write in a batch at most: the order of rows does not matter, sorted is faster.
        let rows: BTreeMap<_, _> = batch
            .iter()
            .flat_map(|task| &task.writes)
            .map(|write| {
                let row = Row {
                    resource: &write.resource,
                    key: &write.key,
                    revision: write.stored.revision(),
                    object: (!write.remove).then_some(&write.stored),
                };
                ((&write.resource, &write.key), row)
            })
            .collect();
        self.write(&rows.into_values().collect::<Vec<_>>(), flush)
    }

    fn write(&mut self, rows: &[Row<'_>], flush: Flush) -> Result<(), Arc<CommitError>> {
        let result = self.recover().and_then(|()| Ok(self.disk.commit(rows, self.marks, flush)?));
        self.attempted = self.marks;
        match (&result, flush) {
            (Ok(()), Flush::Now) => self.unsynced = None,
            // Not from now on: what waits longest counts.
            (Ok(()), Flush::Later) => {
                self.unsynced.get_or_insert_with(Instant::now);
            }
            (Err(_), _) => {}
        }
        if let Err(error) = &result
            && self.failure.as_ref().is_none_or(|(_, last)| !Arc::ptr_eq(last, error))
        {
            tracing::error!(error = &**error as &dyn std::error::Error, "cannot write to the data file");
            self.failure = Some((Instant::now(), error.clone()));
        }
        result
    }

    /// After a failed commit: opens the file again and makes it hold what memory holds.
    ///
    /// What failed may have reached the disk or not, and with [`Durability::Async`] earlier commits may have
    /// been lost with it. Readers never saw the one and have seen the other: memory is right.
    fn recover(&mut self) -> Result<(), Arc<CommitError>> {
        if !self.disk.is_failed() {
            return Ok(());
        }
        if let Some((at, error)) = &self.failure
            && at.elapsed() < self.retry_pause
        {
            return Err(error.clone());
        }
        let mut on_disk = self.disk.reopen()?;
        let mut missing = Vec::new();
        for (resource, objects) in self.shared.everything() {
            for object in objects {
                if on_disk.remove(&(resource.clone(), object.key())) != Some(object.revision()) {
                    missing.push((resource.clone(), object));
                }
            }
        }
        // Not the marks of the batch that waits: the same revision would stand for two states.
        let marks = self.attempted;
        let revision = marks.revision;
        let puts = missing.iter().map(|(resource, object)| Row {
            resource,
            key: object.key_str(),
            revision,
            object: Some(object),
        });
        let removals = on_disk.keys().map(|(resource, key)| Row { resource, key, revision, object: None });
        let rows: Vec<_> = puts.chain(removals).collect();
        self.disk.commit(&rows, marks, Flush::Now)?;
        self.failure = None;
        tracing::info!(rows = rows.len(), "the data file can be written again");
        Ok(())
    }
}
