//! The general estimator: how many replicas fit by the cluster's own report.

use super::{
    Footprint,
    capacity::Capacity,
    components::ComponentSet,
    demand::{Demand, PodSet, demand_of},
    limit::{Estimate, Limit, place},
    models::Nodes,
};
use crate::{
    api::{policy::SpreadField, work::ResourceBindingSpec},
    scheduling::{FeatureGates, ScheduleContext, ScheduleInput, snapshot::ClusterEntry},
};

/// The largest estimate; it also stands for "nobody knows".
pub(super) const MAX_ESTIMATE: i64 = i32::MAX as i64;

/// Estimates the room for one binding, prepared for many clusters.
pub(in crate::scheduling) struct Estimator<'a> {
    workload: Workload,
    gates: FeatureGates,
    context: ScheduleContext<'a>,
    input: ScheduleInput<'a>,
}

enum Workload {
    /// Nothing to count.
    None,
    /// Equal pods; without requirements only their number counts.
    Pods(Option<PodDemand>),
    /// Sets of components.
    Sets(ComponentSet),
}

/// What one pod asks for.
struct PodDemand {
    demand: Demand,
    /// The numbers of the resources in the snapshot; none when no cluster has it.
    resources: Vec<Option<u32>>,
}

impl PodDemand {
    fn new(demand: Demand, number: impl Fn(&str) -> Option<u32>) -> Self {
        Self { resources: demand.iter().map(|one| number(&one.name)).collect(), demand }
    }
}

impl<'a> Estimator<'a> {
    pub(in crate::scheduling) fn new(context: &ScheduleContext<'a>, input: &ScheduleInput<'a>) -> Self {
        let spec = input.spec;
        let gates = context.options.gates;
        let workload = if spec.replicas == 0 && spec.components.is_empty() {
            Workload::None
        } else if places_component_sets(spec, gates) {
            let pods = spec.components.iter().map(PodSet::of_component).collect();
            Workload::Sets(ComponentSet::new(pods, context.snapshot))
        } else {
            let requirements = spec.replica_requirements.as_ref();
            Workload::Pods(requirements.map(|requirements| {
                let demand = demand_of(&requirements.resource_request);
                PodDemand::new(demand, |name| context.snapshot.resource_number(name))
            }))
        };
        Self { workload, gates, context: *context, input: *input }
    }

    /// Returns how many further replicas, or sets of components, fit into a cluster.
    ///
    /// The least answer of all estimators counts; without any answer all replicas fit.
    pub(in crate::scheduling) fn estimate(&self, entry: &ClusterEntry) -> (i32, Limit) {
        if matches!(self.workload, Workload::None) {
            return (i32::MAX, Limit::None);
        }
        let not_reported = Estimate::new(0, Limit::NotReported);
        let mut estimate = entry.capacity.as_ref().map_or(not_reported, |capacity| {
            let footprint = self.footprint(entry);
            self.estimate_general(capacity, footprint.as_ref())
        });
        if let Some(accurate) = self.input.estimates.and_then(|estimates| estimates.get(&entry.name)) {
            estimate = estimate.at_most(i64::from(*accurate), Limit::Estimator);
        }
        if estimate.replicas == MAX_ESTIMATE {
            return (self.input.spec.replicas, Limit::None);
        }
        (estimate.replicas as i32, estimate.limit)
    }

    /// Returns true when the workload takes room.
    pub(in crate::scheduling) fn counts(&self) -> bool {
        !matches!(self.workload, Workload::None)
    }

    /// Returns true when whole sets of components are counted.
    pub(in crate::scheduling) fn counts_sets(&self) -> bool {
        matches!(self.workload, Workload::Sets(_))
    }

    /// Returns a resource of a [`Limit`], with what a replica asks for where replicas are counted.
    pub(in crate::scheduling) fn resource(&self, place: u16) -> Option<(&str, Option<i64>)> {
        match &self.workload {
            Workload::None => None,
            Workload::Sets(set) => set.resource(usize::from(place)).map(|name| (name, None)),
            Workload::Pods(demand) => {
                let one = demand.as_ref()?.demand.get(usize::from(place))?;
                Some((one.name.as_str(), Some(one.amount)))
            }
        }
    }

    /// Returns how much of a resource is free in a cluster, in the unit of the resource.
    pub(in crate::scheduling) fn amount_free(&self, entry: &ClusterEntry, name: &str) -> Option<i64> {
        let resource = self.context.snapshot.resource_number(name);
        entry.capacity.as_ref()?.free(resource).map(|free| free.amount)
    }

    /// Returns how many pods are assumed in a cluster though it does not report them yet.
    pub(in crate::scheduling) fn assumed_pods(&self, entry: &ClusterEntry) -> i64 {
        self.footprint(entry).map_or(0, |footprint| footprint.pods())
    }

