//! Reading manifests: YAML or JSON, several documents, Lists, directories, stdin.
//!
//! [`read_manifests`] keeps the place of every value, for a few objects that are sent to a server. [`Batch`] reads
//! thousands, keeps the values only and finds places when they are asked for. Both name file, line and column.

mod batch;
mod documents;
mod input;
mod node;
mod parse;
mod problem;
mod read;
mod unknown_fields;

pub use batch::{Batch, Locator};
pub use input::{Input, InputReader, MAX_FILE_BYTES, MAX_TOTAL_BYTES, Subdirectories};
pub use node::{Location, Node, NodeValue};
pub use parse::MAX_DEPTH;
pub use problem::ReadProblem;
pub use read::{Manifest, ManifestError, read_documents, read_manifests, read_text};
pub use unknown_fields::{UnknownField, closest, unknown_fields};
