//! The numbers behind a decision: how clusters were selected and replicas divided.
//!
//! They are kept as they come up; [`Decision::explain`](super::Decision::explain) makes sentences
//! of them.

use super::{ClusterIndex, DivisionStep, SpreadGroup};

/// How clusters were selected from those that passed the filters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Selection {
    /// It did not come to that: no cluster passed the filters.
    #[default]
    NotReached,
    /// All were, as there are no constraints.
    All,
    /// All were: with weights that do not depend on room, constraints have no effect.
    ConstraintsIgnored,
    /// The most wanted clusters were.
    Clusters(ClusterSelection),
    /// By region.
    Regions(Vec<RegionRating>),
}

/// Numbers of a selection by cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClusterSelection {
    /// How many clusters may be selected.
    pub allowed: usize,
    /// How many replicas must fit; none when room does not matter.
    pub needed: Option<i64>,
    /// How many replicas the selected clusters have room for, with those they have.
    pub room: i64,
    /// How many clusters gave way to others with more room.
    pub exchanged: usize,
}

/// How a region compares with others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegionRating {
    /// Its name, its number of clusters and its weight.
    pub group: SpreadGroup,
    /// Whether it was chosen.
    pub chosen: bool,
}

/// One division of replicas over clusters; with overflow affinities there is one per tier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Division {
    /// The place of the overflow affinity; 0 is the affinity itself.
    pub tier: u16,
    /// The rule of the division.
    pub rule: DivisionRule,
    /// How many replicas it had to hand out.
    pub replicas: i64,
    /// Who took part, sorted by name; empty when the rule does not weigh clusters or there was
    /// too little room.
    pub parts: Vec<Part>,
    /// Who gets a replica that two clusters have the same claim to.
    pub tie_order: TieOrder,
}

/// The rule of a division.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DivisionRule {
    /// Every cluster gets all replicas.
    Copies,
    /// The clusters have the right number already.
    Kept,
    /// By weights of the policy.
    StaticWeight,
    /// By equal weights.
    EqualWeight,
    /// By room.
    DynamicWeight(DivisionStep),
    /// By room, into as few clusters as possible.
    Aggregated(DivisionStep),
}

/// A cluster's part in a division.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The cluster.
    pub cluster: ClusterIndex,
    /// Its weight; never negative.
    pub weight: i64,
    /// The replicas that it won.
    pub seats: i64,
}

/// Who wins when priority and seats are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TieOrder {
    /// The first by name.
    First,
    /// The last by name.
    Last,
}

impl Division {
    /// Begins a division; nobody takes part yet.
    pub(super) fn new(rule: DivisionRule, replicas: i64, tie_order: TieOrder) -> Self {
        Self { tier: 0, rule, replicas, parts: Vec::new(), tie_order }
    }

    /// Returns a cluster's part.
    pub fn part_of(&self, cluster: ClusterIndex) -> Option<&Part> {
        let position = self.parts.binary_search_by_key(&cluster, |part| part.cluster).ok()?;
        self.parts.get(position)
    }
}
