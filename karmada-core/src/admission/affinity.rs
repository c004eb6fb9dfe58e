//! Cluster affinities and resource selectors, which several kinds have.

use super::FieldError;
use crate::api::policy::{ClusterAffinity, ResourceSelector};

/// Checks the field selector of an affinity; only the first mistake is told.
pub(super) fn validate_cluster_affinity(
    affinity: &ClusterAffinity,
    path: &str,
    errors: &mut Vec<FieldError>,
) {
    let Some(selector) = &affinity.field_selector else {
        return;
    };
    let mistake = selector.match_expressions.iter().find_map(|requirement| {
        if !matches!(requirement.key.as_str(), "provider" | "region" | "zone") {
            return Some(format!("unsupported key {:?}, must be provider, region, or zone", requirement.key));
        }
        if !matches!(requirement.operator.as_str(), "In" | "NotIn") {
            return Some(format!("unsupported operator {:?}, must be In or NotIn", requirement.operator));
        }
        None
    });
    if let Some(mistake) = mistake {
        errors.push(FieldError::invalid_value(format!("{path}.fieldSelector"), selector, mistake));
    }
}

/// Checks that a namespaced policy selects in its own namespace.
pub(super) fn validate_selector_namespaces(
    selectors: &[ResourceSelector],
    namespace: &str,
    errors: &mut Vec<FieldError>,
) {
    for (index, selector) in selectors.iter().enumerate() {
        if selector.namespace != namespace {
            errors.push(FieldError::invalid(
                format!("spec.resourceSelectors[{index}].namespace"),
                &selector.namespace,
                "namespace of resource selector must be the same as the namespace of the policy",
            ));
        }
    }
}
