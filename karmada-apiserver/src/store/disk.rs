//! The durable table: one redb database after the header, with the objects and what is true of all of them.

use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use redb::{
    Database, Durability as RedbDurability, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition,
};

use super::checksum::crc64;
use super::error::{CommitError, Damage, OpenError};
use super::file::{DataFile, WhenMissing};
use super::header::{self, Head, Witness};
use super::object::Stored;
use super::row;
use super::staged::Staged;
use super::upgrade;

/// Version of the file's layout that this program writes. It reads all up to this.
pub(super) const FORMAT: u64 = 3;

/// (resource, object key) -> a row. Under an empty resource: the state of the store and of each resource.
const TABLE: TableDefinition<'_, (&str, &str), &[u8]> = TableDefinition::new("store");
const STATE: (&str, &str) = ("", "");

/// Witnesses that a power cut can take with it: the one of the last synced commit, and the one before when the
/// commit that follows reached the disk and its sync did not end.
const UNSYNCED_WITNESSES: u64 = 2;

/// Everything of a file is in memory already; the page cache only serves commits.
const CACHE_BYTES: usize = 4 << 20;

/// One change to make durable.
pub(super) struct Row<'a> {
    pub(super) resource: &'a Arc<str>,
    pub(super) key: &'a str,
    /// Revision of the change.
    pub(super) revision: u64,
    /// The object, or `None` to remove it.
    pub(super) object: Option<&'a Stored>,
}

/// How far a commit must get before it returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flush {
    Now,
    Later,
}

/// Revisions that a file is marked with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks {
    /// The latest revision that was used.
    pub(super) revision: u64,
    /// Revisions up to this one may have been used by writes that a crash undid.
    pub(super) ceiling: u64,
    /// What changed up to this revision is not known.
    pub(super) floor: u64,
}

/// What is true of one resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// Revision of its latest change.
    pub(super) latest: u64,
    pub(super) objects: u64,
}

/// What is true of all that a file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) marks: Marks,
    pub(super) objects: u64,
    /// Sum of the checksums of all rows.
    pub(super) digest: u64,
    /// The witness that the last commit was to get. 0 in a file that no program of format 3 wrote to.
    pub(super) sequence: u64,
    pub(super) places: HashMap<Arc<str>, Place>,
}

/// The objects of one resource.
pub(super) type Group = (Arc<str>, Vec<Stored>);

/// A data file that is open for commits.
#[derive(Debug)]
pub(super) struct Disk {
    file: Arc<dyn StorageBackend>,
    /// `None` after a commit that failed, until the file is opened again.
    database: Option<Database>,
    witness: Witness,
    tally: Tally,
}

/// What a file held when it was opened.
pub(super) struct Loaded {
    pub(super) disk: Disk,
    pub(super) tally: Tally,
    pub(super) groups: Vec<Group>,
}

/// A file that was read and found whole.
struct Examined {
    database: Database,
    staged: Staged,
    tally: Tally,
    groups: Vec<Group>,
}

impl Disk {
    /// Opens the file, converts it when it is of an older format.
    pub(super) fn open(path: &Path, missing: WhenMissing) -> Result<Loaded, OpenError> {
        let file: Arc<dyn StorageBackend> = Arc::new(DataFile::open(path, missing)?);
        match header::read(&*file).map_err(|source| not_usable(path, source))? {
            Head::Old => return upgrade::convert(path, file),
            Head::New => upgrade::sync_directory(path).map_err(|source| not_usable(path, source))?,
            _ => {}
        }
        Self::open_on(path, file)
    }

    /// Opens a store on any backend; `path` only names it in errors.
    pub(super) fn open_on(path: &Path, file: Arc<dyn StorageBackend>) -> Result<Loaded, OpenError> {
        let failed = |source| not_usable(path, source);
        let head = header::read(&*file).map_err(failed)?;
        if head == Head::New {
            return Self::create(file).map_err(|error| match error {
                CommitError::Full(source) => failed(source),
                CommitError::Failed(source) => failed(std::io::Error::other(source)),
            });
        }
        let witness = witness_of(path, &*file, head)?;
        let Examined { database, staged, tally, groups } = examine(path, &file, &witness)?;
        staged.settle().map_err(failed)?;
        header::write_format(&*file).map_err(failed)?;
        let disk = Self { file, database: Some(database), witness, tally: tally.clone() };
        Ok(Loaded { disk, tally, groups })
    }

    /// Makes a store in a file that has none.
    pub(super) fn create(file: Arc<dyn StorageBackend>) -> Result<Loaded, CommitError> {
        header::create(&*file)?;
        let staged = Staged::new(file.clone())?;
        staged.settle()?;
        let database = builder().create_with_backend(staged).map_err(redb::Error::from)?;
        let tally = Tally::default();
        let mut disk = Self { file, database: Some(database), witness: Witness::default(), tally };
        // The first witness says that the file is complete.
        disk.commit(&[], Marks::default(), Flush::Now)?;
        disk.file.sync_data()?;
        Ok(Loaded { tally: disk.tally.clone(), disk, groups: Vec::new() })
    }