    fn footprint(&self, entry: &ClusterEntry) -> Option<Footprint<'a>> {
        let assumed = self.gates.scheduling_overcommit_protection.then_some(self.context.assumed);
        assumed.and_then(|assumed| assumed.footprint(&entry.name))
    }

    fn estimate_general(&self, capacity: &Capacity, footprint: Option<&Footprint<'_>>) -> Estimate {
        let use_models = self.gates.customized_cluster_resource_modeling;
        let estimate = match &self.workload {
            Workload::None => Estimate::new(MAX_ESTIMATE, Limit::None),
            Workload::Sets(set) => set.estimate(capacity, footprint, use_models),
            Workload::Pods(demand) => estimate_pods(capacity, demand.as_ref(), footprint, use_models),
        };
        Estimate { replicas: estimate.replicas.clamp(0, MAX_ESTIMATE), ..estimate }
    }
}

/// Returns true when the components of a workload go to one cluster as whole sets.
pub(in crate::scheduling) fn places_component_sets(spec: &ResourceBindingSpec, gates: FeatureGates) -> bool {
    let constraints = spec.placement.iter().flat_map(|placement| &placement.spread_constraints);
    gates.multiple_pod_templates_scheduling
        && !spec.components.is_empty()
        && constraints.into_iter().any(|constraint| {
            constraint.spread_by_field == SpreadField::Cluster
                && constraint.min_groups == 1
                && constraint.max_groups == 1
        })
}

fn estimate_pods(
    capacity: &Capacity,
    demand: Option<&PodDemand>,
    footprint: Option<&Footprint<'_>>,
    use_models: bool,
) -> Estimate {
    let pods = capacity.pods.saturating_sub(footprint.map_or(0, Footprint::pods));
    let mut estimate = Estimate::new(pods, Limit::Pods);
    let Some(demand) = demand.filter(|_| pods > 0) else { return estimate };
    if let Some(grades) = capacity.nodes.as_ref().filter(|_| use_models) {
        let mut nodes = Nodes::new(grades);
        if let Some(footprint) = footprint {
            footprint.place(&mut nodes);
        }
        return estimate.at_most(nodes.count_pods(&demand.demand), Limit::Nodes);
    }
    for (index, (one, resource)) in demand.demand.iter().zip(&demand.resources).enumerate() {
        let Some(free) = capacity.free(*resource) else {
            return Estimate::new(0, Limit::MissingResource(place(index)));
        };
        let used = footprint.map_or(0, |footprint| footprint.used(&one.name));
        let fit = free.amount.saturating_sub(used).max(0) / one.amount;
        estimate = estimate.at_most(fit, Limit::Resource(place(index)));
    }
    estimate
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::scheduling::numbers::Numbers;

    fn estimate(summary: Value, demand: Option<Value>) -> i64 {
        let mut numbers = Numbers::default();
        let summary = serde_json::from_value(summary).unwrap();
        let capacity = Capacity::new(&summary, &[], |name| numbers.number(name));
        let demand = demand.map(|demand| {
            let demand = demand_of(&serde_json::from_value(demand).unwrap());
            PodDemand::new(demand, |name| numbers.find(name))
        });
        estimate_pods(&capacity, demand.as_ref(), None, true).replicas.clamp(0, MAX_ESTIMATE)
    }

    #[test]
    fn the_scarcest_resource_decides() {
        let summary = json!({"allocatable": {"cpu": "10", "memory": "4Gi", "pods": "100"}});
        assert_eq!(estimate(summary, Some(json!({"cpu": "500m", "memory": "1Gi"}))), 4);
    }

    #[test]
    fn without_requirements_only_pods_count() {
        let summary = json!({"allocatable": {"cpu": "1", "pods": "100"}, "allocated": {"pods": "40"}});
        assert_eq!(estimate(summary, None), 60);
    }

    #[test]
    fn nothing_fits_without_a_resource_that_is_asked_for() {
        let summary = json!({"allocatable": {"cpu": "10", "pods": "100"}});
        assert_eq!(estimate(summary.clone(), Some(json!({"nvidia.com/gpu": "1"}))), 0);
        assert_eq!(estimate(summary, Some(json!({"nvidia.com/gpu": "0"}))), 100);
    }

    #[test]
    fn an_overcommitted_cluster_has_no_room() {
        let summary =
            json!({"allocatable": {"cpu": "1", "pods": "10"}, "allocated": {"cpu": "2", "pods": "20"}});
        assert_eq!(estimate(summary, Some(json!({"cpu": "1m"}))), 0);
    }
}
