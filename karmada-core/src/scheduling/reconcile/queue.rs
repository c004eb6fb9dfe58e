//! Which bindings a scheduler looks at, and when.

use kube::core::ObjectMeta;

use crate::{
    api::{
        cluster::Cluster,
        policy::constants::{CLUSTER_PROPAGATION_POLICY_ID_LABEL, PROPAGATION_POLICY_ID_LABEL},
        reserved::DEFAULT_SCHEDULER_NAME,
        work::{ResourceBindingSpec, ResourceBindingStatus, constants::BINDING_MANAGED_BY_LABEL},
    },
    propagation::cluster_matches,
};

/// Returns true when a new or changed binding is for the scheduler of this name to look at.
///
/// Bindings that no policy and no controller manages, as those of dependencies, are for none.
pub fn is_in_charge(scheduler_name: &str, metadata: &ObjectMeta, spec: &ResourceBindingSpec) -> bool {
    const LABELS: [&str; 3] =
        [PROPAGATION_POLICY_ID_LABEL, CLUSTER_PROPAGATION_POLICY_ID_LABEL, BINDING_MANAGED_BY_LABEL];
    let labels = metadata.labels.as_ref();
    is_own(scheduler_name, spec)
        && labels.is_some_and(|labels| LABELS.iter().any(|label| labels.contains_key(*label)))
}

/// Returns true when a change of a cluster's labels, spec or deletion concerns a binding.
///
/// It is asked with the cluster before and after the change. With several affinity groups only
/// the one in use is looked at, without those it may overflow into.
pub fn is_affected_by_cluster(
    scheduler_name: &str,
    metadata: &ObjectMeta,
    spec: &ResourceBindingSpec,
    status: Option<&ResourceBindingStatus>,
    cluster: &Cluster,
) -> bool {
    let Some(placement) = spec.placement.as_ref().filter(|_| is_own(scheduler_name, spec)) else {
        return false;
    };
    if placement.cluster_affinities.is_empty() {
        let affinity = placement.cluster_affinity.as_ref();
        return affinity.is_none_or(|affinity| cluster_matches(cluster, affinity));
    }
    let observed_generation = status.map_or(0, |status| status.scheduler_observed_generation);
    if metadata.generation.unwrap_or(0) != observed_generation {
        return true;
    }
    let name = status.map_or("", |status| status.scheduler_observed_affinity_name.as_str());
    let term = placement.cluster_affinities.iter().find(|term| term.affinity_name == name);
    term.is_some_and(|term| cluster_matches(cluster, &term.affinity))
}

fn is_own(scheduler_name: &str, spec: &ResourceBindingSpec) -> bool {
    let wanted = if spec.scheduler_name.is_empty() { DEFAULT_SCHEDULER_NAME } else { &spec.scheduler_name };
    wanted == scheduler_name && !spec.is_scheduling_suspended()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::api::cluster::ClusterSpec;

    fn spec(value: Value) -> ResourceBindingSpec {
        serde_json::from_value(value).unwrap()
    }

    fn managed() -> ObjectMeta {
        serde_json::from_value(json!({"generation": 2, "labels": {PROPAGATION_POLICY_ID_LABEL: "x"}}))
            .unwrap()
    }

    #[test]
    fn looks_at_managed_bindings_of_its_name_that_are_not_suspended() {
        let own = |value| is_in_charge(DEFAULT_SCHEDULER_NAME, &managed(), &spec(value));
        assert!(own(json!({})));
        assert!(!own(json!({"schedulerName": "other"})));
        assert!(!own(json!({"suspension": {"scheduling": true}})));
        assert!(!is_in_charge(DEFAULT_SCHEDULER_NAME, &ObjectMeta::default(), &spec(json!({}))));
    }

    #[test]
    fn a_cluster_concerns_bindings_whose_affinity_selects_it() {
        let affected = |placement: Value, generation: i64, name: &str| {
            let status = ResourceBindingStatus {
                scheduler_observed_generation: generation,
                scheduler_observed_affinity_name: name.into(),
                ..Default::default()
            };
            let cluster = Cluster::new("m1", ClusterSpec::default());
            let spec = spec(json!({"placement": placement}));
            is_affected_by_cluster(
                DEFAULT_SCHEDULER_NAME,
                &ObjectMeta::default(),
                &spec,
                Some(&status),
                &cluster,
            )
        };
        assert!(affected(json!({}), 0, ""));
        assert!(!affected(json!({"clusterAffinity": {"clusterNames": ["m2"]}}), 0, ""));
        let groups = json!({"clusterAffinities": [
            {"affinityName": "a", "clusterNames": ["m1"]},
            {"affinityName": "b", "clusterNames": ["m2"]},
        ]});
        assert!(affected(groups.clone(), 0, "a"));
        assert!(!affected(groups.clone(), 0, "b"));
        assert!(affected(groups, 1, "b"), "a generation that was not looked at yet");
    }
}
