//! The store against a model, over restarts and over crashes at any write.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;
use proptest::prelude::*;
use redb::StorageBackend;
use serde_json::{Value, json};

use super::*;

fn object(name: &str, value: u32) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "n", "uid": name, "labels": {"v": value.to_string()}},
        "data": {"v": value}})
}

fn put(name: &str, value: u32, expect: Expect) -> Write {
    Write { resource: "/configmaps".into(), expect, change: Change::Put(Draft::new(&object(name, value))) }
}

fn remove(stored: &Stored) -> Write {
    let expect = Expect::Revision(stored.revision());
    Write { resource: "/configmaps".into(), expect, change: Change::Remove(Draft::new(&stored.value())) }
}

fn options(durability: Durability) -> StoreOptions {
    StoreOptions { durability, ..StoreOptions::default() }
}

/// What a store holds: key to revision and value.
fn contents(store: &Store) -> BTreeMap<String, (u64, u64)> {
    let objects = store.list("/configmaps", "").objects;
    objects.iter().map(|o| (o.key(), (o.revision(), o.value()["data"]["v"].as_u64().unwrap()))).collect()
}

#[tokio::test]
async fn a_write_on_an_old_revision_is_refused() {
    let store = Store::in_memory(&options(Durability::Memory));
    let first = store.write(put("a", 1, Expect::Absent)).await.unwrap();
    assert!(matches!(store.write(put("a", 2, Expect::Absent)).await, Err(WriteError::Conflict(Some(_)))));
    let second = store.write(put("a", 2, Expect::Revision(first.revision()))).await.unwrap();
    assert!(second.revision() > first.revision());
    let stale = store.write(put("a", 3, Expect::Revision(first.revision()))).await;
    assert!(
        matches!(stale, Err(WriteError::Conflict(Some(current))) if current.revision() == second.revision())
    );
}

#[tokio::test]
async fn many_writers_of_one_object_do_not_lose_a_change() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&directory.path().join("s"), &options(Durability::Fsync)).unwrap();
    store.write(put("a", 0, Expect::Absent)).await.unwrap();
    let writers = (0..8).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            for _ in 0..5 {
                loop {
                    let current = store.get("/configmaps", "n/a").unwrap();
                    let value = u32::try_from(current.value()["data"]["v"].as_u64().unwrap()).unwrap();
                    match store.write(put("a", value + 1, Expect::Revision(current.revision()))).await {
                        Ok(_) => break,
                        Err(WriteError::Conflict(_)) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            }
        })
    });
    futures::future::try_join_all(writers).await.unwrap();
    assert_eq!(store.get("/configmaps", "n/a").unwrap().value()["data"]["v"], 40);
}

#[tokio::test]
async fn history_answers_old_lists_until_it_is_dropped() {
    let store = Store::in_memory(&options(Durability::Memory));
    let first = store.write(put("a", 1, Expect::Absent)).await.unwrap();
    let second = store.write(put("a", 2, Expect::Revision(first.revision()))).await.unwrap();
    store.write(remove(&second)).await.unwrap();
    let at = |revision| store.list_at("/configmaps", "", revision).map(|l| l.objects.len());
    assert_eq!((at(1), at(first.revision()), at(second.revision())), (Ok(0), Ok(1), Ok(1)));
    assert_eq!(store.list_at("/configmaps", "", first.revision()).unwrap().objects[0].label("v"), Some("1"));
    let mut watcher = store.watch("/configmaps", first.revision()).unwrap();
    let kinds: Vec<_> = watcher.drain().unwrap().iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::Modified, EventKind::Deleted]);
    store.compact();
    assert!(store.watch("/configmaps", first.revision()).is_err());
    assert!(store.list_at("/configmaps", "", first.revision()).is_err());
}

#[tokio::test]
async fn a_watcher_that_falls_behind_is_told() {
    let store = Store::in_memory(&StoreOptions { durability: Durability::Memory, history_bytes: 4096 });
    let mut current = store.write(put("a", 0, Expect::Absent)).await.unwrap();
    let mut watcher = store.watch("/configmaps", current.revision()).unwrap();
    for value in 1..50 {
        current = store.write(put("a", value, Expect::Revision(current.revision()))).await.unwrap();
    }
    assert!(watcher.next().await.is_err());
}

#[tokio::test]
async fn a_store_that_was_dropped_opens_again_with_everything() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    for durability in [Durability::Fsync, Durability::Async] {
        let store = Store::open(&path, &options(durability)).unwrap();
        let before = contents(&store);
        let name = format!("{durability:?}").to_lowercase();
        let stored = store.write(put(&name, 7, Expect::Absent)).await.unwrap();
        assert!(before.values().all(|(revision, _)| *revision < stored.revision()));
        let expected = contents(&store);
        drop(store);
        let store = Store::open(&path, &options(durability)).unwrap();
        assert_eq!(contents(&store), expected);
        assert!(store.revision() >= stored.revision());
    }
}

#[test]
fn a_damaged_or_foreign_file_is_an_error_that_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    std::fs::write(&path, vec![7; 8192]).unwrap();
    let error = Store::open(&path, &options(Durability::Fsync)).unwrap_err();
    assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
}

/// A disk that forgets what was not synced when it crashes.
#[derive(Clone, Debug, Default)]
struct Disk {
    state: Arc<Mutex<DiskState>>,
}

#[derive(Debug, Default)]
struct DiskState {
    current: Vec<u8>,
    synced: Vec<u8>,
    /// Syncs that succeed before the power goes.
    syncs_left: Option<u32>,
}

