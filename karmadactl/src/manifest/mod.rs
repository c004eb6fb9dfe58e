//! Reading manifests: YAML or JSON, several documents, Lists, directories, stdin.
//!
//! Every value keeps its place in the file, so errors name file, line, column and field.

mod node;
mod read;
mod unknown_fields;

pub use node::{Location, Node, NodeValue};
pub use read::{Manifest, ManifestError, read_manifests, read_text};
pub use unknown_fields::{UnknownField, unknown_fields};
