//! The workload is not leaving the cluster.

use crate::{api::work::GracefulEvictionTask, scheduling::snapshot::ClusterEntry};

/// Refuses clusters that the workload is being evicted from.
pub(super) struct ClusterEviction<'a> {
    tasks: &'a [GracefulEvictionTask],
}

impl<'a> ClusterEviction<'a> {
    pub(super) fn new(tasks: &'a [GracefulEvictionTask]) -> Self {
        Self { tasks }
    }

    pub(super) fn refuses(&self, entry: &ClusterEntry) -> bool {
        self.tasks.iter().any(|task| task.from_cluster == entry.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::cluster::{Cluster, ClusterSpec};

    #[test]
    fn refuses_only_clusters_with_a_task() {
        let tasks = [GracefulEvictionTask { from_cluster: "m1".into(), ..Default::default() }];
        let filter = ClusterEviction::new(&tasks);
        let refuses = |name| {
            filter.refuses(&ClusterEntry::without_resources(&Cluster::new(name, ClusterSpec::default())))
        };
        assert!(refuses("m1") && !refuses("m2"));
    }
}
