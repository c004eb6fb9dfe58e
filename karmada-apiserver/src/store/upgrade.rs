//! Files of format 1: redb alone, objects as JSON, no checksums.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::{ReadableDatabase, ReadableTable, StorageBackend, TableDefinition, TableError};
use serde_json::Value;

use super::disk::{Disk, Flush, Group, Loaded, Marks, Row, Tally, builder, not_usable};
use super::error::{CommitError, Damage, OpenError};
use super::file::{DataFile, WhenMissing};
use super::object::{Draft, Stored};
use super::staged::Staged;

/// (storage key, object key) -> (revision, object as JSON).
const OBJECTS: TableDefinition<'_, (&str, &str), (u64, &[u8])> = TableDefinition::new("objects");
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");

/// Why a file of format 1 could not be read.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error(transparent)]
    Redb(#[from] redb::Error),
    #[error("object {resource} {key} is not JSON")]
    Json { resource: String, key: String },
}

/// Puts a file of the current format in the place of one of format 1. A crash leaves one or the other.
///
/// `file` holds the lock of the old one until the new one has its own and stands in its place.
pub(super) fn convert(path: &Path, file: Arc<dyn StorageBackend>) -> Result<Loaded, OpenError> {
    let (tally, groups) = read(path, &file)?;
    let fresh = PathBuf::from(format!("{}.new", path.display()));
    let failed = |source| not_usable(&fresh, source);
    match std::fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let new_file = Arc::new(DataFile::open(&fresh, WhenMissing::Create)?);
    let written = Disk::create(new_file).and_then(|Loaded { mut disk, .. }| {
        let keys: Vec<_> = groups.iter().flat_map(|(_, objects)| objects.iter().map(Stored::key)).collect();
        let objects = groups
            .iter()
            .flat_map(|(resource, objects)| objects.iter().map(move |object| (resource, object)));
        let rows: Vec<_> = objects
            .zip(&keys)
            .map(|((resource, object), key)| Row {
                resource,
                key,
                revision: object.revision(),
                object: Some(object),
            })
            .collect();
        disk.commit(&rows, tally.marks, Flush::Now)?;
        std::fs::rename(&fresh, path)?;
        sync_directory(path)?;
        Ok(disk)
    });
    let disk = written.map_err(|error| match error {
        CommitError::Full(source) => failed(source),
        CommitError::Failed(source) => failed(io::Error::other(source)),
    })?;
    tracing::info!(path = %path.display(), "converted the data file of format 1");
    Ok(Loaded { tally: disk.tally().clone(), disk, groups })
}

/// Reads a file of format 1 without changing it.
pub(super) fn read(path: &Path, file: &Arc<dyn StorageBackend>) -> Result<(Tally, Vec<Group>), OpenError> {
    let staged = Staged::starting_at(file.clone(), 0).map_err(|source| not_usable(path, source))?;
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| read_all(staged)));
    let damage = match result {
        Ok(Ok((marks, groups))) => {
            return Ok((Tally { marks, ..Tally::default() }, groups));
        }
        Ok(Err(ReadError::Redb(redb::Error::Io(error)))) if error.kind() != io::ErrorKind::UnexpectedEof => {
            return Err(not_usable(path, error));
        }
        Ok(Err(error)) => Damage::of(&error),
        Err(_) => Damage::new("its tree cannot be read"),
    };
    Err(OpenError::Damaged { path: path.to_owned(), damage: Box::new(damage) })
}

fn read_all(staged: Staged) -> Result<(Marks, Vec<Group>), ReadError> {
    let mut database = builder().create_with_backend(staged).map_err(redb::Error::from)?;
    if !database.check_integrity().map_err(redb::Error::from)? {
        return Err(redb::Error::Corrupted("its tree is inconsistent".to_owned()).into());
    }
    let transaction = database.begin_read().map_err(redb::Error::from)?;
    let mut groups: Vec<Group> = Vec::new();
    let mut marks = Marks::default();
    match transaction.open_table(META) {
        Ok(meta) => {
            for entry in meta.iter().map_err(redb::Error::from)? {
                let (key, value) = entry.map_err(redb::Error::from)?;
                match key.value() {
                    "revision" => marks.revision = value.value(),
                    "ceiling" => marks.ceiling = value.value(),
                    _ => {}
                }
            }
        }
        Err(TableError::TableDoesNotExist(_)) => {}
        Err(error) => return Err(redb::Error::from(error).into()),
    }
    // What it kept of its changes does not tell when a resource last changed.
    marks.revision = marks.revision.max(marks.ceiling);
    marks = Marks { revision: marks.revision, ceiling: 0, floor: marks.revision };
    let table = match transaction.open_table(OBJECTS) {
        Ok(table) => table,
        Err(TableError::TableDoesNotExist(_)) => return Ok((marks, groups)),
        Err(error) => return Err(redb::Error::from(error).into()),
    };
    for entry in table.iter().map_err(redb::Error::from)? {
        let (key, value) = entry.map_err(redb::Error::from)?;
        let ((resource, key), (revision, bytes)) = (key.value(), value.value());
        let object: Value = serde_json::from_slice(bytes)
            .map_err(|_| ReadError::Json { resource: resource.to_owned(), key: key.to_owned() })?;
        let stored = Draft::new(&object).seal(revision);
        match groups.last_mut() {
            Some((last, objects)) if &**last == resource => objects.push(stored),
            _ => groups.push((resource.into(), vec![stored])),
        }
    }
    Ok((marks, groups))
}

/// Makes a file's name as durable as its content.
#[cfg(unix)]
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => std::fs::File::open(parent)?.sync_all(),
        _ => std::fs::File::open(".")?.sync_all(),
    }
}

#[cfg(not(unix))]
pub(super) fn sync_directory(_path: &Path) -> io::Result<()> {
    Ok(())
}
