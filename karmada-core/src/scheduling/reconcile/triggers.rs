//! When a binding needs scheduling.

use super::applied_placement;
use crate::{
    api::{
        policy::{Placement, ReplicaSchedulingType},
        work::ResourceBindingSpec,
    },
    scheduling::{FeatureGates, ScheduleInput, Snapshot},
};

/// Why a binding needs scheduling; the first that holds, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// The placement is not the one that was last scheduled.
    PlacementChanged,
    /// The clusters do not have the replicas that are wanted.
    ReplicasChanged,
    /// A new schedule from scratch was asked for.
    RescheduleRequested,
    /// The resource has no replicas: clusters that are new may take it too.
    NotAWorkload,
    /// Every cluster gets all replicas: clusters that are new may take them too.
    Duplicated,
    /// A cluster of the result is being deleted.
    ClusterDeleting,
}

/// Returns why a binding needs scheduling; none when its result stands.
///
/// `annotation` is the placement that was last scheduled; `input.affinity_name` the group in use.
pub fn needs_scheduling(
    snapshot: &Snapshot,
    gates: FeatureGates,
    input: &ScheduleInput<'_>,
    annotation: Option<&str>,
) -> Option<Trigger> {
    let spec = input.spec;
    let default = Placement::default();
    let placement = input.placement().unwrap_or(&default);
    if applied_placement::differs(placement, annotation, input.affinity_name) {
        return Some(Trigger::PlacementChanged);
    }
    if replicas_differ(spec, placement, gates) {
        return Some(Trigger::ReplicasChanged);
    }
    if input.is_fresh() {
        return Some(Trigger::RescheduleRequested);
    }
    if !input.has_replicas() {
        return Some(Trigger::NotAWorkload);
    }
    if scheduling_type(placement).is_none_or(|kind| *kind == ReplicaSchedulingType::Duplicated) {
        return Some(Trigger::Duplicated);
    }
    let is_deleting = spec.clusters.iter().any(|target| snapshot.is_deleting(&target.name));
    is_deleting.then_some(Trigger::ClusterDeleting)
}

/// Returns true when the clusters do not have the replicas that are wanted.
fn replicas_differ(spec: &ResourceBindingSpec, placement: &Placement, gates: FeatureGates) -> bool {
    let Some(kind) = scheduling_type(placement) else { return false };
    if gates.multiple_pod_templates_scheduling && !spec.components.is_empty() && spec.clusters.is_empty() {
        return true;
    }
    match kind {
        ReplicaSchedulingType::Duplicated => {
            spec.clusters.iter().any(|target| target.replicas != spec.replicas)
        }
        ReplicaSchedulingType::Divided => {
            let assigned: i64 = spec.clusters.iter().map(|target| i64::from(target.replicas)).sum();
            assigned != i64::from(spec.replicas)
        }
        _ => false,
    }
}

fn scheduling_type(placement: &Placement) -> Option<&ReplicaSchedulingType> {
    placement.replica_scheduling.as_ref().map(|strategy| &strategy.replica_scheduling_type)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    const DIVIDED: &str = r#"{"replicaScheduling":{"replicaSchedulingType":"Divided"}}"#;

    fn divided(fields: Value) -> Value {
        let mut spec = json!({
            "replicas": 3,
            "clusters": [{"name": "m1", "replicas": 3}],
            "placement": serde_json::from_str::<Value>(DIVIDED).unwrap(),
        });
        spec.as_object_mut().unwrap().append(&mut fields.as_object().unwrap().clone());
        spec
    }

    #[rstest]
    #[case::nothing_when_the_result_stands(divided(json!({})), None)]
    #[case::too_few_replicas(divided(json!({"replicas": 4})), Some(Trigger::ReplicasChanged))]
    #[case::another_placement(divided(json!({"placement": {}})), Some(Trigger::PlacementChanged))]
    #[case::a_request_after_the_last_time(
        divided(json!({"rescheduleTriggeredAt": "2025-01-01T00:00:01Z"})), Some(Trigger::RescheduleRequested))]
    #[case::no_request_before_the_last_time(
        divided(json!({"rescheduleTriggeredAt": "2025-01-01T00:00:00Z"})), None)]
    #[case::a_resource_without_replicas(
        divided(json!({"replicas": 0, "clusters": []})), Some(Trigger::NotAWorkload))]
    #[case::a_cluster_that_is_being_deleted(
        divided(json!({"clusters": [{"name": "gone", "replicas": 3}]})), Some(Trigger::ClusterDeleting))]
    fn needs(#[case] spec: Value, #[case] expected: Option<Trigger>) {
        let gone: crate::api::cluster::Cluster = serde_json::from_value(
            json!({"metadata": {"name": "gone", "deletionTimestamp": "2025-01-01T00:00:00Z"}}),
        )
        .unwrap();
        let snapshot = Snapshot::new([&gone]);
        let spec: ResourceBindingSpec = serde_json::from_value(spec).unwrap();
        let input = ScheduleInput {
            name: "b",
            spec: &spec,
            affinity_name: "",
            last_scheduled: Some("2025-01-01T00:00:00Z".parse().unwrap()),
            estimates: None,
        };
        assert_eq!(needs_scheduling(&snapshot, FeatureGates::default(), &input, Some(DIVIDED)), expected);
    }
}
