//! The durable table: one redb file with the objects and the store's revision.

use std::path::{Path, PathBuf};

use redb::{
    Database, DatabaseError, Durability as RedbDurability, ReadableDatabase, ReadableTable, StorageBackend,
    StorageError, TableDefinition,
};

use super::object::Stored;

/// Version of the file's layout that this program reads and writes.
const FORMAT: u64 = 1;

/// (storage key, object key) -> (revision, object as JSON).
const OBJECTS: TableDefinition<'_, (&str, &str), (u64, &[u8])> = TableDefinition::new("objects");
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
const META_FORMAT: &str = "format";
const META_REVISION: &str = "revision";
/// Revisions up to this one may have been used by writes that a crash undid.
const META_CEILING: &str = "ceiling";

/// Everything of a file is in memory already; the page cache only serves commits.
const CACHE_BYTES: usize = 8 << 20;

/// Why a data directory could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(
        "data file {path} is in use by another process; stop that process or choose another data directory"
    )]
    Locked { path: PathBuf },
    #[error(
        "cannot write to {path}; check that it exists, its owner and permissions and that the disk is not full"
    )]
    NotWritable { path: PathBuf, source: std::io::Error },
    #[error("data file {path} is damaged; restore it from a backup, or move it away to start empty")]
    Damaged { path: PathBuf, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("data file {path} has format {found}, this program reads format {FORMAT}; use a newer program")]
    Format { path: PathBuf, found: u64 },
}

/// One change to make durable.
pub(super) struct Row<'a> {
    pub(super) resource: &'a str,
    pub(super) key: &'a str,
    pub(super) revision: u64,
    /// The object, or `None` to remove it.
    pub(super) object: Option<Vec<u8>>,
}

/// How far a commit must get before it returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flush {
    Now,
    Later,
}

#[derive(Debug)]
pub(super) struct Disk {
    database: Database,
}

/// What a file held when it was opened.
pub(super) struct Loaded {
    pub(super) disk: Disk,
    pub(super) revision: u64,
    pub(super) objects: Vec<(String, Stored)>,
}

impl Disk {
    /// Opens or creates the file.
    pub(super) fn open(path: &Path) -> Result<Loaded, OpenError> {
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)
                .map_err(|source| OpenError::NotWritable { path: parent.to_owned(), source })?;
        }
        restrict(path)?;
        let database = Database::builder()
            .set_cache_size(CACHE_BYTES)
            .create(path)
            .map_err(|error| open_error(path, error))?;
        Self::load(path, database)
    }

    /// Opens a store on any backend; `path` only names it in errors.
    #[cfg_attr(not(test), expect(dead_code, reason = "crash tests bring their own backend"))]
    pub(super) fn open_backend(path: &Path, backend: impl StorageBackend) -> Result<Loaded, OpenError> {
        let database = Database::builder()
            .set_cache_size(CACHE_BYTES)
            .create_with_backend(backend)
            .map_err(|error| open_error(path, error))?;
        Self::load(path, database)
    }

    fn load(path: &Path, database: Database) -> Result<Loaded, OpenError> {
        let (revision, objects) = read_all(path, &database)?;
        let disk = Self { database };
        disk.write_meta(META_FORMAT, FORMAT).map_err(|error| damaged(path, error))?;
        Ok(Loaded { disk, revision, objects })
    }

    /// Commits rows as one transaction: all of them or none.
    pub(super) fn commit(&self, rows: &[Row<'_>], revision: u64, flush: Flush) -> Result<(), redb::Error> {
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(match flush {
            Flush::Now => RedbDurability::Immediate,
            Flush::Later => RedbDurability::None,
        })?;
        {
            let mut objects = transaction.open_table(OBJECTS)?;
            for row in rows {
                let key = (row.resource, row.key);
                match &row.object {
                    Some(bytes) => objects.insert(key, (row.revision, bytes.as_slice()))?,
                    None => objects.remove(key)?,
                };
            }
            transaction.open_table(META)?.insert(META_REVISION, revision)?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// Reserves the revisions up to `ceiling` for writes that are not yet durable.
    pub(super) fn reserve(&self, ceiling: u64) -> Result<(), redb::Error> {
        self.write_meta(META_CEILING, ceiling)
    }

    fn write_meta(&self, key: &str, value: u64) -> Result<(), redb::Error> {
        let transaction = self.database.begin_write()?;
        transaction.open_table(META)?.insert(key, value)?;
        transaction.commit()?;
        Ok(())
    }
}

fn read_all(path: &Path, database: &Database) -> Result<(u64, Vec<(String, Stored)>), OpenError> {
    let damaged = |error: redb::Error| damaged(path, error);
    let read = || -> Result<_, redb::Error> {
        let transaction = database.begin_read()?;
        let meta = match transaction.open_table(META) {
            Ok(meta) => meta,
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let number = |key| Ok::<_, redb::Error>(meta.get(key)?.map(|value| value.value()));
        let format = number(META_FORMAT)?.unwrap_or(FORMAT);
        let revision = number(META_REVISION)?.unwrap_or(0).max(number(META_CEILING)?.unwrap_or(0));
        Ok(Some((transaction, format, revision)))
    };
    let Some((transaction, format, revision)) = read().map_err(damaged)? else {
        return Ok((0, Vec::new()));
    };
    if format != FORMAT {
        return Err(OpenError::Format { path: path.to_owned(), found: format });
    }
    let mut objects = Vec::new();
    let table = match transaction.open_table(OBJECTS) {
        Ok(table) => table,
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok((revision, objects)),
        Err(error) => return Err(damaged(error.into())),
    };
    for row in table.iter().map_err(|error| damaged(error.into()))? {
        let (key, value) = row.map_err(|error| damaged(error.into()))?;
        let (resource, _) = key.value();
        let (row_revision, bytes) = value.value();
        let stored = Stored::from_disk(row_revision, bytes)
            .map_err(|error| OpenError::Damaged { path: path.to_owned(), source: Box::new(error) })?;
        objects.push((resource.to_owned(), stored));
    }
    Ok((revision, objects))
}

/// Creates the file readable by its owner only: it holds Secrets.
#[cfg(unix)]
fn restrict(path: &Path) -> Result<(), OpenError> {
    use std::os::unix::fs::OpenOptionsExt;
    let not_writable = |source| OpenError::NotWritable { path: path.to_owned(), source };
    std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(not_writable)?;
    Ok(())
}

#[cfg(not(unix))]
fn restrict(_path: &Path) -> Result<(), OpenError> {
    Ok(())
}

fn open_error(path: &Path, error: DatabaseError) -> OpenError {
    let path = path.to_owned();
    match error {
        DatabaseError::DatabaseAlreadyOpen => OpenError::Locked { path },
        DatabaseError::Storage(StorageError::Io(source))
            if source.kind() != std::io::ErrorKind::InvalidData
                && source.kind() != std::io::ErrorKind::UnexpectedEof =>
        {
            OpenError::NotWritable { path, source }
        }
        error => OpenError::Damaged { path, source: Box::new(error) },
    }
}

fn damaged(path: &Path, error: redb::Error) -> OpenError {
    OpenError::Damaged { path: path.to_owned(), source: Box::new(error) }
}
