//! Backups: taken while writers write, restored as one change, refused when not whole.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::*;
use super::faulty_disk::{Fault, FaultyDisk, Unsynced};
use super::support::{RESOURCE, contents, options, put, remove, runtime};

fn backup_of(store: &Store) -> Vec<u8> {
    let mut bytes = Vec::new();
    store.snapshot().write_to(&mut bytes).unwrap();
    bytes
}

/// Key to value, without revisions.
fn values(store: &Store) -> BTreeMap<String, u64> {
    contents(store).into_iter().map(|(key, (_, value))| (key, value)).collect()
}

#[tokio::test]
async fn a_restored_store_holds_exactly_the_backup() {
    let store = Store::in_memory(&options(Durability::Memory));
    let kept = store.write(put("kept", 1, Expect::Absent)).await.unwrap();
    let changed = store.write(put("changed", 1, Expect::Absent)).await.unwrap();
    let gone = store.write(put("gone", 1, Expect::Absent)).await.unwrap();
    let backup = Backup::read_from(&*backup_of(&store)).unwrap();
    let before = values(&store);
    store.write(put("changed", 2, Expect::Revision(changed.revision()))).await.unwrap();
    store.write(remove(&gone)).await.unwrap();
    store.write(put("new", 1, Expect::Absent)).await.unwrap();
    let latest = store.revision();

    let restored = store.restore(&backup).await.unwrap();
    assert_eq!(values(&store), before);
    let Restored { created, changed, removed, unchanged, revision } = restored;
    assert_eq!((created, changed, removed, unchanged), (1, 1, 1, 1));
    assert_eq!(revision, store.revision());
    assert!(revision > latest + 1_000_000);
    assert_eq!(store.get(RESOURCE, "n/kept").unwrap().revision(), kept.revision());
    // Who watched before starts again.
    assert!(store.watch(RESOURCE, latest).is_err());
    let next = store.write(put("next", 1, Expect::Absent)).await.unwrap();
    assert_eq!(next.revision(), revision + 1);
    // Once more changes nothing but what was done since.
    let again = store.restore(&backup).await.unwrap();
    assert_eq!((again.created, again.changed, again.removed, again.unchanged), (0, 0, 1, 3));
}

