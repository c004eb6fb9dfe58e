//! The workloads of the same affinity group run in the cluster.

use crate::scheduling::{ClusterIndex, ScheduleContext, ScheduleInput};

/// Refuses clusters that not every scheduled workload of the group uses.
///
/// The first workload of a group may go anywhere.
pub(super) struct WorkloadAffinity {
    peers: u32,
    /// How many peers use the cluster, by index.
    users: Vec<u32>,
}

impl WorkloadAffinity {
    /// Returns none when the workload is in no group or is its first.
    pub(super) fn new(context: &ScheduleContext<'_>, input: &ScheduleInput<'_>) -> Option<Self> {
        let group = &input.spec.workload_affinity_groups.as_ref()?.affinity_group;
        let mut filter = Self { peers: 0, users: vec![0; context.snapshot.len()] };
        for clusters in context.groups.affinity_peers(&input.spec.resource.namespace, group, input.name) {
            filter.peers += 1;
            for index in clusters.iter().filter_map(|name| context.snapshot.index_of(name)) {
                filter.users[index.0 as usize] += 1;
            }
        }
        (filter.peers > 0).then_some(filter)
    }

    pub(super) fn refuses(&self, cluster: ClusterIndex) -> bool {
        self.users[cluster.0 as usize] < self.peers
    }
}
