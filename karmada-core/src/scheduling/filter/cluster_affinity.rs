//! The placement selects the cluster.

use crate::{api::work::ResourceBindingSpec, scheduling::affinity::NO_TIER};

/// Refuses clusters that the affinity does not select, nor, for workloads, one it overflows into.
pub(super) struct ClusterAffinity {
    may_overflow: bool,
}

impl ClusterAffinity {
    pub(super) fn new(spec: &ResourceBindingSpec) -> Self {
        Self { may_overflow: spec.is_workload() }
    }

    /// `tier` is the cluster's place among the affinity (0) and those it overflows into.
    pub(super) fn refuses(&self, tier: u16) -> bool {
        if self.may_overflow { tier == NO_TIER } else { tier != 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lets_only_workloads_overflow() {
        let workload = ClusterAffinity::new(&ResourceBindingSpec { replicas: 1, ..Default::default() });
        let other = ClusterAffinity::new(&ResourceBindingSpec::default());
        assert_eq!([0, 1, NO_TIER].map(|tier| workload.refuses(tier)), [false, false, true]);
        assert_eq!([0, 1, NO_TIER].map(|tier| other.refuses(tier)), [false, true, true]);
    }
}
