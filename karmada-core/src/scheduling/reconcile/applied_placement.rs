//! The annotation that says which placement was last scheduled.

use crate::{
    api::policy::{ClusterAffinityTerm, Placement},
    object::to_go_json,
};

/// Returns the annotation's value for a placement, byte for byte as Go writes it.
pub(super) fn print(placement: &Placement) -> String {
    to_go_json(placement)
}

/// Returns true when a placement differs from the one in the annotation in a way that needs
/// scheduling.
///
/// Of several affinity groups only the one in use (`affinity_name`) counts; workload affinity
/// does not count. An annotation that is absent or unreadable differs.
pub(super) fn differs(placement: &Placement, annotation: Option<&str>, affinity_name: &str) -> bool {
    let applied: Option<Placement> = annotation.and_then(|text| serde_json::from_str(text).ok());
    let Some(applied) = applied else { return true };
    if placement.cluster_affinity != applied.cluster_affinity
        || placement.cluster_tolerations != applied.cluster_tolerations
        || placement.spread_constraints != applied.spread_constraints
        || placement.replica_scheduling != applied.replica_scheduling
    {
        return true;
    }
    if placement.cluster_affinities.is_empty() && applied.cluster_affinities.is_empty() {
        return false;
    }
    let (new, old) = (term(placement, affinity_name), term(&applied, affinity_name));
    affinity_name.is_empty() || new.is_none() || old.is_none() || new != old
}

fn term<'a>(placement: &'a Placement, name: &str) -> Option<&'a ClusterAffinityTerm> {
    placement.cluster_affinities.iter().find(|term| term.affinity_name == name)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn placement(value: Value) -> Placement {
        serde_json::from_value(value).unwrap()
    }

    fn groups(first: &str, second: &str) -> Placement {
        placement(json!({"clusterAffinities": [
            {"affinityName": "a", "clusterNames": [first]},
            {"affinityName": "b", "clusterNames": [second]},
        ]}))
    }

    #[test]
    fn prints_fields_in_the_order_of_go_and_escapes_like_go() {
        let placement = placement(json!({
            "replicaScheduling": {"replicaSchedulingType": "Duplicated"},
            "clusterTolerations": [{"value": "<&>", "key": "k"}],
            "clusterAffinity": {"exclude": ["x"], "clusterNames": ["m1"]},
        }));
        assert_eq!(
            print(&placement),
            r#"{"clusterAffinity":{"clusterNames":["m1"],"exclude":["x"]},"clusterTolerations":[{"key":"k","value":"\u003c\u0026\u003e"}],"replicaScheduling":{"replicaSchedulingType":"Duplicated"}}"#
        );
    }

    #[test]
    fn differs_without_an_annotation_or_with_an_unreadable_one() {
        assert!(differs(&Placement::default(), None, ""));
        assert!(differs(&Placement::default(), Some("{"), ""));
        assert!(!differs(&Placement::default(), Some("{}"), ""));
    }

    #[test]
    fn looks_only_at_the_affinity_group_in_use() {
        let applied = print(&groups("m1", "m2"));
        assert!(!differs(&groups("m1", "other"), Some(&applied), "a"));
        assert!(differs(&groups("other", "m2"), Some(&applied), "a"));
        assert!(differs(&groups("m1", "m2"), Some(&applied), ""));
        assert!(differs(&groups("m1", "m2"), Some(&applied), "gone"));
    }

    #[test]
    fn ignores_workload_affinity() {
        let changed = placement(json!({"workloadAffinity": {"affinity": {"groupByLabelKey": "app"}}}));
        assert!(!differs(&changed, Some("{}"), ""));
    }
}