#[test]
fn a_backup_that_is_not_whole_restores_nothing() {
    let store = Store::in_memory(&options(Durability::Memory));
    runtime().block_on(async {
        for number in 0..20 {
            store.write(put(&format!("o-{number}"), number, Expect::Absent)).await.unwrap();
        }
    });
    let whole = backup_of(&store);
    assert_eq!(Backup::read_from(&*whole).unwrap().objects.len(), 20);
    for len in 0..whole.len() {
        assert!(Backup::read_from(&whole[..len]).is_err(), "cut off after {len} bytes");
    }
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 16;
        // Some bits only say how much memory reading takes.
        if let Ok(backup) = Backup::read_from(&*damaged) {
            let same = |(resource, draft): &(Arc<str>, Draft)| {
                draft.is_same(&store.get(resource, &draft.key()).unwrap())
            };
            assert!(backup.objects.len() == 20 && backup.objects.iter().all(same), "byte {at}");
        }
    }
    let text = String::from_utf8(zstd::decode_all(&*whole).unwrap()).unwrap();
    let refused = |text: &str| {
        let bytes = zstd::encode_all(text.as_bytes(), 3).unwrap();
        Backup::read_from(&*bytes).unwrap_err().to_string()
    };
    assert!(refused(&text.replace("\"v\":7", "\"v\":8")).contains("checksum"));
    assert!(refused(&text.replace("\"version\":1", "\"version\":2")).contains("newer program"));
    assert!(refused(&text.replace("objects backup", "something")).contains("no backup"));
    assert!(refused("{}").contains("no backup"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_is_of_one_moment() {
    let store = Store::in_memory(&options(Durability::Memory));
    let first = |name| put(name, 0, Expect::Absent);
    let (mut left, mut right) =
        (store.write(first("left")).await.unwrap(), store.write(first("right")).await.unwrap());
    let stop = Arc::new(AtomicBool::new(false));
    let writer = {
        let (store, stop) = (store.clone(), stop.clone());
        tokio::spawn(async move {
            // `left` is never behind `right`, and at most one ahead.
            for value in 1.. {
                left = store.write(put("left", value, Expect::Revision(left.revision()))).await.unwrap();
                right = store.write(put("right", value, Expect::Revision(right.revision()))).await.unwrap();
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        })
    };
    for _ in 0..200 {
        let snapshot = store.snapshot();
        let objects = &snapshot.groups[0].1;
        let value = |at: usize| objects[at].value()["data"]["v"].as_u64().unwrap();
        assert!((0..=1).contains(&(value(0) - value(1))), "{} {}", value(0), value(1));
        assert!(objects.iter().all(|object| object.revision() <= snapshot.revision));
    }
    stop.store(true, Ordering::Relaxed);
    writer.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_waits_for_writers_and_they_for_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    let store = Store::open(&path, &options(Durability::Async)).unwrap();
    for number in 0..50 {
        store.write(put(&format!("o-{number}"), number, Expect::Absent)).await.unwrap();
    }
    let backup = Backup::read_from(&*backup_of(&store)).unwrap();
    let before = values(&store);
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let (store, stop) = (store.clone(), stop.clone());
            tokio::spawn(async move {
                let mut value = 1000;
                while !stop.load(Ordering::Relaxed) {
                    value += 1;
                    let key = format!("o-{}", value % 50);
                    let expect = match store.get(RESOURCE, &format!("n/{key}")) {
                        Some(current) => Expect::Revision(current.revision()),
                        None => Expect::Absent,
                    };
                    match store.write(put(&key, value * 4 + writer, expect)).await {
                        Ok(_) | Err(WriteError::Conflict(_)) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            })
        })
        .collect();
    for _ in 0..5 {
        let restored = store.restore(&backup).await.unwrap();
        assert_eq!(restored.changed + restored.unchanged, 50);
    }
    stop.store(true, Ordering::Relaxed);
    futures::future::try_join_all(writers).await.unwrap();
    store.restore(&backup).await.unwrap();
    assert_eq!(values(&store), before);
    let expected = contents(&store);
    drop(store);
    assert_eq!(contents(&Store::open(&path, &options(Durability::Async)).unwrap()), expected);
}

#[test]
fn a_crash_during_a_restore_leaves_the_old_or_the_new_state() {
    let source = Store::in_memory(&options(Durability::Memory));
    runtime().block_on(async {
        for number in 0..5 {
            source.write(put(&format!("new-{number}"), 1, Expect::Absent)).await.unwrap();
        }
    });
    let backup = Backup::read_from(&*backup_of(&source)).unwrap();
    let (mut old, mut new) = (0, 0);
    for at in 0.. {
        let disk = FaultyDisk::default();
        let store = Store::open_backend(disk.clone(), &options(Durability::Fsync)).unwrap();
        runtime().block_on(store.write(put("old", 1, Expect::Absent))).unwrap();
        let before = values(&store);
        let first = disk.steps();
        disk.fail_at(first + at, Fault::PowerCut);
        let result = runtime().block_on(store.restore(&backup));
        let reached = disk.steps() > first + at;
        for unsynced in [Unsynced::Lost, Unsynced::Kept, Unsynced::Torn(at as u64)] {
            let after = Store::open_backend(disk.after_crash(unsynced), &options(Durability::Fsync)).unwrap();
            let found = values(&after);
            if found == before {
                assert!(result.is_err(), "a restore that was acknowledged is lost");
                old += 1;
            } else {
                assert_eq!(found, values(&source));
                new += 1;
            }
        }
        if !reached {
            break;
        }
    }
    assert!(old > 3 && new > 3, "{old} {new}");
}

#[test]
fn a_file_can_be_backed_up_without_a_server_and_is_not_changed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    let store = Store::open(&path, &options(Durability::Fsync)).unwrap();
    runtime().block_on(store.write(put("a", 1, Expect::Absent))).unwrap();
    assert!(matches!(Snapshot::of_file(&path), Err(OpenError::Locked { .. })));
    let revision = store.revision();
    drop(store);
    let before = std::fs::read(&path).unwrap();
    let snapshot = Snapshot::of_file(&path).unwrap();
    assert_eq!((snapshot.revision, snapshot.len()), (revision, 1));
    assert!(std::fs::read(&path).unwrap() == before);
}
