//! A fault at every write, sync and change of length: nothing acknowledged is lost, nothing half is seen.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::super::*;
use super::faulty_disk::{Fault, FaultyDisk, Unsynced};
use super::support::{RESOURCE, State, Step, contents, options, put, runtime, write_of};

/// Creations, changes and removals, also of the same object again.
fn scenario() -> Vec<Step> {
    let step = |name: &str, value| Step { name: name.to_owned(), value };
    vec![
        step("a", Some(1)),
        step("b", Some(1)),
        step("a", Some(2)),
        step("b", None),
        step("c", Some(1)),
        step("b", Some(2)),
        step("a", None),
        step("c", Some(2)),
    ]
}

/// What a run left behind.
struct Run {
    /// The states that were ever acknowledged, oldest first.
    states: Vec<State>,
    /// What the store would hold if the last write that failed had happened, if no later one succeeded.
    in_doubt: Option<State>,
    highest: u64,
}

impl Run {
    fn acknowledged(&self) -> &State {
        self.states.last().unwrap()
    }
}

/// Takes the scenario; checks what readers and watchers see on the way.
fn run(store: &Store) -> Run {
    let mut watcher = store.watch(RESOURCE, store.revision()).unwrap();
    let mut run = Run { states: vec![contents(store)], in_doubt: None, highest: store.revision() };
    let mut expected_events = Vec::new();
    for step in scenario() {
        let Some(write) = write_of(store, &step) else { continue };
        let key = format!("n/{}", step.name);
        let mut next = run.acknowledged().clone();
        match runtime().block_on(store.write(write)) {
            Ok(stored) => {
                assert!(stored.revision() > run.highest, "revision {} again", stored.revision());
                run.highest = stored.revision();
                match step.value {
                    Some(value) => next.insert(key.clone(), (stored.revision(), u64::from(value))),
                    None => next.remove(&key),
                };
                expected_events.push((stored.revision(), key));
                run.states.push(next);
                run.in_doubt = None;
            }
            Err(WriteError::Commit(_)) => {
                match step.value {
                    // The revision is not known: it is compared by its value.
                    Some(value) => next.insert(key, (u64::MAX, u64::from(value))),
                    None => next.remove(&key),
                };
                run.in_doubt.get_or_insert(next);
            }
            Err(error) => panic!("{error}"),
        }
        assert_eq!(&contents(store), run.acknowledged(), "readers see what was acknowledged");
    }
    let events: Vec<_> =
        watcher.drain().unwrap().iter().map(|event| (event.revision(), event.object.key())).collect();
    assert_eq!(events, expected_events, "watchers see every change once");
    run
}

fn is_state(found: &State, state: &State) -> bool {
    found.len() == state.len()
        && found.iter().zip(state).all(
            |((key, (revision, value)), (other_key, (other_revision, other_value)))| {
                key == other_key
                    && value == other_value
                    && (revision == other_revision || *other_revision == u64::MAX)
            },
        )
}

/// Opens the disk after a crash and compares with what the run acknowledged.
fn check(disk: FaultyDisk, durability: Durability, run: &Run, what: &str) {
    let store =
        Store::open_backend(disk, &options(durability)).unwrap_or_else(|error| panic!("{what}: {error}"));
    let found = contents(&store);
    let allowed = match durability {
        Durability::Async => run.states.iter().any(|state| is_state(&found, state)),
        _ => is_state(&found, run.acknowledged()),
    };
    let in_doubt = run.in_doubt.as_ref().is_some_and(|state| is_state(&found, state));
    assert!(allowed || in_doubt, "{what}: {found:?} is not {:?} (or {:?})", run.acknowledged(), run.in_doubt);
    let next = runtime().block_on(store.write(put("fresh", 1, Expect::Absent))).unwrap();
    assert!(next.revision() > run.highest, "{what}: revision {} was used before", next.revision());
}

