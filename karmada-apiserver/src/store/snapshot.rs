//! All objects of a store at one revision, written to and read from one file.
//!
//! A backup is lines of JSON, compressed by zstd:
//!
//! ```text
//! {"format":"objects backup","version":1,"revision":1234,"objects":2}
//! {"resource":"/configmaps","object":{"kind":"ConfigMap","apiVersion":"v1","metadata":{...}}}
//! {"resource":"apps/deployments","object":{...}}
//! {"end":2,"checksum":"995dc9bbdf1939fa"}
//! ```
//!
//! The checksum is CRC-64/XZ of all lines before the last, with their line ends. A file without a last line
//! that fits is cut off or damaged and restores nothing.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::checksum::Crc64;
use super::disk::{self, Disk};
use super::error::OpenError;
use super::object::{Draft, Stored};

const NAME: &str = "objects backup";
/// Version that is written; all up to this are read.
const VERSION: u64 = 1;
/// Fast, and already a tenth of the size.
const LEVEL: i32 = 3;
/// Longest line that is read: objects are far smaller.
const LONGEST: u64 = 64 << 20;

/// All objects at one revision.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub revision: u64,
    /// Resources in order, and their objects in order of their keys.
    pub groups: Vec<(Arc<str>, Vec<Arc<Stored>>)>,
}

/// What a backup holds.
#[derive(Clone, Debug, Default)]
pub struct Backup {
    /// Revision at which it was taken.
    pub revision: u64,
    pub objects: Vec<(Arc<str>, Draft)>,
}

/// Why a backup cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("the backup cannot be read")]
    Read(#[source] io::Error),
    #[error("the file is no backup")]
    Foreign,
    #[error("the backup has version {0}, this program reads versions up to {VERSION}; use a newer program")]
    Version(u64),
    #[error("line {line} of the backup cannot be read")]
    Line { line: u64, source: serde_json::Error },
    #[error("the backup is cut off: it ends after {found} of {expected} objects")]
    CutOff { found: u64, expected: u64 },
    #[error("the backup is damaged: its checksum is wrong")]
    Checksum,
    #[error("the backup holds {resource} {key} twice")]
    Twice { resource: String, key: String },
}

#[derive(Deserialize)]
struct First {
    format: String,
    version: u64,
    revision: u64,
    objects: u64,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Object { resource: Arc<str>, object: Value },
    Last { end: u64, checksum: String },
}

impl Snapshot {
    /// Reads the file of a store that no process has open, without changing it.
    ///
    /// # Errors
    /// When the file is in use or missing, and when it is damaged.
    pub fn of_file(path: &Path) -> Result<Self, OpenError> {
        let (tally, groups) = Disk::read(path)?;
        Ok(Self { revision: tally.marks.revision.max(tally.marks.ceiling), groups: shared(groups) })
    }

    /// Reads what can be read of a damaged file: the latest whole state of each object.
    ///
    /// Objects that were removed a short time ago may be among them.
    ///
    /// # Errors
    /// When the file is in use, missing or cannot be read at all.
    pub fn salvaged(path: &Path) -> Result<Self, OpenError> {
        let groups = shared(disk::salvage(path)?);
        let revisions = groups.iter().flat_map(|(_, objects)| objects.iter().map(|object| object.revision()));
        Ok(Self { revision: revisions.max().unwrap_or_default(), groups })
    }

