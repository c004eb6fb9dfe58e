//! Damaged files: found, reported, never served as whole, never touched.

use proptest::prelude::*;
use proptest::sample::Index;

use super::super::*;
use super::faulty_disk::{FaultyDisk, Unsynced};
use super::support::{RESOURCE, State, contents, options, put, remove, runtime};

/// Environment variable with the number of damaged files to try.
const CASES: &str = "STORE_FUZZ_CASES";

/// A whole file, two earlier states of it, and what it holds.
struct Sample {
    image: Vec<u8>,
    earlier: [Vec<u8>; 2],
    state: State,
    revision: u64,
}

fn sample(closed: bool) -> Sample {
    let disk = FaultyDisk::default();
    let store = Store::open_backend(disk.clone(), &options(Durability::Fsync)).unwrap();
    let mut earlier = Vec::new();
    runtime().block_on(async {
        for number in 0..40 {
            let stored = store.write(put(&format!("o-{number}"), number, Expect::Absent)).await.unwrap();
            if number % 4 == 1 {
                store
                    .write(put(&format!("o-{number}"), 100 + number, Expect::Revision(stored.revision())))
                    .await
                    .unwrap();
            }
            if number % 4 == 3 {
                store.write(remove(&stored)).await.unwrap();
            }
            if number == 20 || number == 36 {
                earlier.push(disk.after_crash(Unsynced::Kept).bytes());
            }
        }
    });
    let (state, revision) = (contents(&store), store.revision());
    if !closed {
        let image = disk.after_crash(Unsynced::Kept).bytes();
        return Sample { image, earlier: earlier.try_into().unwrap(), state, revision };
    }
    drop(store);
    Sample { image: disk.bytes(), earlier: earlier.try_into().unwrap(), state, revision }
}

#[derive(Clone, Debug)]
enum Harm {
    Flip(Index, u8),
    Fill(Index, usize, u8),
    Noise(Index, Vec<u8>),
    Truncate(Index),
    Append(Vec<u8>),
    SwapPages(Index, Index),
    /// A page as it was earlier, as a disk leaves it that lost a write.
    OldPage(Index, bool),
    OldSector(Index, bool),
}

fn harm() -> impl Strategy<Value = Harm> {
    let noise = prop::collection::vec(any::<u8>(), 1..200);
    prop_oneof![
        4 => (any::<Index>(), 0u8..8).prop_map(|(at, bit)| Harm::Flip(at, bit)),
        2 => (any::<Index>(), 1usize..9000, any::<u8>()).prop_map(|(at, len, byte)| Harm::Fill(at, len, byte)),
        2 => (any::<Index>(), noise.clone()).prop_map(|(at, bytes)| Harm::Noise(at, bytes)),
        1 => any::<Index>().prop_map(Harm::Truncate),
        1 => noise.prop_map(Harm::Append),
        1 => any::<(Index, Index)>().prop_map(|(one, other)| Harm::SwapPages(one, other)),
        2 => any::<(Index, bool)>().prop_map(|(page, which)| Harm::OldPage(page, which)),
        2 => any::<(Index, bool)>().prop_map(|(page, which)| Harm::OldSector(page, which)),
    ]
}

fn apply(sample: &Sample, harm: &Harm) -> Vec<u8> {
    let mut bytes = sample.image.clone();
    let len = bytes.len();
    let mut restore = |at: &Index, which: bool, size: usize| {
        let start = at.index(len / size) * size;
        if let Some(old) = sample.earlier[usize::from(which)].get(start..start + size) {
            bytes[start..start + size].copy_from_slice(old);
        }
    };
    match harm {
        Harm::OldPage(at, which) => restore(at, *which, 4096),
        Harm::OldSector(at, which) => restore(at, *which, 512),
        Harm::Flip(at, bit) => bytes[at.index(len)] ^= 1 << bit,
        Harm::Fill(at, size, byte) => {
            let start = at.index(len);
            bytes[start..(start + size).min(len)].fill(*byte);
        }
        Harm::Noise(at, noise) => {
            let start = at.index(len);
            let end = (start + noise.len()).min(len);
            bytes[start..end].copy_from_slice(&noise[..end - start]);
        }
        Harm::Truncate(at) => bytes.truncate(at.index(len)),
        Harm::Append(more) => bytes.extend_from_slice(more),
        Harm::SwapPages(one, other) => {
            let (one, other) = (one.index(len / 4096) * 4096, other.index(len / 4096) * 4096);
            for at in 0..4096 {
                bytes.swap(one + at, other + at);
            }
        }
    }
    bytes
}

