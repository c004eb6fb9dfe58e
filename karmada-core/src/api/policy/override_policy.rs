//! Kind OverridePolicy, and the spec both override policies share.

use crate::api::schema::optional;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ClusterAffinity, Overriders, ResourceSelector};

/// Which resources differ in which clusters, and how.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct OverrideSpec {
    /// What is selected; empty selects everything the policy reaches.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resource_selectors: Vec<ResourceSelector>,
    /// The rules, applied in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub override_rules: Vec<RuleWithCluster>,
    /// Deprecated form of one rule: its clusters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_cluster: Option<ClusterAffinity>,
    /// Deprecated form of one rule: its changes.
    #[schemars(skip_serializing_if = "optional")]
    pub overriders: Overriders,
}

/// Changes for the clusters an affinity selects.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RuleWithCluster {
    /// The clusters; none means all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_cluster: Option<ClusterAffinity>,
    /// The changes.
    pub overriders: Overriders,
}

kind! {
    /// Changes resources of its namespace for some clusters.
    OverridePolicy, NamespaceResourceScope, "policy.karmada.io", "v1alpha1", "overridepolicies",
    spec = OverrideSpec
}
