//! Objects that stay in a member when Karmada lets go of them.

use serde_json::Value;

use crate::api::policy::constants::{
    CLUSTER_PROPAGATION_POLICY_ID_LABEL, CLUSTER_PROPAGATION_POLICY_NAME_ANNOTATION,
    PROPAGATION_POLICY_ID_LABEL, PROPAGATION_POLICY_NAME_ANNOTATION, PROPAGATION_POLICY_NAMESPACE_ANNOTATION,
};
use crate::api::reserved::{
    MANAGED_ANNOTATIONS_ANNOTATION, MANAGED_LABEL, MANAGED_LABELS_ANNOTATION, TEMPLATE_GENERATION_ANNOTATION,
    TEMPLATE_UID_ANNOTATION,
};
use crate::api::work::constants::{
    RESOURCE_BINDING_ID_LABEL, RESOURCE_BINDING_NAME_ANNOTATION, RESOURCE_BINDING_NAMESPACE_ANNOTATION,
    WORK_ID_LABEL, WORK_NAME_ANNOTATION, WORK_NAMESPACE_ANNOTATION,
};
use crate::object;

const LABELS: [&str; 3] = [RESOURCE_BINDING_ID_LABEL, WORK_ID_LABEL, MANAGED_LABEL];
const ANNOTATIONS: [&str; 8] = [
    MANAGED_ANNOTATIONS_ANNOTATION,
    MANAGED_LABELS_ANNOTATION,
    RESOURCE_BINDING_NAMESPACE_ANNOTATION,
    RESOURCE_BINDING_NAME_ANNOTATION,
    TEMPLATE_UID_ANNOTATION,
    TEMPLATE_GENERATION_ANNOTATION,
    WORK_NAMESPACE_ANNOTATION,
    WORK_NAME_ANNOTATION,
];

/// Removes what marks a member's object as Karmada's; returns whether there was anything.
///
/// A namespaced object loses its claim by a PropagationPolicy, a cluster-scoped one that by a
/// ClusterPropagationPolicy.
pub fn release(observed: &mut Value) -> bool {
    let (claim_labels, claim_annotations): (&[&str], &[&str]) = if object::namespace(observed).is_empty() {
        (&[CLUSTER_PROPAGATION_POLICY_ID_LABEL], &[CLUSTER_PROPAGATION_POLICY_NAME_ANNOTATION])
    } else {
        (
            &[PROPAGATION_POLICY_ID_LABEL],
            &[PROPAGATION_POLICY_NAMESPACE_ANNOTATION, PROPAGATION_POLICY_NAME_ANNOTATION],
        )
    };
    let mut changed = false;
    for label in LABELS.iter().chain(claim_labels) {
        changed |= object::remove_label(observed, label);
    }
    for annotation in ANNOTATIONS.iter().chain(claim_annotations) {
        changed |= object::remove_annotation(observed, annotation);
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn leaves_only_what_is_not_karmadas() {
        let mut object = json!({"kind": "ConfigMap", "metadata": {
            "name": "c", "namespace": "n",
            "labels": {MANAGED_LABEL: "true", "mine": "1", PROPAGATION_POLICY_ID_LABEL: "x"},
            "annotations": {WORK_NAME_ANNOTATION: "w"},
        }});
        assert!(release(&mut object));
        assert_eq!(
            object,
            json!({"kind": "ConfigMap", "metadata": {"name": "c", "namespace": "n", "labels": {"mine": "1"}}})
        );
        assert!(!release(&mut object));
    }
}
