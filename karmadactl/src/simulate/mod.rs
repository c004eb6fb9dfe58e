//! `simulate`: where resources would go, without a server.
//!
//! [`Input::read`] turns files and flags into checked objects, [`karmada_core::simulation`] decides, and the other
//! modules print: a row per resource and cluster, one document, an explanation, manifests, a difference.

mod check;
mod cluster;
mod kinds;
mod problem;

pub use check::check;
pub use cluster::{ClusterError, parse_cluster};
pub use kinds::{Kinds, label};
pub use problem::{Detail, Part, Problem, Severity, Told, tell, tell_unreadable};
