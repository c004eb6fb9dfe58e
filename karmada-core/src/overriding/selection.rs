//! Which rules of which override policies apply, and in which order.

use serde_json::Value;

use crate::api::cluster::Cluster;
use crate::api::policy::{ClusterAffinity, OverrideSpec, Overriders, RuleWithCluster};
use crate::propagation::{cluster_matches, implicit_priority};

/// A policy by name and spec.
pub(super) type Candidate<'a> = (&'a str, &'a OverrideSpec);

/// Returns whether a policy selects an object; one without selectors selects everything.
pub fn selects(spec: &OverrideSpec, object: &Value) -> bool {
    priority(spec, object).is_some()
}

/// Returns the rules that apply to an object in a cluster, in the order of application.
pub(super) fn select_rules<'a>(
    object: &Value,
    cluster: &Cluster,
    candidates: Vec<Candidate<'a>>,
) -> Vec<(&'a str, &'a Overriders)> {
    let mut selected: Vec<_> = candidates
        .into_iter()
        .filter_map(|(name, spec)| Some((priority(spec, object)?, name, spec)))
        .collect();
    selected.sort_by_key(|(priority, name, _)| (*priority, *name));
    selected
        .into_iter()
        .flat_map(|(_, name, spec)| rules(spec).map(move |(target, overriders)| (name, target, overriders)))
        .filter(|(_, target, _)| target.is_none_or(|affinity| cluster_matches(cluster, affinity)))
        .map(|(name, _, overriders)| (name, overriders))
        .collect()
}
