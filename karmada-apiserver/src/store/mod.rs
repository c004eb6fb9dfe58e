//! Revisioned objects: an in-memory index over a durable table, with group commit and watch history.
//!
//! **Invariant**: a write becomes visible to reads and watches, and is acknowledged, only after it is as
//! durable as the [`Durability`] asks for. **Invariant**: revisions grow by every write over all resources and
//! are never used twice, also not after a crash. **Invariant**: a file that does not hold everything that
//! was acknowledged is not served, and not touched.
//!
//! Start reading at [`Store`]; the file's format is in `docs/architecture.md`.

mod checksum;
mod disk;
mod engine;
mod error;
mod file;
mod header;
mod object;
mod resource;
mod restore;
mod row;
mod snapshot;
mod staged;
#[cfg(test)]
mod tests;
mod upgrade;
mod watcher;
mod writer;

pub use engine::{Change, Durability, Expect, Store, StoreOptions, Write};
pub use error::{CommitError, Damage, OpenError, WriteError};
pub use object::{Draft, Stored, object_key};
pub use resource::{Event, EventKind, Expired, Listing};
pub use restore::Restored;
pub use snapshot::{Backup, BackupError, Snapshot};
pub use watcher::Watcher;