    /// Reads a file without changing it.
    pub(super) fn read(path: &Path) -> Result<(Tally, Vec<Group>), OpenError> {
        let file: Arc<dyn StorageBackend> = Arc::new(DataFile::open(path, WhenMissing::Fail)?);
        let head = header::read(&*file).map_err(|source| not_usable(path, source))?;
        if head == Head::Old {
            return upgrade::read(path, &file);
        }
        let witness = witness_of(path, &*file, head)?;
        let Examined { tally, groups, .. } = examine(path, &file, &witness)?;
        Ok((tally, groups))
    }

    /// Says whether the last commit failed.
    pub(super) fn is_failed(&self) -> bool {
        self.database.is_none()
    }

    /// Opens the file again after a commit that failed; returns revision and key of all that it holds now.
    pub(super) fn reopen(&mut self) -> Result<BTreeMap<(Arc<str>, String), u64>, CommitError> {
        let failed = |error: OpenError| match error {
            OpenError::NotWritable { source, .. } => source.into(),
            error => CommitError::Failed(Box::new(error)),
        };
        let Examined { database, staged, tally, groups } =
            examine(Path::new("being reopened"), &self.file, &self.witness).map_err(failed)?;
        staged.settle()?;
        // A witness that failed may stand in one of its places: what was acknowledged takes both.
        self.write_witness(Witness { sequence: self.witness.sequence + 1, ..self.witness })?;
        self.file.sync_data()?;
        self.database = Some(database);
        self.tally = tally;
        let revisions = groups.into_iter().flat_map(|(resource, objects)| {
            objects.into_iter().map(move |object| ((resource.clone(), object.key()), object.revision()))
        });
        Ok(revisions.collect())
    }

    /// Commits rows as one transaction: all of them or none. Nothing can be committed after a
    /// failure until the file was opened again.
    pub(super) fn commit(&mut self, rows: &[Row<'_>], marks: Marks, flush: Flush) -> Result<(), CommitError> {
        let Some(database) = &self.database else {
            return Err(CommitError::Failed("an earlier write failed".into()));
        };
        let sequence = self.witness.sequence + 1;
        let result = transact(database, &self.tally, rows, (marks, sequence), flush);
        let witnessed = result.map_err(CommitError::from).and_then(|step| {
            self.tally.apply(step);
            if flush == Flush::Now { self.bear_witness() } else { Ok(()) }
        });
        if witnessed.is_err() {
            self.database = None;
        }
        witnessed
    }

    pub(super) fn tally(&self) -> &Tally {
        &self.tally
    }

    fn bear_witness(&mut self) -> Result<(), CommitError> {
        let Tally { marks, objects, digest, .. } = self.tally;
        let sequence = self.witness.sequence + 1;
        self.write_witness(Witness { sequence, revision: marks.revision, objects, digest })
    }

    fn write_witness(&mut self, witness: Witness) -> Result<(), CommitError> {
        header::write_witness(&*self.file, &witness)?;
        self.witness = witness;
        Ok(())
    }
}

/// Finds every whole object in a damaged file, the latest state of each; also some that were removed.
pub(super) fn salvage(path: &Path) -> Result<Vec<Group>, OpenError> {
    let file = DataFile::open(path, WhenMissing::Fail)?;
    let found = search(&file).map_err(|source| not_usable(path, source))?;
    let mut groups: BTreeMap<String, Vec<Stored>> = BTreeMap::new();
    for ((resource, _), object) in found {
        groups.entry(resource).or_default().push(object);
    }
    Ok(groups.into_iter().map(|(resource, objects)| (resource.into(), objects)).collect())
}

fn search(file: &dyn StorageBackend) -> std::io::Result<BTreeMap<(String, String), Stored>> {
    let mut latest: BTreeMap<(String, String), Stored> = BTreeMap::new();
    row::search(file, |resource, object| {
        let key = (resource.to_owned(), object.key());
        if latest.get(&key).is_none_or(|other| other.revision() < object.revision()) {
            latest.insert(key, object);
        }
    })?;
    Ok(latest)
}

pub(super) fn builder() -> redb::Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE_BYTES);
    builder
}

pub(super) fn not_usable(path: &Path, source: std::io::Error) -> OpenError {
    OpenError::NotWritable { path: path.to_owned(), source }
}