/// Opens a damaged file: it must be refused and left alone, or hold everything.
fn check(sample: &Sample, bytes: Vec<u8>) -> Result<bool, TestCaseError> {
    let empty = bytes.is_empty();
    let disk = FaultyDisk::holding(bytes.clone());
    match Store::open_backend(disk.clone(), &options(Durability::Fsync)) {
        // An empty file is what a new one is.
        Ok(_) if empty => Ok(false),
        Ok(store) => {
            prop_assert_eq!(contents(&store), sample.state.clone());
            prop_assert_eq!(store.revision(), sample.revision);
            Ok(false)
        }
        Err(OpenError::Damaged { damage, .. }) => {
            prop_assert!(disk.bytes() == bytes, "a damaged file was changed");
            prop_assert!(damage.stored.is_none_or(|stored| damage.readable <= stored), "{damage}");
            Ok(true)
        }
        Err(OpenError::Format { .. }) => Ok(true),
        Err(error) => Err(TestCaseError::fail(error.to_string())),
    }
}

fn cases() -> u32 {
    std::env::var(CASES).ok().and_then(|cases| cases.parse().ok()).unwrap_or(300)
}

#[test]
fn a_damaged_file_is_refused_and_untouched_or_as_good_as_whole() {
    let samples = [sample(true), sample(false)];
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: cases(),
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let refused = std::cell::Cell::new(0);
    let run = runner.run(&(any::<bool>(), prop::collection::vec(harm(), 1..3)), |(closed, harms)| {
        let sample = &samples[usize::from(closed)];
        let mut bytes = apply(sample, &harms[0]);
        for harm in &harms[1..] {
            let next =
                Sample { image: bytes, earlier: sample.earlier.clone(), state: State::new(), revision: 0 };
            // A second harm needs something to harm.
            bytes = if next.image.len() < 8192 { next.image } else { apply(&next, harm) };
        }
        refused.set(refused.get() + u32::from(check(sample, bytes)?));
        Ok(())
    });
    run.unwrap();
    assert!(refused.get() > 0);
}

#[test]
fn a_file_of_any_bytes_is_refused() {
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: cases(),
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let sample = sample(true);
    let bytes = (any::<bool>(), prop::collection::vec(any::<u8>(), 1..20_000));
    let run = runner.run(&bytes, |(with_header, noise)| {
        // Behind a header that is right, the noise reaches redb.
        let bytes = if with_header { [&sample.image[..4096 + 9], &noise].concat() } else { noise };
        prop_assert!(check(&sample, bytes)?);
        Ok(())
    });
    run.unwrap();
}

#[test]
fn the_objects_that_are_lost_are_named() {
    let sample = sample(true);
    let needle = br#""name":"o-8","namespace":"n","uid":"o-8""#;
    let mut bytes = sample.image.clone();
    let places: Vec<_> =
        (0..bytes.len() - needle.len()).filter(|at| bytes[*at..].starts_with(needle)).collect();
    for at in places {
        bytes[at + 10] = b'9';
    }
    let error = Store::open_backend(FaultyDisk::holding(bytes), &options(Durability::Fsync)).unwrap_err();
    let OpenError::Damaged { damage, .. } = &error else { panic!("{error}") };
    let objects = sample.state.len() as u64;
    assert_eq!((damage.stored, damage.readable), (Some(objects), objects - 1), "{damage}");
}

