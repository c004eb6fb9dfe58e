//! Cluster affinities, prepared for matching many clusters.

use super::snapshot::ClusterEntry;
use crate::api::{
    SelectorRequirement,
    cluster::Cluster,
    policy::{AffinityTerm, ClusterAffinity, Placement},
};

/// The tier of a cluster that matches neither the affinity nor one it may overflow into.
pub(super) const NO_TIER: u16 = 1000;

/// A [`ClusterAffinity`], prepared for matching many clusters.
pub struct CompiledAffinity<'a> {
    affinity: &'a ClusterAffinity,
    names: Vec<&'a str>,
    excluded: Vec<&'a str>,
}

impl<'a> CompiledAffinity<'a> {
    /// Prepares an affinity.
    pub fn new(affinity: &'a ClusterAffinity) -> Self {
        Self {
            affinity,
            names: sorted(&affinity.cluster_names),
            excluded: sorted(&affinity.exclude_clusters),
        }
    }

    /// Returns true when the affinity selects the cluster.
    ///
    /// Everything the affinity says must hold; an affinity that says nothing selects all.
    pub fn matches(&self, cluster: &Cluster) -> bool {
        self.matches_entry(&ClusterEntry::without_resources(cluster))
    }

    pub(super) fn matches_entry(&self, entry: &ClusterEntry) -> bool {
        let name = entry.name.as_str();
        if self.excluded.binary_search(&name).is_ok() {
            return false;
        }
        if !self.names.is_empty() && self.names.binary_search(&name).is_err() {
            return false;
        }
        if let Some(selector) = &self.affinity.label_selector {
            let value = |key: &str| entry.labels.get(key).map(String::as_str);
            if selector.match_labels.iter().any(|(key, wanted)| value(key) != Some(wanted))
                || !selector.match_expressions.iter().all(|one| label_holds(one, value(&one.key)))
            {
                return false;
            }
        }
        self.affinity.field_selector.iter().flat_map(|selector| &selector.match_expressions).all(|one| {
            match one.key.as_str() {
                "zone" => zones_hold(one, &entry.zones),
                "provider" => field_holds(one, &entry.provider),
                "region" => field_holds(one, &entry.region),
                _ => field_holds(one, ""),
            }
        })
    }
}

/// The affinity of a placement that is in force, with what it may overflow into.
pub(super) struct AffinityTiers<'a> {
    primary: Option<CompiledAffinity<'a>>,
    overflow: Vec<CompiledAffinity<'a>>,
}

impl<'a> AffinityTiers<'a> {
    /// Prepares the affinity of a placement; `affinity_name` says which group is in force.
    pub(super) fn new(placement: Option<&'a Placement>, affinity_name: &str) -> Self {
        let none = Self { primary: None, overflow: Vec::new() };
        let Some(placement) = placement else { return none };
        if let Some(affinity) = &placement.cluster_affinity {
            return Self { primary: Some(CompiledAffinity::new(affinity)), overflow: Vec::new() };
        }
        let Some(term) = placement.cluster_affinities.iter().find(|term| term.affinity_name == affinity_name)
        else {
            return none;
        };
        let compile = |term: &'a AffinityTerm| CompiledAffinity::new(&term.affinity);
        Self {
            primary: Some(CompiledAffinity::new(&term.affinity)),
            overflow: term.overflow_affinities.iter().map(compile).collect(),
        }
    }

    /// Returns true when the affinity may overflow.
    pub(super) fn may_overflow(&self) -> bool {
        !self.overflow.is_empty()
    }

    /// Returns 0 when the affinity selects the cluster or there is none, else the position of
    /// the first overflow affinity that does, from 1.
    pub(super) fn tier_of(&self, entry: &ClusterEntry) -> u16 {
        let Some(primary) = &self.primary else { return 0 };
        if primary.matches_entry(entry) {
            return 0;
        }
        let position = self.overflow.iter().position(|affinity| affinity.matches_entry(entry));
        position.map_or(NO_TIER, |position| u16::try_from(position + 1).unwrap_or(NO_TIER).min(NO_TIER))
    }
}

