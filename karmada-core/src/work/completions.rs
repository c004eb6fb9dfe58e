//! Division of a Job's completions between clusters.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::api::work::TargetCluster;
use crate::object;
use crate::scheduling::{ClusterWeight, dispense_replicas};

/// Shares the completions of a Job by the replicas of its clusters; `None` when it has no completions.
pub fn divide_completions(job: &Value, targets: &[&TargetCluster]) -> Option<BTreeMap<String, i64>> {
    let completions = job.pointer("/spec/completions").and_then(Value::as_i64)?;
    let weights: Vec<_> = targets
        .iter()
        .map(|target| ClusterWeight { cluster: target.name.clone(), weight: i64::from(target.replicas) })
        .collect();
    Some(dispense_replicas(completions, &weights, &BTreeMap::new(), object::uid(job)))
}
