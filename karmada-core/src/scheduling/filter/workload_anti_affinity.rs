//! No workload of the same anti-affinity group runs in the cluster.

use crate::scheduling::{ClusterIndex, ScheduleContext, ScheduleInput};

/// Refuses clusters that a workload of the group uses.
pub(super) struct WorkloadAntiAffinity {
    /// By cluster index.
    used: Vec<bool>,
}

impl WorkloadAntiAffinity {
    /// Returns none when the workload is in no group.
    pub(super) fn new(context: &ScheduleContext<'_>, input: &ScheduleInput<'_>) -> Option<Self> {
        let group = &input.spec.workload_affinity_groups.as_ref()?.anti_affinity_group;
        let mut used = vec![false; context.snapshot.len()];
        for (_, clusters) in
            context.groups.anti_affinity_peers(&input.spec.resource.namespace, group, input.name)
        {
            for index in clusters.iter().filter_map(|name| context.snapshot.index_of(name)) {
                used[index.0 as usize] = true;
            }
        }
        Some(Self { used })
    }

    pub(super) fn refuses(&self, cluster: ClusterIndex) -> bool {
        self.used[cluster.0 as usize]
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::scheduling::testing::{case, cluster};

    #[test]
    fn avoids_clusters_of_the_group_in_the_same_namespace() {
        let mut case = case([cluster("a", 1), cluster("b", 1), cluster("c", 1)], 1, json!({}));
        case.options.gates.workload_affinity = true;
        case.spec["workloadAffinityGroups"] = json!({"antiAffinityGroup": "g"});
        for (namespace, name, target) in
            [("shop", "peer", "a"), ("other", "peer", "b"), ("shop", "web-deployment", "c")]
        {
            let peer = json!({
                "metadata": {"namespace": namespace, "name": name, "resourceVersion": "1"},
                "spec": {
                    "clusters": [{"name": target}], "workloadAffinityGroups": {"antiAffinityGroup": "g"},
                },
            });
            case.peers.push(serde_json::from_value(peer).unwrap());
        }
        assert_eq!(case.run(), "b:1 c:1");
    }
}
