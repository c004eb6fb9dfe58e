//! The clusters that a binding wants something in.

use std::collections::BTreeSet;

use crate::api::policy::PurgeMode;
use crate::api::work::{ResourceBindingSpec, TargetCluster};

/// Returns the clusters that get a Work: those the scheduler chose, then those that dependents need it in.
pub fn target_clusters(spec: &ResourceBindingSpec) -> Vec<&TargetCluster> {
    let mut seen = BTreeSet::new();
    spec.clusters
        .iter()
        .chain(spec.required_by.iter().flat_map(|snapshot| &snapshot.clusters))
        .filter(|target| seen.insert(target.name.as_str()))
        .collect()
}

/// Returns the clusters that may have a Work: the targets, and clusters that the workload is leaving gracefully.
pub fn expected_clusters(spec: &ResourceBindingSpec) -> BTreeSet<&str> {
    let leaving = spec.graceful_eviction_tasks.iter().filter(|task| task.purge_mode != PurgeMode::Directly);
    let targets = target_clusters(spec).into_iter().map(|target| target.name.as_str());
    targets.chain(leaving.map(|task| task.from_cluster.as_str())).collect()
}

/// Returns the clusters that the workload must have left before it may go elsewhere.
pub(super) fn clusters_to_purge(spec: &ResourceBindingSpec) -> BTreeSet<&str> {
    let tasks = spec.graceful_eviction_tasks.iter().filter(|task| task.purge_mode == PurgeMode::Directly);
    tasks.map(|task| task.from_cluster.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::work::{BindingSnapshot, GracefulEvictionTask};

    fn target(name: &str, replicas: i32) -> TargetCluster {
        TargetCluster { name: name.to_owned(), replicas, components: Vec::new() }
    }

    #[test]
    fn keeps_works_in_clusters_that_are_left_gracefully() {
        let task = |cluster: &str, purge_mode| GracefulEvictionTask {
            from_cluster: cluster.to_owned(),
            purge_mode,
            ..Default::default()
        };
        let spec = ResourceBindingSpec {
            clusters: vec![target("a", 1)],
            required_by: vec![BindingSnapshot {
                clusters: vec![target("a", 9), target("b", 2)],
                ..Default::default()
            }],
            graceful_eviction_tasks: vec![task("c", PurgeMode::Gracefully), task("d", PurgeMode::Directly)],
            ..Default::default()
        };
        assert_eq!(target_clusters(&spec), vec![&target("a", 1), &target("b", 2)]);
        assert_eq!(expected_clusters(&spec), BTreeSet::from(["a", "b", "c"]));
        assert_eq!(clusters_to_purge(&spec), BTreeSet::from(["d"]));
    }
}
