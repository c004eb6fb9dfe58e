//! The bindings of version `v1alpha1`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::{Condition, ResourceList, meta::is_zero, schema::any_object};

/// A template and where it was placed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceBindingSpec {
    /// The template.
    pub resource: ObjectReference,
    /// The clusters the scheduler chose.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub clusters: Vec<TargetCluster>,
}

/// A reference to a template, and what its replicas need.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ObjectReference {
    /// Group and version.
    pub api_version: String,
    /// Kind.
    pub kind: String,
    /// Namespace; empty for cluster-scoped resources.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Resource version.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub resource_version: String,
    /// The resources one replica asks for.
    #[serde(rename = "resourcePerReplicas", skip_serializing_if = "ResourceList::is_empty")]
    pub replica_resource_requirements: ResourceList,
    /// How many replicas there are in all.
    #[serde(skip_serializing_if = "is_zero")]
    pub replicas: i32,
}

/// A chosen cluster and its share.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct TargetCluster {
    /// The cluster.
    pub name: String,
    /// Its replicas.
    #[serde(skip_serializing_if = "is_zero")]
    pub replicas: i32,
}

/// What was observed of a binding.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceBindingStatus {
    /// Conditions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The status in every cluster.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aggregated_status: Vec<AggregatedStatusItem>,
}

/// The status in one cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AggregatedStatusItem {
    /// The cluster.
    pub cluster_name: String,
    /// The status of the member's object.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "any_object")]
    pub status: Option<Value>,
    /// Whether the object is in the member as wanted.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub applied: bool,
    /// Why it is not.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub applied_message: String,
}

kind! {
    /// Binds a namespaced template to clusters, as `v1alpha1` says it.
    ResourceBinding, NamespaceResourceScope, "work.karmada.io", "v1alpha1", "resourcebindings",
    spec = ResourceBindingSpec, status = ResourceBindingStatus
}

kind! {
    /// Binds a cluster-scoped template to clusters, as `v1alpha1` says it.
    ClusterResourceBinding, ClusterResourceScope, "work.karmada.io", "v1alpha1", "clusterresourcebindings",
    spec = ResourceBindingSpec, status = ResourceBindingStatus
}
