//! Kind ClusterTaintPolicy.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ClusterAffinity;

/// When clusters get taints and when they lose them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ClusterTaintPolicySpec {
    /// The clusters; none means all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_clusters: Option<ClusterAffinity>,
    /// All must match for the taints to be added.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub add_on_conditions: Vec<MatchCondition>,
    /// All must match for the taints to be removed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remove_on_conditions: Vec<MatchCondition>,
    /// The taints.
    #[schemars(length(min = 1))]
    pub taints: Vec<PolicyTaint>,
}

/// Matches a condition of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct MatchCondition {
    /// The type of the condition.
    pub condition_type: String,
    /// `In` or `NotIn`.
    pub operator: String,
    /// The statuses.
    pub status_values: Vec<String>,
}

/// A taint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PolicyTaint {
    /// The key.
    pub key: String,
    /// The effect.
    pub effect: String,
    /// The value.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub value: String,
}

kind! {
    /// Taints clusters by their conditions.
    ClusterTaintPolicy, ClusterResourceScope, "policy.karmada.io", "v1alpha1", "clustertaintpolicies",
    spec = ClusterTaintPolicySpec
}