impl Disk {
    /// The disk as it is after a crash.
    fn after_crash(&self) -> Self {
        let synced = self.state.lock().synced.clone();
        let state = DiskState { current: synced.clone(), synced, syncs_left: None };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    fn crash_after(&self, syncs: u32) {
        self.state.lock().syncs_left = Some(syncs);
    }
}

fn no_power() -> io::Error {
    io::Error::other("no power")
}

impl StorageBackend for Disk {
    fn len(&self) -> Result<u64, io::Error> {
        Ok(self.state.lock().current.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
        let start = usize::try_from(offset).unwrap();
        let state = self.state.lock();
        let end = start + out.len();
        out.copy_from_slice(state.current.get(start..end).ok_or_else(no_power)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> Result<(), io::Error> {
        self.state.lock().current.resize(usize::try_from(len).unwrap(), 0);
        Ok(())
    }

    fn sync_data(&self) -> Result<(), io::Error> {
        let mut state = self.state.lock();
        match &mut state.syncs_left {
            Some(0) => return Err(no_power()),
            Some(left) => *left -= 1,
            None => {}
        }
        state.synced = state.current.clone();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        let mut state = self.state.lock();
        if state.syncs_left == Some(0) {
            return Err(no_power());
        }
        let start = usize::try_from(offset).unwrap();
        let end = start + data.len();
        state.current.get_mut(start..end).ok_or_else(no_power)?.copy_from_slice(data);
        Ok(())
    }
}

/// One step of a test: an object, and a new value or its removal.
#[derive(Clone, Debug)]
struct Step {
    name: String,
    value: Option<u32>,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step =
        ("[a-d]", proptest::option::weighted(0.8, 0u32..100)).prop_map(|(name, value)| Step { name, value });
    proptest::collection::vec(step, 1..30)
}

/// Takes a step; returns the revision of the write, `None` when there was nothing to do or no disk.
async fn take(store: &Store, step: &Step) -> Option<u64> {
    let current = store.get("/configmaps", &format!("n/{}", step.name));
    let write = match (&current, step.value) {
        (None, Some(value)) => put(&step.name, value, Expect::Absent),
        (Some(stored), Some(value)) => put(&step.name, value, Expect::Revision(stored.revision())),
        (Some(stored), None) => remove(stored),
        (None, None) => return None,
    };
    store.write(write).await.ok().map(|stored| stored.revision())
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_store_is_a_map_with_growing_revisions(steps in steps()) {
        let store = Store::in_memory(&options(Durability::Memory));
        let mut model: BTreeMap<String, u64> = BTreeMap::new();
        let mut states = vec![(store.revision(), model.clone())];
        for step in &steps {
            if let Some(revision) = runtime().block_on(take(&store, step)) {
                prop_assert!(revision > states.last().unwrap().0);
                match step.value {
                    Some(value) => model.insert(format!("n/{}", step.name), u64::from(value)),
                    None => model.remove(&format!("n/{}", step.name)),
                };
                states.push((revision, model.clone()));
            }
        }
        // Every state that ever was can be listed, and the events lead from one to the next.
        let values = |listing: Listing| -> BTreeMap<String, u64> {
            listing.objects.iter().map(|o| (o.key(), o.value()["data"]["v"].as_u64().unwrap())).collect()
        };
        for (revision, state) in &states {
            prop_assert_eq!(&values(store.list_at("/configmaps", "", *revision).unwrap()), state);
        }
        let mut replayed = BTreeMap::new();
        for event in store.watch("/configmaps", states[0].0).unwrap().drain().unwrap() {
            let value = event.object.value()["data"]["v"].as_u64().unwrap();
            match event.kind {
                EventKind::Deleted => replayed.remove(&event.object.key()),
                _ => replayed.insert(event.object.key(), value),
            };
        }
        prop_assert_eq!(replayed, model);
    }

    #[test]
    fn what_was_acknowledged_survives_a_crash_at_any_sync(steps in steps(), syncs in 0u32..40, fsync in any::<bool>()) {
        let durability = if fsync { Durability::Fsync } else { Durability::Async };
        let disk = Disk::default();
        let store = Store::open_backend(disk.clone(), &options(durability)).unwrap();
        disk.crash_after(syncs);
        let mut acknowledged = contents(&store);
        let mut states = vec![acknowledged.clone()];
        let mut highest = store.revision();
        for step in &steps {
            if let Some(revision) = runtime().block_on(take(&store, step)) {
                highest = highest.max(revision);
                acknowledged = contents(&store);
                states.push(acknowledged.clone());
            }
        }
        let after = disk.after_crash();
        drop(store);
        let reopened = Store::open_backend(after, &options(durability)).unwrap();
        let found = contents(&reopened);
        if fsync {
            // A write that failed for the client may be on the disk all the same; nothing else may differ.
            let differing = found.iter().filter(|(key, value)| acknowledged.get(*key) != Some(value)).count()
                + acknowledged.keys().filter(|key| !found.contains_key(*key)).count();
            prop_assert!(differing <= 1, "{found:?} {acknowledged:?}");
        } else {
            prop_assert!(states.contains(&found), "{found:?} is no state that ever was");
        }
        // No revision is used twice, also when its write was lost.
        let next = runtime().block_on(reopened.write(put("fresh", 1, Expect::Absent))).unwrap();
        prop_assert!(next.revision() > highest || (fsync && next.revision() > found.values().map(|v| v.0).max().unwrap_or(0)));
    }
}