/// Returns an error for a damaged file, with what a search through it finds.
pub(super) fn damaged(path: &Path, file: &dyn StorageBackend, damage: Damage) -> OpenError {
    let readable = match search(file) {
        Ok(found) => found.len() as u64,
        Err(source) => return not_usable(path, source),
    };
    // Old states of removed objects are found too.
    let readable = damage.stored.map_or(readable, |stored| readable.min(stored));
    OpenError::Damaged { path: path.to_owned(), damage: Box::new(Damage { readable, ..damage }) }
}

fn witness_of(path: &Path, file: &dyn StorageBackend, head: Head) -> Result<Witness, OpenError> {
    let found = match head {
        Head::Current(witness) => return Ok(witness),
        Head::Newer(found) => return Err(OpenError::Format { path: path.to_owned(), found }),
        Head::New => "it was never completed",
        Head::Old | Head::Foreign => "its first page is not that of a data file",
        Head::Unwitnessed => "its header is damaged",
    };
    Err(damaged(path, file, Damage::new(found)))
}

/// Opens and reads a file, and proves that it holds what was acknowledged. Writes nothing to it.
fn examine(path: &Path, file: &Arc<dyn StorageBackend>, witness: &Witness) -> Result<Examined, OpenError> {
    let staged = Staged::new(file.clone()).map_err(|source| not_usable(path, source))?;
    let fail = |damage: Damage| damaged(path, &**file, Damage { stored: Some(witness.objects), ..damage });
    // redb is careful, but a file may hold anything: what it did not foresee is damage too.
    let opened = catch_unwind(AssertUnwindSafe(|| {
        let mut database = builder().create_with_backend(staged.clone())?;
        let whole = database.check_integrity()?;
        let contents = read_all(&database)?;
        Ok::<_, redb::Error>((database, whole, contents))
    }));
    let (database, whole, contents) = match opened {
        Ok(Ok(opened)) => opened,
        Ok(Err(redb::Error::Io(error))) if !is_about_content(&error) => return Err(not_usable(path, error)),
        Ok(Err(error)) => return Err(fail(Damage::of(&error))),
        Err(_) => return Err(fail(Damage::new("its tree cannot be read"))),
    };
    let damage = contents.damage(witness, whole);
    let Contents { tally: Some(tally), groups, .. } = contents else {
        return Err(fail(damage.unwrap_or_else(|| Damage::new("its state is missing"))));
    };
    match damage {
        None => Ok(Examined { database, staged, tally, groups }),
        Some(damage) => Err(OpenError::Damaged { path: path.to_owned(), damage: Box::new(damage) }),
    }
}

fn is_about_content(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::InvalidData | std::io::ErrorKind::UnexpectedEof)
}

/// What a table holds, whole or not.
#[derive(Default)]
struct Contents {
    tally: Option<Tally>,
    groups: Vec<Group>,
    /// Rows that are not whole.
    lost: Vec<String>,
    objects: u64,
    digest: u64,
}

impl Contents {
    /// Compares what was read with what the file says about itself, and with what was acknowledged.
    fn damage(&self, witness: &Witness, whole: bool) -> Option<Damage> {
        let stored = self.tally.as_ref().map_or(witness.objects, |tally| tally.objects);
        let damage = |found: &str| {
            Some(Damage {
                stored: Some(stored),
                readable: self.objects,
                lost: self.lost.clone(),
                ..Damage::new(found)
            })
        };
        if !self.lost.is_empty() {
            return damage("checksums of objects are wrong");
        }
        let Some(tally) = &self.tally else { return damage("its state is missing") };
        let counted = self.groups.iter().all(|(resource, objects)| {
            tally.places.get(resource).is_some_and(|place| place.objects == objects.len() as u64)
        });
        let empty = |resource: &Arc<str>| !self.groups.iter().any(|(name, _)| name == resource);
        let missing = tally.places.iter().any(|(resource, place)| place.objects > 0 && empty(resource));
        if (self.objects, self.digest) != (tally.objects, tally.digest) || !counted || missing {
            return damage("objects are missing or old");
        }
        if tally.marks.revision < witness.revision {
            let rolled_back = Some((witness.revision, tally.marks.revision));
            return damage("its latest changes are gone").map(|damage| Damage { rolled_back, ..damage });
        }
        let same = (tally.objects, tally.digest) == (witness.objects, witness.digest);
        if tally.marks.revision == witness.revision && !same {
            return damage("it does not hold what was acknowledged");
        }
        if witness.sequence + UNSYNCED_WITNESSES < tally.sequence {
            // Also what it holds may be older than what was acknowledged: nothing is left that could say so.
            return damage("its header is older than its content");
        }
        if whole { None } else { damage("its tree is inconsistent") }
    }
}