/// Returns true when a requirement on a label holds; an invalid one never does.
fn label_holds(requirement: &SelectorRequirement, value: Option<&str>) -> bool {
    let listed = || value.is_some_and(|value| requirement.values.iter().any(|wanted| wanted == value));
    match requirement.operator.as_str() {
        "In" => listed(),
        "NotIn" => !requirement.values.is_empty() && !listed(),
        "Exists" => requirement.values.is_empty() && value.is_some(),
        "DoesNotExist" => requirement.values.is_empty() && value.is_none(),
        _ => false,
    }
}

/// Returns true when a requirement on a field holds; an empty field is absent.
fn field_holds(requirement: &SelectorRequirement, value: &str) -> bool {
    let value = (!value.is_empty()).then_some(value);
    match requirement.operator.as_str() {
        "Gt" | "Lt" => is_beyond(requirement, value),
        _ => label_holds(requirement, value),
    }
}

fn is_beyond(requirement: &SelectorRequirement, value: Option<&str>) -> bool {
    let (Some(value), [bound]) = (value, requirement.values.as_slice()) else { return false };
    let (Ok(value), Ok(bound)) = (value.parse::<i64>(), bound.parse::<i64>()) else { return false };
    if requirement.operator == "Gt" { value > bound } else { value < bound }
}

/// Returns true when a requirement on the zones holds: one zone is enough to be in a list.
fn zones_hold(requirement: &SelectorRequirement, zones: &[String]) -> bool {
    let listed = || zones.iter().any(|zone| requirement.values.contains(zone));
    match requirement.operator.as_str() {
        "In" => listed(),
        "NotIn" => !listed(),
        "Exists" => !zones.is_empty(),
        "DoesNotExist" => zones.is_empty(),
        _ => false,
    }
}

fn sorted(names: &[String]) -> Vec<&str> {
    let mut sorted: Vec<&str> = names.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    sorted
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    fn cluster() -> Cluster {
        serde_json::from_value(json!({
            "metadata": {"name": "m1", "labels": {"env": "prod", "rank": "3"}},
            "spec": {"syncMode": "Push", "provider": "aws", "region": "eu", "zones": ["eu-a", "eu-b"]},
        }))
        .unwrap()
    }

    fn field(key: &str, operator: &str, values: &[&str]) -> Value {
        json!({"fieldSelector": {"matchExpressions": [{"key": key, "operator": operator, "values": values}]}})
    }

    #[rstest]
    #[case::selects_all_when_it_says_nothing(json!({}), true)]
    #[case::selects_by_name(json!({"clusterNames": ["m0", "m1"]}), true)]
    #[case::refuses_other_names(json!({"clusterNames": ["m0"]}), false)]
    #[case::excludes_before_it_selects(json!({"clusterNames": ["m1"], "exclude": ["m1"]}), false)]
    #[case::selects_by_label(json!({"labelSelector": {"matchLabels": {"env": "prod"}}}), true)]
    #[case::refuses_other_labels(json!({"labelSelector": {"matchLabels": {"env": "dev"}}}), false)]
    #[case::absent_labels_are_not_in(
        json!({"labelSelector": {"matchExpressions": [{"key": "x", "operator": "NotIn", "values": ["1"]}]}}), true)]
    #[case::unknown_operators_select_nothing(
        json!({"labelSelector": {"matchExpressions": [{"key": "env", "operator": "Near", "values": ["1"]}]}}), false)]
    #[case::needs_one_zone_of_those_listed(field("zone", "In", &["eu-b", "eu-z"]), true)]
    #[case::refuses_when_any_zone_is_listed(field("zone", "NotIn", &["eu-b"]), false)]
    #[case::selects_by_provider(field("provider", "In", &["aws"]), true)]
    #[case::selects_by_presence(field("region", "DoesNotExist", &[]), false)]
    #[case::unknown_fields_are_absent(field("planet", "Exists", &[]), false)]
    fn matches(#[case] affinity: Value, #[case] expected: bool) {
        let affinity: ClusterAffinity = serde_json::from_value(affinity).unwrap();
        assert_eq!(CompiledAffinity::new(&affinity).matches(&cluster()), expected);
    }
}
