//! Selecting clusters by spread constraints.

mod candidate;
mod cluster;
mod constraints;
mod groups;
mod region;

pub(super) use candidate::Candidate;
pub(super) use constraints::select_candidates;
pub use groups::{SpreadGroup, select_groups};
