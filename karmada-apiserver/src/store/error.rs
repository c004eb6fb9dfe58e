//! Why a store cannot be opened, and why a write cannot be made durable.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::disk::FORMAT;
use super::object::Stored;

/// Lost objects that a message names; the others are counted.
const NAMED: usize = 5;

/// Why a data file could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(
        "data file {path} is in use by another process; stop that process or choose another data directory"
    )]
    Locked { path: PathBuf },
    #[error(
        "cannot write to {path}; check that it exists, its owner and permissions and that the disk is not full"
    )]
    NotWritable { path: PathBuf, source: io::Error },
    #[error("data file {path} does not exist")]
    Missing { path: PathBuf },
    #[error(
        "data file {path} is damaged: {damage}; restore it from a backup, or move it away to start empty"
    )]
    Damaged { path: PathBuf, damage: Box<Damage> },
    #[error(
        "data file {path} has format {found}, this program reads formats up to {FORMAT}; use a newer program"
    )]
    Format { path: PathBuf, found: u64 },
}

/// What is wrong with a data file, and what is lost with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Damage {
    /// What gave the damage away.
    pub found: String,
    /// Objects that were stored, where the file still says how many.
    pub stored: Option<u64>,
    /// Objects that can still be read whole.
    pub readable: u64,
    /// Objects that cannot be read, as `resource key`; those whose names are lost too are not here.
    pub lost: Vec<String>,
    /// The latest revision that was acknowledged and the one that can be read, where these differ.
    pub rolled_back: Option<(u64, u64)>,
}

/// Why a write could not be made durable.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    #[error("no space is left for the data file")]
    Full(#[source] io::Error),
    #[error("the data file cannot be written")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Why a write did not happen.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The object is not what the writer believed; this is what is there now.
    #[error("object has changed")]
    Conflict(Option<Arc<Stored>>),
    #[error("object of {size} bytes is too large")]
    TooLarge { size: usize },
    #[error("store is closed")]
    Closed,
    /// Reads go on. Later writes are tried again: they succeed when there is space again.
    #[error("write could not be made durable")]
    Commit(#[source] Arc<CommitError>),
}

impl Damage {
    pub(super) fn new(found: impl Into<String>) -> Self {
        Self { found: found.into(), ..Self::default() }
    }

    pub(super) fn of(error: &dyn std::error::Error) -> Self {
        Self::new(error.to_string())
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.found)?;
        match self.stored {
            Some(stored) => write!(f, "; {} of {stored} objects can be read", self.readable)?,
            None => write!(f, "; {} objects can be read, how many were stored is lost", self.readable)?,
        }
        if let Some((acknowledged, read)) = self.rolled_back {
            write!(f, "; changes after revision {read} are lost, up to {acknowledged}")?;
        }
        if !self.lost.is_empty() {
            let named: Vec<_> = self.lost.iter().take(NAMED).map(String::as_str).collect();
            write!(f, "; lost: {}", named.join(", "))?;
            if self.lost.len() > NAMED {
                write!(f, " and {} more", self.lost.len() - NAMED)?;
            }
        }
        Ok(())
    }
}

impl CommitError {
    /// Says whether the disk is full: writes will work again when there is space.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full(_))
    }
}

impl From<redb::Error> for CommitError {
    fn from(error: redb::Error) -> Self {
        match error {
            redb::Error::Io(error) => error.into(),
            error => Self::Failed(Box::new(error)),
        }
    }
}

impl From<io::Error> for CommitError {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        if matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge) {
            Self::Full(error)
        } else {
            Self::Failed(Box::new(error))
        }
    }
}
