//! How many whole sets of components fit into a cluster.

use std::collections::BTreeMap;

use super::{
    Footprint,
    capacity::Capacity,
    demand::PodSet,
    general::MAX_ESTIMATE,
    limit::{Estimate, Limit, place},
    models::Nodes,
};
use crate::scheduling::Snapshot;

/// A workload with several components, prepared for many clusters.
pub(super) struct ComponentSet {
    components: Vec<PodSet>,
    /// The pods of one set.
    pods: i64,
    /// What one set asks for, in the units of the quantities' formats, sorted by name.
    demand: Vec<SetDemand>,
}

/// How much of one resource a set asks for.
struct SetDemand {
    name: String,
    /// The number of the resource in the snapshot; none when no cluster has it.
    resource: Option<u32>,
    amount: i64,
}

impl ComponentSet {
    pub(super) fn new(components: Vec<PodSet>, snapshot: &Snapshot) -> Self {
        let pods = components.iter().map(|component| component.replicas).sum();
        let one = |(name, amount): (String, i64)| SetDemand {
            resource: snapshot.resource_number(&name),
            name,
            amount,
        };
        let demand = sum_by_format(&components).into_iter().map(one).collect();
        Self { components, pods, demand }
    }

    /// Returns a resource that a set asks for, by its place.
    pub(super) fn resource(&self, place: usize) -> Option<&str> {
        self.demand.get(place).map(|one| one.name.as_str())
    }

    /// Returns how many sets fit: the sums of the cluster are the bound, its nodes decide.
    pub(super) fn estimate(
        &self,
        capacity: &Capacity,
        footprint: Option<&Footprint<'_>>,
        use_models: bool,
    ) -> Estimate {
        let pods = capacity.pods.saturating_sub(footprint.map_or(0, Footprint::pods));
        if pods <= 0 {
            return Estimate::new(0, Limit::Pods);
        }
        if self.pods <= 0 {
            return Estimate::new(pods.min(MAX_ESTIMATE), Limit::Pods);
        }
        let mut sets = Estimate::new((pods / self.pods).min(MAX_ESTIMATE), Limit::Pods);
        for (index, one) in self.demand.iter().enumerate() {
            let Some(free) = capacity.free(one.resource) else {
                return Estimate::new(0, Limit::MissingResource(place(index)));
            };
            let used = footprint.map_or(0, |footprint| footprint.used_by_format(&one.name));
            let free = free.amount_by_format.saturating_sub(used);
            if free <= 0 {
                return Estimate::new(0, Limit::Resource(place(index)));
            }
            sets = sets.at_most(free / one.amount, Limit::Resource(place(index)));
        }
        match &capacity.nodes {
            Some(grades) if use_models && sets.replicas > 0 => {
                let mut nodes = Nodes::new(grades);
                if let Some(footprint) = footprint {
                    footprint.place(&mut nodes);
                }
                sets.at_most(nodes.count_sets(&self.components, sets.replicas), Limit::Nodes)
            }
            _ => sets,
        }
    }
}

/// Returns what pods ask for together, in the units of the quantities' formats.
pub(super) fn sum_by_format(components: &[PodSet]) -> BTreeMap<String, i64> {
    let mut sum: BTreeMap<String, i64> = BTreeMap::new();
    for component in components {
        for one in &component.demand_by_format {
            let entry = sum.entry(one.name.clone()).or_default();
            *entry = entry.saturating_add(one.amount.saturating_mul(component.replicas));
        }
    }
    sum.retain(|_, amount| *amount > 0);
    sum
}