fn read_all(database: &Database) -> Result<Contents, redb::Error> {
    let transaction = database.begin_read()?;
    let table = match transaction.open_table(TABLE) {
        Ok(table) => table,
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Contents::default()),
        Err(error) => return Err(error.into()),
    };
    let mut contents = Contents::default();
    for entry in table.iter()? {
        let (key, value) = entry?;
        let ((resource, key), bytes) = (key.value(), value.value());
        if (resource, key) == STATE {
            contents.tally = Tally::decode(bytes);
        } else if resource.is_empty() {
            match (&mut contents.tally, Place::decode(bytes)) {
                (Some(tally), Some(place)) => {
                    tally.places.insert(key.into(), place);
                }
                _ => contents.lost.push(format!("what is known of {key}")),
            }
        } else {
            contents.take(resource, key, bytes);
        }
    }
    Ok(contents)
}

impl Contents {
    fn take(&mut self, resource: &str, key: &str, bytes: &[u8]) {
        let object = row::decode(bytes)
            .filter(|(own_resource, object)| *own_resource == resource && object.key_str() == key);
        let Some((_, object)) = object else {
            self.lost.push(format!("{} {key}", resource.trim_start_matches('/')));
            return;
        };
        self.objects += 1;
        self.digest = self.digest.wrapping_add(row::checksum(bytes));
        match self.groups.last_mut() {
            Some((last, objects)) if &**last == resource => objects.push(object),
            _ => self.groups.push((resource.into(), vec![object])),
        }
    }
}

/// What a transaction makes of the tally.
struct Step {
    marks: Marks,
    sequence: u64,
    objects: u64,
    digest: u64,
    places: BTreeMap<Arc<str>, Place>,
}

fn transact(
    database: &Database,
    tally: &Tally,
    rows: &[Row<'_>],
    (marks, sequence): (Marks, u64),
    flush: Flush,
) -> Result<Step, redb::Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(match flush {
        Flush::Now => RedbDurability::Immediate,
        Flush::Later => RedbDurability::None,
    })?;
    let Tally { objects, digest, .. } = *tally;
    let mut step = Step { marks, sequence, objects, digest, places: BTreeMap::new() };
    {
        let mut table = transaction.open_table(TABLE)?;
        for change in rows {
            let at = (&**change.resource, change.key);
            let place = step.places.entry(change.resource.clone());
            let place =
                place.or_insert_with(|| tally.places.get(change.resource).copied().unwrap_or_default());
            place.latest = place.latest.max(change.revision);
            let new = change.object.map(|object| row::encode(change.resource, object));
            let old = match &new {
                Some(bytes) => table.insert(at, bytes.as_slice())?,
                None => table.remove(at)?,
            };
            if let Some(old) = old {
                place.objects = place.objects.saturating_sub(1);
                step.objects = step.objects.saturating_sub(1);
                step.digest = step.digest.wrapping_sub(row::checksum(old.value()));
            }
            if let Some(new) = new {
                place.objects += 1;
                step.objects += 1;
                step.digest = step.digest.wrapping_add(row::checksum(&new));
            }
        }
        for (resource, place) in &step.places {
            table.insert(("", &**resource), place.encode().as_slice())?;
        }
        table.insert(STATE, step.encode().as_slice())?;
    }
    transaction.commit()?;
    Ok(step)
}

impl Step {
    fn encode(&self) -> Vec<u8> {
        let Marks { revision, ceiling, floor } = self.marks;
        sealed(&[revision, ceiling, floor, self.objects, self.digest, self.sequence])
    }
}

impl Tally {
    fn apply(&mut self, step: Step) {
        let Step { marks, sequence, objects, digest, places } = step;
        self.marks = marks;
        self.sequence = sequence;
        self.objects = objects;
        self.digest = digest;
        self.places.extend(places);
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        // Format 2 has no sequence.
        let numbers = unsealed(bytes).or_else(|| {
            let [revision, ceiling, floor, objects, digest] = unsealed(bytes)?;
            Some([revision, ceiling, floor, objects, digest, 0])
        });
        let [revision, ceiling, floor, objects, digest, sequence] = numbers?;
        let marks = Marks { revision, ceiling, floor };
        Some(Self { marks, objects, digest, sequence, places: HashMap::new() })
    }
}

impl Place {
    fn encode(self) -> Vec<u8> {
        sealed(&[self.latest, self.objects])
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        unsealed(bytes).map(|[latest, objects]| Self { latest, objects })
    }
}

/// Writes numbers and their checksum.
fn sealed(numbers: &[u64]) -> Vec<u8> {
    let mut bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    let checksum = crc64(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes
}

fn unsealed<const N: usize>(bytes: &[u8]) -> Option<[u64; N]> {
    let (numbers, checksum) = bytes.split_at_checked(8 * N)?;
    if checksum != crc64(numbers).to_le_bytes() {
        return None;
    }
    let mut out = [0; N];
    for (number, bytes) in out.iter_mut().zip(numbers.chunks_exact(8)) {
        *number = u64::from_le_bytes(bytes.try_into().ok()?);
    }
    Some(out)
}
