//! Duplicated: every cluster gets all replicas.

use super::divide::Share;
use crate::scheduling::select::Candidate;

/// Gives every cluster all replicas.
pub(super) fn divide(replicas: i64, selected: &[Candidate]) -> Vec<Share> {
    selected.iter().map(|candidate| Share { cluster: candidate.cluster, replicas }).collect()
}
