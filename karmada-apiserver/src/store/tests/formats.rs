//! Files that earlier versions of this program wrote. A file here never changes: a new format gets a new file.

use serde_json::json;

use super::super::*;
use super::support::{RESOURCE, contents, object, options};

/// Written by the first version of the store: twenty-one ConfigMaps and a Deployment, one of them removed.
const FORMAT_1: &[u8] = include_bytes!("../data/format-1.redb.zst");
/// The same objects, converted.
const FORMAT_2: &[u8] = include_bytes!("../data/format-2.redb.zst");
/// The same objects, converted from format 1.
const FORMAT_3: &[u8] = include_bytes!("../data/format-3.redb.zst");

fn check(store: &Store) {
    assert_eq!(store.revision(), 28);
    let found = contents(store);
    assert_eq!(found.len(), 21);
    assert_eq!(found["n/a"], (5, 4));
    for number in 0..20 {
        assert_eq!(found[&format!("n/b-{number}")], (8 + number, number));
    }
    let stored = store.get(RESOURCE, "n/b-3").unwrap();
    let mut expected = object("b-3", 3);
    expected["metadata"]["resourceVersion"] = json!("11");
    assert_eq!(stored.value(), expected);
    let web = store.get("apps/deployments", "n/web").unwrap();
    assert_eq!((web.revision(), web.kind(), web.api_version()), (28, "Deployment", "apps/v1"));
    assert_eq!(
        (web.label("app"), web.label("quoted"), web.is_deleting()),
        (Some("web"), Some("\"é\n"), true)
    );
    assert_eq!(web.owners().collect::<Vec<_>>(), ["o-1"]);
    assert_eq!(web.value()["spec"]["text"], "x".repeat(9000));
}

#[test]
fn files_of_all_formats_open_and_are_converted() {
    for (format, bytes) in [(1, FORMAT_1), (2, FORMAT_2), (3, FORMAT_3)] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.redb");
        std::fs::write(&path, zstd::decode_all(bytes).unwrap()).unwrap();
        if format == 1 {
            let before = std::fs::read(&path).unwrap();
            assert_eq!(Snapshot::of_file(&path).unwrap().len(), 22);
            assert!(std::fs::read(&path).unwrap() == before, "reading changed the file");
        }
        let store = Store::open(&path, &options(Durability::Fsync)).unwrap();
        check(&store);
        // What changed before is not known: watches of an earlier revision start again.
        assert!(format > 1 || store.watch(RESOURCE, 27).is_err());
        assert!(store.watch(RESOURCE, 28).is_ok());
        assert!(matches!(Store::open(&path, &options(Durability::Fsync)), Err(OpenError::Locked { .. })));
        drop(store);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
        assert_eq!(std::fs::read(&path).unwrap()[16], 3, "the file says its new format");
        check(&Store::open(&path, &options(Durability::Fsync)).unwrap());
        assert_eq!(Snapshot::of_file(&path).unwrap().len(), 22);
    }
}

#[test]
fn a_damaged_file_of_the_first_format_is_not_converted() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.redb");
    let mut bytes = zstd::decode_all(FORMAT_1).unwrap();
    let place = bytes.windows(4).position(|window| window == b"xxxx").unwrap();
    bytes[place] = b'y';
    std::fs::write(&path, &bytes).unwrap();
    let error = Store::open(&path, &options(Durability::Fsync)).unwrap_err();
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
    assert!(std::fs::read(&path).unwrap() == bytes);
}

#[test]
fn a_file_of_a_newer_format_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.redb");
    let mut bytes = zstd::decode_all(FORMAT_3).unwrap();
    bytes[16] = 4;
    std::fs::write(&path, &bytes).unwrap();
    let error = Store::open(&path, &options(Durability::Fsync)).unwrap_err();
    assert!(matches!(error, OpenError::Format { found: 4, .. }), "{error}");
    assert!(std::fs::read(&path).unwrap() == bytes);
}
