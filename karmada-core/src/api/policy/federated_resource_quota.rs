//! Kind FederatedResourceQuota.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::ResourceList;

/// A quota over all clusters, and its shares.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct FederatedResourceQuotaSpec {
    /// The limits over all clusters.
    pub overall: ResourceList,
    /// The limits of single clusters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub static_assignments: Vec<StaticClusterAssignment>,
}

/// The limits of one cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct StaticClusterAssignment {
    /// The cluster.
    pub cluster_name: String,
    /// Its limits.
    pub hard: ResourceList,
}

/// Limits and use.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct FederatedResourceQuotaStatus {
    /// The limits over all clusters.
    #[serde(skip_serializing_if = "ResourceList::is_empty")]
    pub overall: ResourceList,
    /// The use over all clusters.
    #[serde(skip_serializing_if = "ResourceList::is_empty")]
    pub overall_used: ResourceList,
    /// Limits and use of single clusters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aggregated_status: Vec<ClusterQuotaStatus>,
}

/// Limits and use of one cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ClusterQuotaStatus {
    /// The cluster.
    pub cluster_name: String,
    /// Its limits.
    #[serde(skip_serializing_if = "ResourceList::is_empty")]
    pub hard: ResourceList,
    /// Its use.
    #[serde(skip_serializing_if = "ResourceList::is_empty")]
    pub used: ResourceList,
}

kind! {
    /// Limits resources of a namespace over all clusters.
    FederatedResourceQuota, NamespaceResourceScope, "policy.karmada.io", "v1alpha1", "federatedresourcequotas",
    spec = FederatedResourceQuotaSpec, status = FederatedResourceQuotaStatus
}