/// Runs the scenario with a fault at a step; returns whether the step was reached.
fn run_with(durability: Durability, at: usize, fault: Fault) -> bool {
    let disk = FaultyDisk::default();
    disk.fail_at(at, fault);
    let what = format!("{durability:?}, {fault:?} at step {at}");
    let empty = Run { states: vec![State::new()], in_doubt: None, highest: 0 };
    let opened = Store::open_backend(disk.clone(), &options(durability));
    let run = match &opened {
        Ok(store) => run(store),
        Err(OpenError::NotWritable { .. }) => empty,
        Err(error) => panic!("{what}: {error}"),
    };
    // The crash comes before the store is closed...
    for unsynced in [Unsynced::Lost, Unsynced::Kept, Unsynced::Torn(1), Unsynced::Torn(2)] {
        check(disk.after_crash(unsynced), durability, &run, &format!("{what}, {unsynced:?}"));
    }
    drop(opened);
    // ... and after it.
    let reached = disk.steps() > at;
    check(disk.after_crash(Unsynced::Lost), durability, &run, &format!("{what}, closed"));
    reached
}

fn run_at_every_step(durability: Durability, fault: Fault) -> usize {
    (0..100_000).take_while(|at| run_with(durability, *at, fault)).count()
}

#[test]
fn no_power_cut_at_any_step_loses_what_was_acknowledged() {
    assert!(run_at_every_step(Durability::Fsync, Fault::PowerCut) > 60);
}

#[test]
fn no_single_fault_at_any_step_loses_what_was_acknowledged() {
    assert!(run_at_every_step(Durability::Fsync, Fault::Once) > 60);
}

#[test]
fn no_full_disk_at_any_step_loses_what_was_acknowledged() {
    assert!(run_at_every_step(Durability::Fsync, Fault::Full(25)) > 60);
}

#[test]
fn asynchronous_writes_are_lost_from_the_end_only() {
    assert!(run_at_every_step(Durability::Async, Fault::PowerCut) > 20);
    assert!(run_at_every_step(Durability::Async, Fault::Once) > 20);
}

#[test]
fn asynchronous_writes_that_never_pause_reach_the_disk_all_the_same() {
    let disk = FaultyDisk::default();
    let store = Store::open_backend(disk.clone(), &options(Durability::Async)).unwrap();
    let (syncs, start) = (disk.syncs(), Instant::now());
    let mut current = runtime().block_on(store.write(put("a", 0, Expect::Absent))).unwrap();
    for value in 1.. {
        if disk.syncs() > syncs + 2 {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "nothing was synced");
        let write = put("a", value, Expect::Revision(current.revision()));
        current = runtime().block_on(store.write(write)).unwrap();
    }
}

#[test]
fn a_fault_while_a_store_with_objects_is_opened_changes_nothing() {
    let disk = FaultyDisk::default();
    let store = Store::open_backend(disk.clone(), &options(Durability::Fsync)).unwrap();
    let run = run(&store);
    let crashed = disk.after_crash(Unsynced::Kept).bytes();
    drop(store);
    for image in [crashed, disk.bytes()] {
        let mut at = 0;
        loop {
            let disk = FaultyDisk::holding(image.clone());
            disk.fail_at(at, Fault::PowerCut);
            let opened = Store::open_backend(disk.clone(), &options(Durability::Fsync)).map(drop);
            for unsynced in [Unsynced::Lost, Unsynced::Kept, Unsynced::Torn(at as u64)] {
                check(disk.after_crash(unsynced), Durability::Fsync, &run, &format!("open, step {at}"));
            }
            if disk.steps() <= at {
                opened.unwrap();
                break;
            }
            at += 1;
        }
    }
}

#[test]
fn a_full_disk_refuses_writes_and_goes_on_when_there_is_space() {
    let disk = FaultyDisk::default();
    let store = Store::open_backend(disk.clone(), &options(Durability::Fsync)).unwrap();
    let first = runtime().block_on(store.write(put("a", 1, Expect::Absent))).unwrap();
    disk.fail_at(disk.steps(), Fault::Full(usize::MAX / 2));
    for value in 0..3 {
        let refused = runtime().block_on(store.write(put("b", value, Expect::Absent)));
        assert!(matches!(refused, Err(WriteError::Commit(error)) if error.is_full()));
    }
    assert_eq!(contents(&store), BTreeMap::from([("n/a".to_owned(), (first.revision(), 1))]));
    disk.fail_at(usize::MAX, Fault::Once);
    let second = runtime().block_on(store.write(put("b", 7, Expect::Absent))).unwrap();
    assert!(second.revision() > first.revision());
    let expected = contents(&store);
    let reopened =
        Store::open_backend(disk.after_crash(Unsynced::Lost), &options(Durability::Fsync)).unwrap();
    assert_eq!(contents(&reopened), expected);
}
