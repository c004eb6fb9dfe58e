//! Application of override policies to an object.

use serde::Serialize;
use serde_json::Value;

use super::labels::{self, MetadataMap};
use super::words::{self, Words};
use super::{OverrideError, field, image, plaintext, selection};
use crate::api::cluster::Cluster;
use crate::api::policy::{ClusterOverridePolicy, OverridePolicy, Overriders};
use crate::object::{self, to_go_json};

/// One rule of a policy that was applied.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AppliedOverride {
    /// The policy.
    pub policy_name: String,
    /// What the rule changed.
    pub overriders: Overriders,
}

/// The rules that were applied to an object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AppliedOverrides {
    /// Rules of cluster-scoped policies, by policy name.
    pub cluster_policies: Vec<AppliedOverride>,
    /// Rules of namespaced policies, by policy name.
    pub policies: Vec<AppliedOverride>,
}

impl AppliedOverrides {
    /// Returns the text of the annotation `policy.karmada.io/applied-cluster-overrides`, if there is one.
    pub fn cluster_annotation(&self) -> Option<String> {
        annotation(&self.cluster_policies)
    }

    /// Returns the text of the annotation `policy.karmada.io/applied-overrides`, if there is one.
    pub fn annotation(&self) -> Option<String> {
        annotation(&self.policies)
    }
}

/// Changes an object as override policies want it for a cluster.
///
/// Cluster-scoped policies come first, then those of the object's namespace; policies of other namespaces
/// are ignored. Within a scope the most general policies come first, then by name, so that the others win.
///
/// # Errors
///
/// When an overrider does not apply; the object is then in an unspecified state.
pub fn apply_overrides(
    object: &mut Value,
    cluster: &Cluster,
    cluster_policies: &[ClusterOverridePolicy],
    policies: &[OverridePolicy],
) -> Result<AppliedOverrides, OverrideError> {
    let candidates = cluster_policies.iter().map(|policy| (name(&policy.metadata), &policy.spec));
    let applied_cluster_policies = apply_scope(object, cluster, candidates.collect())?;

    let namespace = object::namespace(object).to_owned();
    let candidates = policies
        .iter()
        .filter(|policy| !namespace.is_empty() && policy.metadata.namespace.as_deref() == Some(&namespace))
        .map(|policy| (name(&policy.metadata), &policy.spec));
    let applied_policies = apply_scope(object, cluster, candidates.collect())?;
    Ok(AppliedOverrides { cluster_policies: applied_cluster_policies, policies: applied_policies })
}

fn apply_scope(
    object: &mut Value,
    cluster: &Cluster,
    candidates: Vec<selection::Candidate<'_>>,
) -> Result<Vec<AppliedOverride>, OverrideError> {
    let mut applied = Vec::new();
    for (policy_name, overriders) in selection::select_rules(object, cluster, candidates) {
        apply_overriders(object, overriders)?;
        applied.push(AppliedOverride { policy_name: policy_name.to_owned(), overriders: overriders.clone() });
    }
    applied.sort_by(|a, b| a.policy_name.cmp(&b.policy_name));
    Ok(applied)
}

fn apply_overriders(object: &mut Value, overriders: &Overriders) -> Result<(), OverrideError> {
    let Overriders {
        plaintext,
        image_overrider,
        command_overrider,
        args_overrider,
        labels_overrider,
        annotations_overrider,
        field_overrider,
    } = overriders;
    image_overrider.iter().try_for_each(|overrider| image::apply(object, overrider))?;
    command_overrider.iter().try_for_each(|overrider| words::apply(object, Words::Command, overrider))?;
    args_overrider.iter().try_for_each(|overrider| words::apply(object, Words::Arguments, overrider))?;
    labels_overrider
        .iter()
        .try_for_each(|overrider| labels::apply(object, MetadataMap::Labels, overrider))?;
    annotations_overrider
        .iter()
        .try_for_each(|overrider| labels::apply(object, MetadataMap::Annotations, overrider))?;
    field_overrider.iter().try_for_each(|overrider| field::apply(object, overrider))?;
    plaintext::apply(object, plaintext)
}

fn name(metadata: &kube::core::ObjectMeta) -> &str {
    metadata.name.as_deref().unwrap_or_default()
}

/// Returns the JSON text of the rules as Go's encoder writes it, or `None` when there are none.
fn annotation(applied: &[AppliedOverride]) -> Option<String> {
    if applied.is_empty() {
        return None;
    }
    Some(to_go_json(applied))
}
