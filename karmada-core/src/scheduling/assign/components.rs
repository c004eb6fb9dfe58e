//! Workloads of several components: every cluster gets whole sets.

use crate::{
    api::work::{ResourceBindingSpec, TargetComponent},
    scheduling::{FeatureGates, estimate::places_component_sets},
};

/// Returns the replicas of every component of one set, as they are written into the result.
///
/// None are written when components are not placed as sets, or there is only one.
pub(super) fn component_counts(gates: FeatureGates, spec: &ResourceBindingSpec) -> Vec<TargetComponent> {
    if !places_component_sets(spec, gates) || spec.components.len() < 2 {
        return Vec::new();
    }
    let count = |component: &crate::api::work::Component| TargetComponent {
        name: component.name.clone(),
        replicas: component.replicas,
    };
    spec.components.iter().map(count).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scheduling::testing::{case, cluster};

    fn counts(min_max: i64, gate: bool) -> Vec<Vec<TargetComponent>> {
        let constraint = json!({"spreadByField": "cluster", "minGroups": min_max, "maxGroups": min_max});
        let mut case =
            case([cluster("a", 9), cluster("b", 8)], 0, json!({"spreadConstraints": [constraint]}));
        case.spec["components"] = json!([{"name": "job", "replicas": 1}, {"name": "task", "replicas": 2}]);
        case.options.gates.multiple_pod_templates_scheduling = gate;
        case.decide().result.unwrap().into_iter().map(|target| target.components).collect()
    }

    #[test]
    fn writes_the_replicas_of_a_set_that_goes_to_one_cluster() {
        let component = |name: &str, replicas| TargetComponent { name: name.into(), replicas };
        assert_eq!(counts(1, true), [[component("job", 1), component("task", 2)]]);
    }

    #[test]
    fn writes_none_for_several_clusters_or_without_the_gate() {
        assert_eq!(counts(2, true), [[], []]);
        assert_eq!(counts(1, false), [[]]);
    }
}