    /// Returns how many objects there are.
    pub fn len(&self) -> usize {
        self.groups.iter().map(|(_, objects)| objects.len()).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes everything as a backup.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn write_to(&self, out: impl Write) -> io::Result<()> {
        let mut encoder = zstd::Encoder::new(out, LEVEL)?;
        encoder.include_checksum(true)?;
        let mut checksum = Crc64::new();
        let mut line = Vec::new();
        let mut send = |line: &mut Vec<u8>| {
            line.push(b'\n');
            checksum = checksum.update(line);
            let sent = encoder.write_all(line);
            line.clear();
            sent
        };
        let Self { revision, .. } = self;
        let objects = self.len();
        write!(
            line,
            r#"{{"format":"{NAME}","version":{VERSION},"revision":{revision},"objects":{objects}}}"#
        )?;
        send(&mut line)?;
        for (resource, objects) in &self.groups {
            for object in objects {
                line.extend_from_slice(b"{\"resource\":");
                serde_json::to_writer(&mut line, resource)?;
                line.extend_from_slice(b",\"object\":");
                object.write_typed(&mut line);
                line.push(b'}');
                send(&mut line)?;
            }
        }
        let checksum = checksum.finish();
        writeln!(encoder, r#"{{"end":{objects},"checksum":"{checksum:016x}"}}"#)?;
        encoder.finish()?.flush()
    }
}

impl Backup {
    /// Reads a backup to its end.
    ///
    /// # Errors
    /// When it is not whole.
    pub fn read_from(input: impl Read) -> Result<Self, BackupError> {
        let decoder = zstd::Decoder::new(input).map_err(BackupError::Read)?;
        let mut input = BufReader::new(decoder);
        let mut line = Vec::new();
        if next_line(&mut input, &mut line).map_err(|_| BackupError::Foreign)? == 0 {
            return Err(BackupError::Foreign);
        }
        let first: First = serde_json::from_slice(&line).map_err(|_| BackupError::Foreign)?;
        if first.format != NAME {
            return Err(BackupError::Foreign);
        }
        if first.version > VERSION {
            return Err(BackupError::Version(first.version));
        }
        let mut checksum = Crc64::new().update(&line);
        let mut objects: Vec<(Arc<str>, Draft)> = Vec::new();
        let cut_off = |found: usize| BackupError::CutOff { found: found as u64, expected: first.objects };
        loop {
            match next_line(&mut input, &mut line) {
                Ok(0) => return Err(cut_off(objects.len())),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Err(cut_off(objects.len()));
                }
                Err(error) => return Err(BackupError::Read(error)),
            }
            let number = objects.len() as u64 + 2;
            match serde_json::from_slice(&line)
                .map_err(|source| BackupError::Line { line: number, source })?
            {
                Line::Object { resource, object } => {
                    let resource = match objects.last() {
                        Some((last, _)) if *last == resource => last.clone(),
                        _ => resource,
                    };
                    objects.push((resource, Draft::new(&object)));
                }
                Line::Last { end, checksum: expected } => {
                    if end != first.objects || end != objects.len() as u64 {
                        return Err(cut_off(objects.len()));
                    }
                    if expected != format!("{:016x}", checksum.finish()) {
                        return Err(BackupError::Checksum);
                    }
                    // zstd's own checksum comes last; nothing may follow.
                    return match next_line(&mut input, &mut line) {
                        Ok(0) => Self { revision: first.revision, objects }.checked(),
                        _ => Err(cut_off(objects.len())),
                    };
                }
            }
            checksum = checksum.update(&line);
        }
    }

    /// Checks that every object is there once.
    fn checked(self) -> Result<Self, BackupError> {
        let mut seen = std::collections::HashSet::new();
        for (resource, draft) in &self.objects {
            let key = draft.key();
            if !seen.insert((resource, key.clone())) {
                return Err(BackupError::Twice { resource: resource.to_string(), key });
            }
        }
        Ok(self)
    }
}

fn next_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<usize> {
    line.clear();
    let len = input.take(LONGEST).read_until(b'\n', line)?;
    if len > 0 && line.last() != Some(&b'\n') {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(len)
}

fn shared(groups: Vec<disk::Group>) -> Vec<(Arc<str>, Vec<Arc<Stored>>)> {
    groups
        .into_iter()
        .map(|(resource, objects)| (resource, objects.into_iter().map(Arc::new).collect()))
        .collect()
}
