//! Static weight: by weights that the policy gives to clusters.

use super::{divide::Share, dynamic::Division};
use crate::{api::policy::ClusterPreferences, propagation::CompiledAffinity, scheduling::select::Candidate};

/// Divides by the policy's weights, from scratch and whatever room clusters have.
///
/// A cluster's weight is the highest of the rules that select it; clusters without a weight get
/// nothing, unless none has one: then all weights are equal, as without rules.
pub(super) fn divide(
    division: &Division<'_>,
    weights: Option<&ClusterPreferences>,
    replicas: i64,
    selected: &[Candidate],
) -> Vec<Share> {
    let equal = |candidate: &Candidate| Share { cluster: candidate.cluster, replicas: 1 };
    let Some(weights) = weights else {
        return division.dispense(replicas, selected.iter().map(equal).collect());
    };
    let rules: Vec<(CompiledAffinity<'_>, i64)> = weights
        .static_weight_list
        .iter()
        .map(|rule| (CompiledAffinity::new(&rule.target_cluster), rule.weight))
        .collect();
    let weight_of = |candidate: &Candidate| {
        let facts = division.snapshot.entry(candidate.cluster).facts();
        rules.iter().filter(|(affinity, _)| affinity.matches_facts(&facts)).map(|(_, weight)| *weight).max()
    };
    let mut shares: Vec<Share> = selected
        .iter()
        .map(|candidate| Share { cluster: candidate.cluster, replicas: weight_of(candidate).unwrap_or(0) })
        .filter(|share| share.replicas > 0)
        .collect();
    if shares.is_empty() {
        shares = selected.iter().map(equal).collect();
    }
    division.dispense(replicas, shares)
}
