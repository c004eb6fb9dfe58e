//! Kind Remedy.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What to do about which condition of which clusters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RemedySpec {
    /// The clusters; none means all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_affinity: Option<ClusterAffinity>,
    /// One must match; empty always does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub decision_matches: Vec<DecisionMatch>,
    /// What to do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<RemedyAction>,
}

/// Clusters, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ClusterAffinity {
    /// Their names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cluster_names: Vec<String>,
}

/// When to act.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct DecisionMatch {
    /// A condition of the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_condition_match: Option<ClusterConditionRequirement>,
}

/// A condition of a cluster and its status.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ClusterConditionRequirement {
    /// The type of the condition.
    pub condition_type: String,
    /// How the status is compared.
    pub operator: ClusterConditionOperator,
    /// The status: `True`, `False` or `Unknown`.
    pub condition_status: String,
}

string_enum! {
    /// How the status of a condition is compared.
    ClusterConditionOperator {
        /// It is the same.
        Equal = "Equal",
        /// It differs.
        NotEqual = "NotEqual",
    }
}

string_enum! {
    /// What to do about a condition.
    RemedyAction as text {
        /// Lead requests elsewhere.
        TrafficControl = "TrafficControl",
    }
}

kind! {
    /// Says what to do when a cluster has a condition.
    Remedy, ClusterResourceScope, "remedy.karmada.io", "v1alpha1", "remedies",
    spec = RemedySpec
}
