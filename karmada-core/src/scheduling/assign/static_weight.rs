//! Static weight: by weights that the policy gives to clusters.

use super::{divide::Share, dynamic::Divider};
use crate::{
    api::policy::ClusterPreferences,
    propagation::CompiledAffinity,
    scheduling::{Division, DivisionRule, select::Candidate},
};

/// Divides by the policy's weights, from scratch and whatever room clusters have.
///
/// A cluster's weight is the highest of the rules that select it; clusters without a weight get
/// nothing, unless none has one: then all weights are equal, as without rules.
pub(super) fn divide(
    divider: &Divider<'_>,
    weights: Option<&ClusterPreferences>,
    replicas: i64,
    selected: &[Candidate],
) -> (Division, Vec<Share>) {
    let divide = |rule, weights: &[Share]| {
        let mut division = divider.begin(rule, replicas);
        let shares = Divider::dispense(&mut division, weights);
        (division, shares)
    };
    let equal = |candidate: &Candidate| Share { cluster: candidate.cluster, replicas: 1 };
    let by_equal_weight =
        || divide(DivisionRule::EqualWeight, &selected.iter().map(equal).collect::<Vec<Share>>());
    let Some(weights) = weights else { return by_equal_weight() };
    let rules: Vec<(CompiledAffinity<'_>, i64)> = weights
        .static_weight_list
        .iter()
        .map(|rule| (CompiledAffinity::new(&rule.target_cluster), rule.weight))
        .collect();
    let weight_of = |candidate: &Candidate| {
        let facts = divider.snapshot.entry(candidate.cluster).facts();
        rules.iter().filter(|(affinity, _)| affinity.matches_facts(&facts)).map(|(_, weight)| *weight).max()
    };
    let shares: Vec<Share> = selected
        .iter()
        .map(|candidate| Share { cluster: candidate.cluster, replicas: weight_of(candidate).unwrap_or(0) })
        .filter(|share| share.replicas > 0)
        .collect();
    if shares.is_empty() {
        return by_equal_weight();
    }
    divide(DivisionRule::StaticWeight, &shares)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::scheduling::testing::{case, cluster, weighted};

    fn divide(weights: Value) -> String {
        case([cluster("a", 1), cluster("b", 1), cluster("c", 1)], 6, weighted(weights))
            .held(&[("c", 6)])
            .run()
    }

    fn rule(names: &[&str], weight: i64) -> Value {
        json!({"targetCluster": {"clusterNames": names}, "weight": weight})
    }

    #[test]
    fn divides_by_weight_whatever_room_and_history() {
        assert_eq!(divide(json!({"staticWeightList": [rule(&["a"], 2), rule(&["b"], 1)]})), "a:4 b:2");
    }

    #[test]
    fn takes_the_highest_weight_of_several_rules() {
        assert_eq!(divide(json!({"staticWeightList": [rule(&["a", "b"], 1), rule(&["b"], 2)]})), "a:2 b:4");
    }

    #[test]
    fn divides_equally_without_weights_or_without_a_cluster_that_has_one() {
        assert_eq!(divide(Value::Null), "a:2 b:2 c:2");
        assert_eq!(divide(json!({"staticWeightList": [rule(&["gone"], 1)]})), "a:2 b:2 c:2");
    }
}
