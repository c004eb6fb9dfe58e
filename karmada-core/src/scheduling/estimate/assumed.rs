//! Placements that do not show in what clusters report yet.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{components::sum_by_format, demand::PodSet, models::Nodes};
use crate::api::work::{Component, ComponentRequirements, ResourceBindingSpec, TargetCluster};

/// How long a placement is assumed when nothing is heard of it.
const TIME_TO_LIVE: SignedDuration = SignedDuration::from_mins(5);

/// What one binding is about to run in one cluster.
#[derive(Clone, Debug)]
pub struct AssumedWorkload {
    pods: Vec<PodSet>,
    since: Timestamp,
}

/// Placements that do not show in what clusters report yet, by cluster and binding.
///
/// While they are kept, the room they take is not given away again.
#[derive(Clone, Debug, Default)]
pub struct AssumedWorkloads {
    by_cluster: BTreeMap<String, BTreeMap<String, AssumedWorkload>>,
}

impl AssumedWorkload {
    /// Returns what components take, each with its replicas, from now on.
    pub fn new(components: &[Component], since: Timestamp) -> Self {
        Self { pods: components.iter().map(PodSet::of_component).collect(), since }
    }
}

impl AssumedWorkloads {
    /// Assumes that a binding (`namespace/name`) will run this in a cluster.
    pub fn assume(&mut self, binding: &str, cluster: &str, workload: AssumedWorkload) {
        self.by_cluster.entry(cluster.to_owned()).or_default().insert(binding.to_owned(), workload);
    }

    /// Takes note of a new result: what it adds is assumed, clusters it drops are released.
    pub fn observe_result(
        &mut self,
        binding: &str,
        spec: &ResourceBindingSpec,
        result: &[TargetCluster],
        now: Timestamp,
    ) {
        self.release_all_but(binding, result);
        for target in result {
            let before = spec.clusters.iter().find(|old| old.name == target.name);
            let components = added_components(spec, before, target);
            if components.iter().any(|component| component.replicas > 0) {
                self.assume(binding, &target.name, AssumedWorkload::new(&components, now));
            }
        }
    }

    /// Releases what a binding was assumed to run in a cluster: it runs, or it is gone.
    pub fn release(&mut self, binding: &str, cluster: &str) {
        if let Some(workloads) = self.by_cluster.get_mut(cluster) {
            workloads.remove(binding);
        }
        self.drop_empty();
    }

    /// Releases everything of a binding but the clusters in `targets`.
    pub fn release_all_but(&mut self, binding: &str, targets: &[TargetCluster]) {
        for (cluster, workloads) in &mut self.by_cluster {
            if !targets.iter().any(|target| target.name == *cluster) {
                workloads.remove(binding);
            }
        }
        self.drop_empty();
    }

    /// Releases what was assumed for too long.
    pub fn expire(&mut self, now: Timestamp) {
        for workloads in self.by_cluster.values_mut() {
            workloads.retain(|_, workload| now.duration_since(workload.since) < TIME_TO_LIVE);
        }
        self.drop_empty();
    }

    /// Returns true when nothing is assumed.
    pub fn is_empty(&self) -> bool {
        self.by_cluster.is_empty()
    }

    /// Returns what is assumed for a cluster.
    pub(in crate::scheduling) fn footprint(&self, cluster: &str) -> Option<Footprint<'_>> {
        let workloads = self.by_cluster.get(cluster)?;
        Some(Footprint(workloads.values().map(|workload| workload.pods.as_slice()).collect()))
    }

    fn drop_empty(&mut self) {
        self.by_cluster.retain(|_, workloads| !workloads.is_empty());
    }
}

/// What is assumed for one cluster: the pods of every workload.
pub(in crate::scheduling) struct Footprint<'a>(Vec<&'a [PodSet]>);

impl Footprint<'_> {
    pub(super) fn pods(&self) -> i64 {
        self.0.iter().copied().flatten().fold(0, |sum, pods| sum.saturating_add(pods.replicas))
    }

    /// Returns how much of a resource is taken, in the unit of the resource.
    pub(super) fn used(&self, name: &str) -> i64 {
        let demands = self.0.iter().copied().flatten().flat_map(|pods| {
            pods.demand
                .iter()
                .filter(|one| one.name == name)
                .map(|one| one.amount.saturating_mul(pods.replicas))
        });
        demands.fold(0, i64::saturating_add)
    }

    /// Returns how much of a resource is taken, in the unit of the quantities' formats.
    pub(super) fn used_by_format(&self, name: &str) -> i64 {
        let sums = self.0.iter().map(|pods| sum_by_format(pods).get(name).copied().unwrap_or(0));
        sums.fold(0, i64::saturating_add)
    }

    pub(super) fn place(&self, nodes: &mut Nodes) {
        for pods in &self.0 {
            // What does not fit on the nodes is waiting; it takes no room.
            nodes.place(pods);
        }
    }
}

/// Returns what a target asks for beyond what it had.
fn added_components(
    spec: &ResourceBindingSpec,
    before: Option<&TargetCluster>,
    target: &TargetCluster,
) -> Vec<Component> {
    if spec.components.is_empty() {
        let requirements = spec.replica_requirements.as_ref();
        return vec![Component {
            name: String::new(),
            replicas: target.replicas - before.map_or(0, |before| before.replicas),
            replica_requirements: requirements.map(|requirements| ComponentRequirements {
                resource_request: requirements.resource_request.clone(),
                ..Default::default()
            }),
        }];
    }
    if before.is_some() { Vec::new() } else { spec.components.clone() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn spec() -> ResourceBindingSpec {
        serde_json::from_value(json!({
            "replicas": 5,
            "replicaRequirements": {"resourceRequest": {"cpu": "500m"}},
            "clusters": [{"name": "m1", "replicas": 2}],
        }))
        .unwrap()
    }

    fn target(name: &str, replicas: i32) -> TargetCluster {
        TargetCluster { name: name.into(), replicas, ..Default::default() }
    }

    #[test]
    fn assumes_only_what_a_result_adds() {
        let mut assumed = AssumedWorkloads::default();
        assumed.observe_result("ns/a", &spec(), &[target("m1", 5), target("m2", 1)], Timestamp::UNIX_EPOCH);
        assert_eq!(assumed.footprint("m1").unwrap().used("cpu"), 1500);
        assert_eq!(assumed.footprint("m2").unwrap().pods(), 1);
    }

    #[test]
    fn releases_clusters_that_a_result_drops() {
        let mut assumed = AssumedWorkloads::default();
        assumed.observe_result("ns/a", &spec(), &[target("m2", 3)], Timestamp::UNIX_EPOCH);
        assumed.observe_result("ns/a", &spec(), &[target("m3", 3)], Timestamp::UNIX_EPOCH);
        assert!(assumed.footprint("m2").is_none() && assumed.footprint("m3").is_some());
        assumed.release("ns/a", "m3");
        assert!(assumed.is_empty());
    }

    #[test]
    fn forgets_after_five_minutes() {
        let mut assumed = AssumedWorkloads::default();
        assumed.observe_result("ns/a", &spec(), &[target("m2", 3)], Timestamp::UNIX_EPOCH);
        assumed.expire(Timestamp::from_second(299).unwrap());
        assert!(!assumed.is_empty());
        assumed.expire(Timestamp::from_second(300).unwrap());
        assert!(assumed.is_empty());
    }
}
