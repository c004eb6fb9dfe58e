//! Revisioned objects: an in-memory index over a durable table, with group commit and watch history.
//!
//! **Invariant**: a write becomes visible to reads and watches, and is acknowledged, only after it is as
//! durable as the [`Durability`] asks for. **Invariant**: revisions grow by every write over all resources and
//! are never used twice, also not after a crash.

mod disk;
mod engine;
mod object;
mod resource;
#[cfg(test)]
mod tests;
mod watcher;

pub use disk::OpenError;
pub use engine::{Change, Durability, Expect, Store, StoreOptions, Write, WriteError};
pub use object::{Draft, Stored, object_key};
pub use resource::{Event, EventKind, Expired, Listing};
pub use watcher::Watcher;
