//! The labels and annotations by which a policy claims a template and its binding.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::PolicyRef;
use crate::{
    api::policy::constants::{
        CLUSTER_PROPAGATION_POLICY_ID_LABEL, CLUSTER_PROPAGATION_POLICY_NAME_ANNOTATION,
        PROPAGATION_POLICY_ID_LABEL, PROPAGATION_POLICY_NAME_ANNOTATION,
        PROPAGATION_POLICY_NAMESPACE_ANNOTATION,
    },
    object,
};

/// Who claims a template, as written on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimant {
    /// A PropagationPolicy.
    Namespaced {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// Its permanent id.
        id: String,
    },
    /// A ClusterPropagationPolicy.
    Cluster {
        /// Its name.
        name: String,
        /// Its permanent id.
        id: String,
    },
}

/// Returns who claims a template; a claim counts only when all its parts are there.
pub fn claimant(template: &Value) -> Option<Claimant> {
    let label = |key| object::label(template, key).filter(|text| !text.is_empty()).map(str::to_owned);
    let annotation =
        |key| object::annotation(template, key).filter(|text| !text.is_empty()).map(str::to_owned);
    let namespaced = || {
        Some(Claimant::Namespaced {
            namespace: annotation(PROPAGATION_POLICY_NAMESPACE_ANNOTATION)?,
            name: annotation(PROPAGATION_POLICY_NAME_ANNOTATION)?,
            id: label(PROPAGATION_POLICY_ID_LABEL)?,
        })
    };
    let cluster = || {
        Some(Claimant::Cluster {
            name: annotation(CLUSTER_PROPAGATION_POLICY_NAME_ANNOTATION)?,
            id: label(CLUSTER_PROPAGATION_POLICY_ID_LABEL)?,
        })
    };
    namespaced().or_else(cluster)
}

/// Returns the merge patch by which a policy claims a template, none when it has it already.
///
/// A claim by a PropagationPolicy takes away that of a ClusterPropagationPolicy, not the other
/// way round. The patch holds the template's resource version: it fails when someone else was
/// faster.
pub fn claim_patch(template: &Value, policy: &PolicyRef) -> Option<Value> {
    let owned = object::label(template, policy.id_label()) == Some(policy.id());
    let foreign = object::label(template, CLUSTER_PROPAGATION_POLICY_ID_LABEL).is_some();
    match policy {
        PolicyRef::Namespaced(_) if owned && !foreign => return None,
        PolicyRef::Cluster(_) if owned => return None,
        _ => {}
    }
    let mut labels = to_map(policy.claim_labels());
    let mut annotations = to_map(policy.claim_annotations());
    if matches!(policy, PolicyRef::Namespaced(_)) {
        remove_present(template, "labels", &[CLUSTER_PROPAGATION_POLICY_ID_LABEL], &mut labels);
        remove_present(
            template,
            "annotations",
            &[CLUSTER_PROPAGATION_POLICY_NAME_ANNOTATION],
            &mut annotations,
        );
    }
    Some(metadata_patch(template, labels, annotations))
}

/// Returns the merge patch that takes away the claim of a kind of policy, none when there is none.
///
/// It fits templates and bindings alike.
pub fn unclaim_patch(object: &Value, policy_kind: &Claimant) -> Option<Value> {
    let (label_keys, annotation_keys): (&[&str], &[&str]) = match policy_kind {
        Claimant::Namespaced { .. } => (
            &[PROPAGATION_POLICY_ID_LABEL],
            &[PROPAGATION_POLICY_NAMESPACE_ANNOTATION, PROPAGATION_POLICY_NAME_ANNOTATION],
        ),
        Claimant::Cluster { .. } => {
            (&[CLUSTER_PROPAGATION_POLICY_ID_LABEL], &[CLUSTER_PROPAGATION_POLICY_NAME_ANNOTATION])
        }
    };
    let (mut labels, mut annotations) = (Map::new(), Map::new());
    remove_present(object, "labels", label_keys, &mut labels);
    remove_present(object, "annotations", annotation_keys, &mut annotations);
    if labels.is_empty() && annotations.is_empty() {
        return None;
    }
    Some(metadata_patch(object, labels, annotations))
}

impl From<&PolicyRef> for Claimant {
    fn from(policy: &PolicyRef) -> Self {
        let (name, id) = (policy.name().to_owned(), policy.id().to_owned());
        match policy {
            PolicyRef::Namespaced(_) => {
                Self::Namespaced { namespace: policy.namespace().to_owned(), name, id }
            }
            PolicyRef::Cluster(_) => Self::Cluster { name, id },
        }
    }
}

fn to_map(entries: BTreeMap<String, String>) -> Map<String, Value> {
    entries.into_iter().map(|(key, value)| (key, value.into())).collect()
}

fn remove_present(object: &Value, field: &str, keys: &[&str], patch: &mut Map<String, Value>) {
    for key in keys {
        if object["metadata"][field].get(key).is_some() {
            patch.insert((*key).to_owned(), Value::Null);
        }
    }
}

fn metadata_patch(object: &Value, labels: Map<String, Value>, annotations: Map<String, Value>) -> Value {
    let mut metadata = Map::new();
    if let Some(version) = object["metadata"].get("resourceVersion") {
        metadata.insert("resourceVersion".to_owned(), version.clone());
    }
    for (field, entries) in [("labels", labels), ("annotations", annotations)] {
        if !entries.is_empty() {
            metadata.insert(field.to_owned(), entries.into());
        }
    }
    json!({ "metadata": metadata })
}
