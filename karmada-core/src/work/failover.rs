//! State that moves along when a workload moves to another cluster.

use std::collections::BTreeMap;

use crate::api::policy::PurgeMode;
use crate::api::work::ResourceBindingSpec;

/// Returns labels with the state that the workload had where it comes from.
///
/// Only a workload in exactly one cluster has a state to move, and only to a cluster it was not in before.
pub(super) fn preserved_labels<'a>(
    spec: &'a ResourceBindingSpec,
    cluster: &str,
) -> Option<&'a BTreeMap<String, String>> {
    if spec.clusters.len() != 1 {
        return None;
    }
    let task = spec.graceful_eviction_tasks.last()?;
    let moved = task.purge_mode == PurgeMode::Directly
        && !task.clusters_before_failover.iter().any(|before| before == cluster);
    moved.then_some(&task.preserved_label_state)
}
