//! The affinity of a placement and the tiers it may overflow into.

use super::snapshot::ClusterEntry;
use crate::{
    api::policy::{AffinityTerm, Placement},
    propagation::CompiledAffinity,
};

/// The tier of a cluster that matches neither the affinity nor one it may overflow into.
pub(super) const NO_TIER: u16 = 1000;

/// The affinity of a placement that is in force, with what it may overflow into.
pub(super) struct AffinityTiers<'a> {
    primary: Option<CompiledAffinity<'a>>,
    overflow: Vec<CompiledAffinity<'a>>,
}

impl<'a> AffinityTiers<'a> {
    /// Prepares the affinity of a placement; `affinity_name` says which group is in force.
    pub(super) fn new(placement: Option<&'a Placement>, affinity_name: &str) -> Self {
        let none = Self { primary: None, overflow: Vec::new() };
        let Some(placement) = placement else { return none };
        if let Some(affinity) = &placement.cluster_affinity {
            return Self { primary: Some(CompiledAffinity::new(affinity)), overflow: Vec::new() };
        }
        let Some(term) = placement.cluster_affinities.iter().find(|term| term.affinity_name == affinity_name)
        else {
            return none;
        };
        let compile = |term: &'a AffinityTerm| CompiledAffinity::new(&term.affinity);
        Self {
            primary: Some(CompiledAffinity::new(&term.affinity)),
            overflow: term.overflow_affinities.iter().map(compile).collect(),
        }
    }

    /// Returns true when the affinity may overflow.
    pub(super) fn may_overflow(&self) -> bool {
        !self.overflow.is_empty()
    }

    /// Returns 0 when the affinity selects the cluster or there is none, else the position of
    /// the first overflow affinity that does, from 1.
    pub(super) fn tier_of(&self, entry: &ClusterEntry) -> u16 {
        let Some(primary) = &self.primary else { return 0 };
        let facts = entry.facts();
        if primary.matches_facts(&facts) {
            return 0;
        }
        let position = self.overflow.iter().position(|affinity| affinity.matches_facts(&facts));
        position.map_or(NO_TIER, |position| u16::try_from(position + 1).unwrap_or(NO_TIER).min(NO_TIER))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::cluster::{Cluster, ClusterSpec};

    #[test]
    fn counts_tiers_from_the_affinity_on() {
        let placement: Placement = serde_json::from_value(json!({"clusterAffinities": [
            {"affinityName": "a", "clusterNames": ["m1"], "overflowAffinities": [
                {"affinityName": "b", "clusterNames": ["m2"]},
                {"affinityName": "c", "clusterNames": ["m1", "m2", "m3"]},
            ]},
        ]}))
        .unwrap();
        let tier = |affinity_name: &str, cluster: &str| {
            let entry = ClusterEntry::without_resources(&Cluster::new(cluster, ClusterSpec::default()));
            AffinityTiers::new(Some(&placement), affinity_name).tier_of(&entry)
        };
        assert_eq!(["m1", "m2", "m3", "m4"].map(|cluster| tier("a", cluster)), [0, 1, 2, NO_TIER]);
        assert_eq!(tier("unknown", "m4"), 0);
    }
}
