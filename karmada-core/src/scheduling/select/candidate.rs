//! A cluster that passed the filters.

use std::cmp::{Ordering, Reverse};

use crate::scheduling::{ClusterIndex, Verdict};

/// A cluster that passed the filters, with all that selection and division look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scheduling) struct Candidate {
    pub(in crate::scheduling) cluster: ClusterIndex,
    /// Place of the overflow affinity; 0 when the affinity does not overflow.
    pub(in crate::scheduling) tier: u16,
    pub(in crate::scheduling) score: i64,
    /// How many further replicas fit.
    pub(in crate::scheduling) allocatable: i64,
    /// How many replicas fit with those it has.
    pub(in crate::scheduling) available: i64,
}

impl Candidate {
    /// Reads a verdict; `held` are the replicas that the cluster has already.
    pub(in crate::scheduling) fn new(verdict: &Verdict, held: Option<i32>, may_overflow: bool) -> Self {
        let allocatable = i64::from(verdict.estimate.unwrap_or(0));
        Self {
            cluster: verdict.cluster,
            tier: if may_overflow { verdict.tier } else { 0 },
            score: verdict.scores().map(|(_, score)| i64::from(score)).sum(),
            allocatable,
            available: allocatable + i64::from(held.unwrap_or(0)),
        }
    }

    /// Compares how much a cluster is wanted: tier, score, room, name.
    pub(in crate::scheduling) fn cmp_preference(&self, other: &Self) -> Ordering {
        let key = |one: &Self| (one.tier, Reverse(one.score), Reverse(one.available), one.cluster);
        key(self).cmp(&key(other))
    }
}
