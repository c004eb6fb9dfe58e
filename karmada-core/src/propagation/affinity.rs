//! Matching clusters against an affinity.

use std::collections::BTreeMap;

use crate::{
    api::{cluster::Cluster, policy::ClusterAffinity},
    object::Selector,
};

/// An affinity that was checked once and is matched many times.
///
/// A selector that is not valid matches no cluster.
#[derive(Clone, Debug)]
pub struct CompiledAffinity<'a> {
    /// Sorted, as there may be thousands.
    names: Vec<&'a str>,
    excluded: Vec<&'a str>,
    labels: Option<Selector>,
    /// Requirements on provider and region.
    fields: Option<Selector>,
    zones: Vec<&'a crate::api::SelectorRequirement>,
    invalid: bool,
}

impl<'a> CompiledAffinity<'a> {
    /// Checks the selectors of an affinity.
    pub fn new(affinity: &'a ClusterAffinity) -> Self {
        let mut invalid = false;
        let labels = affinity.label_selector.as_ref().and_then(|selector| {
            let checked = Selector::from_label_selector(selector);
            invalid |= checked.is_err();
            checked.ok()
        });
        let mut fields = None;
        let mut zones = Vec::new();
        if let Some(selector) = &affinity.field_selector {
            let (zone, other): (Vec<_>, Vec<_>) =
                selector.match_expressions.iter().partition(|requirement| requirement.key == "zone");
            let other: Vec<_> = other.into_iter().cloned().collect();
            let checked = Selector::from_requirements(&other);
            invalid |= checked.is_err();
            fields = checked.ok();
            zones = zone;
        }
        let (names, excluded) = (sorted(&affinity.cluster_names), sorted(&affinity.exclude_clusters));
        Self { names, excluded, labels, fields, zones, invalid }
    }

    /// Returns true when the cluster may be chosen.
    pub fn matches(&self, cluster: &Cluster) -> bool {
        static NO_LABELS: BTreeMap<String, String> = BTreeMap::new();
        self.matches_facts(&ClusterFacts {
            name: cluster.name(),
            labels: cluster.metadata.labels.as_ref().unwrap_or(&NO_LABELS),
            provider: &cluster.spec.provider,
            region: &cluster.spec.region,
            zones: &cluster.spec.zones,
        })
    }

    /// Returns true when the cluster with these facts may be chosen.
    pub fn matches_facts(&self, cluster: &ClusterFacts<'_>) -> bool {
        if self.invalid || self.excluded.binary_search(&cluster.name).is_ok() {
            return false;
        }
        if !self.names.is_empty() && self.names.binary_search(&cluster.name).is_err() {
            return false;
        }
        if self.labels.as_ref().is_some_and(|selector| !selector.matches(cluster.labels)) {
            return false;
        }
        if let Some(selector) = &self.fields {
            let field = |key: &str| match key {
                "provider" => Some(cluster.provider),
                "region" => Some(cluster.region),
                _ => None,
            };
            if !selector.matches_with(|key| field(key).filter(|value| !value.is_empty())) {
                return false;
            }
        }
        self.zones
            .iter()
            .all(|requirement| zones_match(&requirement.operator, &requirement.values, cluster.zones))
    }
}

/// What an affinity looks at of a cluster.
#[derive(Clone, Copy, Debug)]
pub struct ClusterFacts<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its labels.
    pub labels: &'a BTreeMap<String, String>,
    /// Its provider; empty counts as absent.
    pub provider: &'a str,
    /// Its region; empty counts as absent.
    pub region: &'a str,
    /// Its zones.
    pub zones: &'a [String],
}

/// Returns true when an affinity lets the cluster be chosen.
///
/// Excluded names come first; then the label selector, the field selector and the list of names
/// must all let it pass. An absent selector and an empty list let everything pass.
pub fn cluster_matches(cluster: &Cluster, affinity: &ClusterAffinity) -> bool {
    CompiledAffinity::new(affinity).matches(cluster)
}

fn sorted(names: &[String]) -> Vec<&str> {
    let mut sorted: Vec<&str> = names.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    sorted
}

fn zones_match(operator: &str, values: &[String], zones: &[String]) -> bool {
    let overlap = || zones.iter().any(|zone| values.contains(zone));
    match operator {
        "In" => overlap(),
        "NotIn" => !overlap(),
        "Exists" => !zones.is_empty(),
        "DoesNotExist" => zones.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check(affinity: Value, expected: bool) {
        let cluster: Cluster = serde_json::from_value(json!({
            "metadata": {"name": "m1", "labels": {"env": "prod"}},
            "spec": {"provider": "aws", "zones": ["z1", "z2"]}
        }))
        .unwrap();
        let typed = serde_json::from_value(affinity.clone()).unwrap();
        assert_eq!(cluster_matches(&cluster, &typed), expected, "{affinity}");
    }

    fn field(key: &str, operator: &str, values: &[&str]) -> Value {
        json!({"fieldSelector": {"matchExpressions": [{"key": key, "operator": operator, "values": values}]}})
    }

    #[test]
    fn an_empty_affinity_matches_every_cluster() {
        check(json!({}), true);
    }

    #[test]
    fn exclusion_wins_over_names() {
        check(json!({"clusterNames": ["m1"], "exclude": ["m1"]}), false);
    }

    #[test]
    fn all_parts_must_match() {
        check(json!({"clusterNames": ["m1"], "labelSelector": {"matchLabels": {"env": "prod"}}}), true);
        check(json!({"clusterNames": ["m1"], "labelSelector": {"matchLabels": {"env": "dev"}}}), false);
        check(json!({"clusterNames": ["m2"], "labelSelector": {"matchLabels": {"env": "prod"}}}), false);
    }

    #[test]
    fn one_common_zone_is_enough() {
        check(field("zone", "In", &["z2", "z9"]), true);
        check(field("zone", "NotIn", &["z2", "z9"]), false);
        check(field("zone", "Exists", &[]), true);
    }

    #[test]
    fn an_empty_region_counts_as_absent() {
        check(field("provider", "In", &["aws"]), true);
        check(field("region", "NotIn", &["eu"]), true);
        check(field("region", "Exists", &[]), false);
    }
}
