//! Which parts of an affinity a cluster does not fulfil.

use super::{Obstacle, words::list};
use crate::{
    api::{SelectorRequirement, policy::ClusterAffinity},
    object::Selector,
    propagation::{ClusterFacts, CompiledAffinity},
};

/// Returns everything in an affinity that keeps a cluster out.
pub(super) fn mismatches(affinity: &ClusterAffinity, cluster: &ClusterFacts<'_>) -> Vec<Obstacle> {
    let mut obstacles = Vec::new();
    let named = |names: &[String]| names.iter().any(|name| name == cluster.name);
    if named(&affinity.exclude_clusters) {
        obstacles.push(Obstacle::new("the placement excludes it by name", "take it out of exclude"));
    }
    if !affinity.cluster_names.is_empty() && !named(&affinity.cluster_names) {
        let names = list(affinity.cluster_names.iter().map(String::as_str));
        obstacles.push(Obstacle::new(
            format!("the placement names other clusters: {names}"),
            "add it to clusterNames",
        ));
    }
    if let Some(selector) = &affinity.label_selector {
        let exact = selector.match_labels.iter().map(|(key, value)| SelectorRequirement {
            key: key.clone(),
            operator: "In".to_owned(),
            values: vec![value.clone()],
        });
        let label = |key: &str| cluster.labels.get(key).map(String::as_str);
        for requirement in exact.chain(selector.match_expressions.iter().cloned()) {
            obstacles.extend(unfulfilled("label", &requirement, label));
        }
    }
    if let Some(selector) = &affinity.field_selector {
        for requirement in &selector.match_expressions {
            if requirement.key == "zone" {
                obstacles.extend(zones_elsewhere(requirement, cluster));
                continue;
            }
            let field = |key: &str| match key {
                "provider" => Some(cluster.provider).filter(|value| !value.is_empty()),
                "region" => Some(cluster.region).filter(|value| !value.is_empty()),
                _ => None,
            };
            obstacles.extend(unfulfilled("field", requirement, field));
        }
    }
    if obstacles.is_empty() && !CompiledAffinity::new(affinity).matches_facts(cluster) {
        obstacles.push(Obstacle::new(
            "a selector of the placement is not valid, so it selects no cluster",
            "correct labelSelector or fieldSelector",
        ));
    }
    obstacles
}

fn unfulfilled<'a>(
    kind: &str,
    requirement: &SelectorRequirement,
    lookup: impl Fn(&str) -> Option<&'a str>,
) -> Option<Obstacle> {
    let SelectorRequirement { key, operator, values } = requirement;
    let selector = match Selector::from_requirements(std::slice::from_ref(requirement)) {
        Ok(selector) => selector,
        Err(error) => {
            return Some(Obstacle::new(
                format!("the {kind} selector of the placement is not valid: {error}"),
                "correct it; until then it selects no cluster",
            ));
        }
    };
    if selector.matches_with(&lookup) {
        return None;
    }
    let found = lookup(key)
        .map_or_else(|| format!("it has no {kind} {key}"), |value| format!("its {kind} {key} is {value}"));
    let wanted = wanted(operator, values);
    let remedy =
        format!("give the cluster a matching {kind} {key}, or change the placement's {kind}Selector");
    Some(Obstacle::new(format!("{found}; the placement wants {wanted}"), remedy))
}

fn wanted(operator: &str, values: &[String]) -> String {
    let values = || list(values.iter().map(String::as_str));
    match operator {
        "In" => values(),
        "NotIn" => format!("anything but {}", values()),
        "Exists" => "it to be there".to_owned(),
        "DoesNotExist" => "it to be absent".to_owned(),
        "Gt" => format!("more than {}", values()),
        "Lt" => format!("less than {}", values()),
        other => format!("{other} {}", values()),
    }
}

fn zones_elsewhere(requirement: &SelectorRequirement, cluster: &ClusterFacts<'_>) -> Option<Obstacle> {
    let affinity = ClusterAffinity {
        field_selector: Some(crate::api::policy::FieldSelector {
            match_expressions: vec![requirement.clone()],
        }),
        ..Default::default()
    };
    if CompiledAffinity::new(&affinity).matches_facts(cluster) {
        return None;
    }
    let found = if cluster.zones.is_empty() {
        "it has no zones".to_owned()
    } else {
        format!("its zones are {}", list(cluster.zones.iter().map(String::as_str)))
    };
    Some(Obstacle::new(
        format!("{found}; the placement wants {}", wanted(&requirement.operator, &requirement.values)),
        "set zones in the cluster's spec, or change the placement's fieldSelector",
    ))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::*;

    fn facts_of(affinity: Value) -> Vec<String> {
        let labels = BTreeMap::from([("env".to_owned(), "dev".to_owned())]);
        let zones = ["eu-1a".to_owned()];
        let cluster =
            ClusterFacts { name: "m1", labels: &labels, provider: "", region: "eu-1", zones: &zones };
        let affinity = serde_json::from_value(affinity).unwrap();
        mismatches(&affinity, &cluster).into_iter().map(|obstacle| obstacle.fact).collect()
    }

    #[test]
    fn finds_everything_that_does_not_match() {
        assert_eq!(
            facts_of(json!({
                "exclude": ["m1"],
                "clusterNames": ["m2", "m3"],
                "labelSelector": {
                    "matchLabels": {"env": "prod"},
                    "matchExpressions": [{"key": "team", "operator": "Exists"}, {"key": "env", "operator": "Exists"}],
                },
                "fieldSelector": {"matchExpressions": [
                    {"key": "provider", "operator": "In", "values": ["aws"]},
                    {"key": "region", "operator": "NotIn", "values": ["eu-1"]},
                    {"key": "zone", "operator": "In", "values": ["eu-1b", "eu-1c"]},
                ]},
            })),
            [
                "the placement excludes it by name",
                "the placement names other clusters: m2, m3",
                "its label env is dev; the placement wants prod",
                "it has no label team; the placement wants it to be there",
                "it has no field provider; the placement wants aws",
                "its field region is eu-1; the placement wants anything but eu-1",
                "its zones are eu-1a; the placement wants eu-1b, eu-1c",
            ]
        );
    }

    #[test]
    fn says_when_a_selector_is_not_valid() {
        let found =
            facts_of(json!({"labelSelector": {"matchExpressions": [{"key": "env", "operator": "Near"}]}}));
        assert_eq!(
            found,
            [
                "the label selector of the placement is not valid: \"Near\" is not a valid label selector operator"
            ]
        );
    }
}