#[test]
fn a_file_that_lost_its_latest_commit_is_not_served() {
    // The whole of redb's part is of an earlier moment, and consistent in itself; the header is not.
    let sample = sample(true);
    let mut bytes = sample.earlier[1].clone();
    bytes[..4096].copy_from_slice(&sample.image[..4096]);
    let error = Store::open_backend(FaultyDisk::holding(bytes), &options(Durability::Fsync)).unwrap_err();
    let OpenError::Damaged { damage, .. } = &error else { panic!("{error}") };
    let (acknowledged, read) = damage.rolled_back.unwrap();
    assert_eq!(acknowledged, sample.revision);
    assert!(read < acknowledged && error.to_string().contains("changes after revision"), "{error}");
}

#[test]
fn a_file_whose_header_and_latest_commit_were_both_lost_is_not_served() {
    for sample in [sample(true), sample(false)] {
        let pages = sample.image.len() / 4096;
        let old = &sample.earlier[0];
        for page in 1..pages {
            let mut bytes = sample.image.clone();
            for lost in [0, page] {
                let lost = lost * 4096..(lost + 1) * 4096;
                if let Some(old) = old.get(lost.clone()) {
                    bytes[lost].copy_from_slice(old);
                }
            }
            assert!(check(&sample, bytes).unwrap(), "page {page}");
        }
    }
}

#[test]
fn a_bit_of_any_witness_may_be_lost_together_with_any_bit_of_the_latest_commit() {
    for sample in [sample(true), sample(false)] {
        let old = &sample.earlier[1];
        let changed: Vec<_> = (4096 / 512..sample.image.len() / 512)
            .map(|sector| sector * 512)
            .filter(|at| old.get(*at..at + 512) != Some(&sample.image[*at..at + 512]))
            .collect();
        for (slot, at) in
            [512, 1024, 1536, 2048].iter().flat_map(|slot| changed.iter().map(move |at| (slot, at)))
        {
            for lost_sector in [false, true] {
                let mut bytes = sample.image.clone();
                if lost_sector {
                    bytes[*slot..slot + 512].copy_from_slice(&old[*slot..slot + 512]);
                } else {
                    bytes[*slot] ^= 1;
                }
                bytes[at + 100] ^= 1;
                check(&sample, bytes).unwrap();
            }
        }
    }
}

#[test]
fn what_can_be_read_of_a_damaged_file_can_be_saved() {
    let sample = sample(true);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.redb");
    let mut bytes = sample.image.clone();
    // redb's own header is gone: nothing but a search finds the objects.
    bytes[4096..4096 + 4096].fill(0);
    std::fs::write(&path, &bytes).unwrap();
    let error = Store::open(&path, &options(Durability::Fsync)).unwrap_err();
    let OpenError::Damaged { damage, .. } = &error else { panic!("{error}") };
    assert_eq!(damage.stored, Some(sample.state.len() as u64));
    let saved = Snapshot::salvaged(&path).unwrap();
    let found: State = saved
        .groups
        .iter()
        .flat_map(|(_, objects)| objects)
        .map(|o| (o.key(), (o.revision(), o.value()["data"]["v"].as_u64().unwrap())))
        .collect();
    assert_eq!(saved.groups[0].0.as_ref(), RESOURCE);
    for (key, value) in &sample.state {
        assert_eq!(found.get(key), Some(value), "{key}");
    }
    assert!(std::fs::read(&path).unwrap() == bytes);
}

#[test]
fn a_foreign_file_is_an_error_that_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    std::fs::write(&path, vec![7; 8192]).unwrap();
    let error = Store::open(&path, &options(Durability::Fsync)).unwrap_err();
    assert!(error.to_string().contains("its first page is not that of a data file"), "{error}");
    assert!(matches!(Snapshot::of_file(&directory.path().join("none")), Err(OpenError::Missing { .. })));
}
