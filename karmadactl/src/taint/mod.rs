//! Taints of Cluster objects: what a command line says, and what becomes of the list.

mod change;
mod spec;
mod write;

pub use change::{Existing, TaintError, TaintOutcome, change_taints};
pub use spec::{SpecError, TaintChange, TaintSpec, parse_changes};
pub use write::{Cordoned, Mark, TaintWriteError, mark_cluster, taint_cluster};
