//! Which actions the remedies call for on a cluster.

use std::collections::BTreeSet;

use crate::api::cluster::Cluster;
use crate::api::remedy::{ClusterConditionOperator, ClusterConditionRequirement, Remedy};

/// Returns the actions for a cluster, sorted: those of every remedy that selects it and finds a condition that it
/// is about.
pub fn remedy_actions<'a>(cluster: &Cluster, remedies: impl IntoIterator<Item = &'a Remedy>) -> Vec<String> {
    let actions: BTreeSet<String> = remedies
        .into_iter()
        .filter(|remedy| selects(remedy, cluster) && calls(remedy, cluster))
        .flat_map(|remedy| &remedy.spec.actions)
        .map(|action| action.as_str().to_owned())
        .collect();
    actions.into_iter().collect()
}

fn selects(remedy: &Remedy, cluster: &Cluster) -> bool {
    remedy
        .spec
        .cluster_affinity
        .as_ref()
        .is_none_or(|affinity| affinity.cluster_names.iter().any(|name| name == cluster.name()))
}

fn calls(remedy: &Remedy, cluster: &Cluster) -> bool {
    let matches = &remedy.spec.decision_matches;
    let mut wanted = matches.iter().filter_map(|decision| decision.cluster_condition_match.as_ref());
    matches.is_empty() || wanted.any(|requirement| holds(requirement, cluster))
}

/// A condition that the cluster does not have calls for nothing.
fn holds(requirement: &ClusterConditionRequirement, cluster: &Cluster) -> bool {
    let conditions = cluster.status.iter().flat_map(|status| &status.conditions);
    let mut named = conditions.filter(|condition| condition.type_ == requirement.condition_type);
    named.any(|condition| match requirement.operator {
        ClusterConditionOperator::Equal => condition.status == requirement.condition_status,
        ClusterConditionOperator::NotEqual => condition.status != requirement.condition_status,
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    fn cluster(status: &str) -> Cluster {
        serde_json::from_value(json!({
            "apiVersion": "cluster.karmada.io/v1alpha1", "kind": "Cluster", "metadata": {"name": "m1"},
            "spec": {}, "status": {"conditions": [{"type": "DNS", "status": status, "reason": "r", "message": ""}]},
        }))
        .unwrap()
    }

    fn remedy(spec: &Value) -> Remedy {
        serde_json::from_value(json!({
            "apiVersion": "remedy.karmada.io/v1alpha1", "kind": "Remedy", "metadata": {"name": "r"}, "spec": spec,
        }))
        .unwrap()
    }

    fn on(kind: &str, operator: &str, status: &str) -> Value {
        json!({"actions": ["TrafficControl"], "decisionMatches": [{"clusterConditionMatch":
            {"conditionType": kind, "operator": operator, "conditionStatus": status}}]})
    }

    #[rstest]
    #[case(json!({"actions": ["TrafficControl"]}), true)]
    #[case(json!({"actions": ["TrafficControl"], "clusterAffinity": {"clusterNames": ["m1"]}}), true)]
    #[case(json!({"actions": ["TrafficControl"], "clusterAffinity": {"clusterNames": ["m2"]}}), false)]
    #[case(on("DNS", "Equal", "False"), true)]
    #[case(on("DNS", "Equal", "True"), false)]
    #[case(on("DNS", "NotEqual", "True"), true)]
    #[case(on("Other", "NotEqual", "True"), false)]
    fn an_action_is_called_for_by_cluster_and_condition(#[case] spec: Value, #[case] expected: bool) {
        assert_eq!(!remedy_actions(&cluster("False"), [&remedy(&spec)]).is_empty(), expected);
    }

    #[test]
    fn an_action_of_two_remedies_is_named_once() {
        let spec = json!({"actions": ["TrafficControl"]});
        assert_eq!(remedy_actions(&cluster("True"), [&remedy(&spec), &remedy(&spec)]), ["TrafficControl"]);
    }
}
