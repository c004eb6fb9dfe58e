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
        for (_, clusters) in context.groups.affinity_peers(&input.spec.resource.namespace, group, input.name)
        {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::scheduling::testing::{TestCase, case, cluster};

    fn grouped(peers: &[&[&str]]) -> TestCase {
        let mut case = case([cluster("a", 1), cluster("b", 1), cluster("c", 1)], 1, json!({}));
        case.options.gates.workload_affinity = true;
        case.spec["workloadAffinityGroups"] = json!({"affinityGroup": "g"});
        for (number, clusters) in peers.iter().enumerate() {
            let clusters: Vec<_> = clusters.iter().map(|name| json!({"name": name})).collect();
            let peer = json!({
                "metadata": {"namespace": "shop", "name": format!("peer{number}"), "resourceVersion": "1"},
                "spec": {"clusters": clusters, "workloadAffinityGroups": {"affinityGroup": "g"}},
            });
            case.peers.push(serde_json::from_value(peer).unwrap());
        }
        case
    }

    #[test]
    fn lets_the_first_workload_of_a_group_go_anywhere() {
        assert_eq!(grouped(&[]).run(), "a:1 b:1 c:1");
    }

    #[test]
    fn follows_where_all_workloads_of_the_group_are() {
        assert_eq!(grouped(&[&["a", "b"], &["b", "c"]]).run(), "b:1");
    }

    #[test]
    fn keeps_a_cluster_that_is_used_already() {
        assert_eq!(grouped(&[&["b"]]).held(&[("a", 1)]).run(), "a:1 b:1");
    }

    #[test]
    fn does_nothing_without_the_gate() {
        let mut case = grouped(&[&["b"]]);
        case.options.gates.workload_affinity = false;
        assert_eq!(case.run(), "a:1 b:1 c:1");
    }
}
