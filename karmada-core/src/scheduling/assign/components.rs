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
