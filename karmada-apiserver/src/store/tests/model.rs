//! The store against a map, and what single writers and watchers rely on.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::*;
use super::support::{RESOURCE, contents, options, put, remove, runtime, steps, write_of};

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
                    let current = store.get(RESOURCE, "n/a").unwrap();
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
    assert_eq!(store.get(RESOURCE, "n/a").unwrap().value()["data"]["v"], 40);
}

#[tokio::test]
async fn history_answers_old_lists_until_it_is_dropped() {
    let store = Store::in_memory(&options(Durability::Memory));
    let first = store.write(put("a", 1, Expect::Absent)).await.unwrap();
    let second = store.write(put("a", 2, Expect::Revision(first.revision()))).await.unwrap();
    store.write(remove(&second)).await.unwrap();
    let at = |revision| store.list_at(RESOURCE, "", revision).map(|l| l.objects.len());
    assert_eq!((at(1), at(first.revision()), at(second.revision())), (Ok(0), Ok(1), Ok(1)));
    assert_eq!(store.list_at(RESOURCE, "", first.revision()).unwrap().objects[0].label("v"), Some("1"));
    let mut watcher = store.watch(RESOURCE, first.revision()).unwrap();
    let kinds: Vec<_> = watcher.drain().unwrap().iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::Modified, EventKind::Deleted]);
    store.compact();
    assert!(store.watch(RESOURCE, first.revision()).is_err());
    assert!(store.list_at(RESOURCE, "", first.revision()).is_err());
}

#[tokio::test]
async fn a_watcher_that_falls_behind_is_told() {
    let store = Store::in_memory(&StoreOptions { history_bytes: 4096, ..options(Durability::Memory) });
    let mut current = store.write(put("a", 0, Expect::Absent)).await.unwrap();
    let mut watcher = store.watch(RESOURCE, current.revision()).unwrap();
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_store_is_a_map_with_growing_revisions(steps in steps()) {
        let store = Store::in_memory(&options(Durability::Memory));
        let mut model: BTreeMap<String, u64> = BTreeMap::new();
        let mut states = vec![(store.revision(), model.clone())];
        for step in &steps {
            if let Some(write) = write_of(&store, step) {
                let revision = runtime().block_on(store.write(write)).unwrap().revision();
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
            prop_assert_eq!(&values(store.list_at(RESOURCE, "", *revision).unwrap()), state);
        }
        let mut replayed = BTreeMap::new();
        for event in store.watch(RESOURCE, states[0].0).unwrap().drain().unwrap() {
            let value = event.object.value()["data"]["v"].as_u64().unwrap();
            match event.kind {
                EventKind::Deleted => replayed.remove(&event.object.key()),
                _ => replayed.insert(event.object.key(), value),
            };
        }
        prop_assert_eq!(replayed, model);
    }
}
