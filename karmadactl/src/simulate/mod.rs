//! `simulate`: where resources would go, without a server.
//!
//! [`Draft`] turns files and flags into checked objects and a [`Scene`], [`karmada_core::simulation`] decides, and the
//! other modules print: a row per resource and cluster ([`Rows`]), one document ([`PlacementList`]), an explanation
//! ([`Explainer`]), manifests ([`ManifestDirectory`]), a difference ([`DifferenceList`]). Records are printed as they
//! are made; nothing of them is kept.

mod check;
mod cluster;
mod difference;
mod directory;
mod document;
mod explain;
mod kinds;
mod names;
mod policies;
mod problem;
mod rows;
mod tally;
mod world;

pub use check::check;
pub use cluster::{ClusterError, parse_cluster};
pub use difference::{DifferenceList, Moves, write_table};
pub use directory::{DirectoryError, Existing, ManifestDirectory};
pub use document::PlacementList;
pub use explain::{Explainer, ResourceExplanation};
pub use kinds::{Kinds, label};
pub use names::{object_path, resource_name};
pub use policies::Policies;
pub use problem::{Detail, Part, Problem, Severity, Told, tell, tell_unreadable};
pub use rows::{Columns, Rows, Widths};
pub use tally::{Failure, Tally, count, is_unplaced};
pub use world::{Draft, InputError, Scene, Sources, Warnings};
