//! Kind Cluster.

use std::collections::BTreeMap;

use crate::api::schema::{unchecked_conditions, unsigned};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    api::{Condition, ResourceList, meta::is_zero},
    object::Quantity,
};

/// How to reach a member cluster, and what it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ClusterSpec {
    /// An identity that survives a new name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// Whether the control plane pushes or an agent pulls.
    pub sync_mode: ClusterSyncMode,
    /// Address of the member's API server.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub api_endpoint: String,
    /// Credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalSecretReference>,
    /// Credentials for acting as a user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub impersonator_secret_ref: Option<LocalSecretReference>,
    /// Whether the server's certificate is not checked.
    #[serde(rename = "insecureSkipTLSVerification", skip_serializing_if = "std::ops::Not::not")]
    pub insecure_skip_tls_verification: bool,
    /// Proxy on the way to the member.
    #[serde(rename = "proxyURL", skip_serializing_if = "String::is_empty")]
    pub proxy_url: String,
    /// Headers for the proxy.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub proxy_header: BTreeMap<String, String>,
    /// Cloud provider.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub provider: String,
    /// Region.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub region: String,
    /// Deprecated: use `zones`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub zone: String,
    /// Zones.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub zones: Vec<String>,
    /// Taints.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub taints: Vec<Taint>,
    /// Grades of nodes, for estimating room.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resource_models: Vec<ResourceModel>,
}

string_enum! {
    /// How manifests get to the member.
    ClusterSyncMode as text {
        /// The control plane writes them.
        Push = "Push",
        /// An agent in the member fetches them.
        Pull = "Pull",
    }
}

/// Names a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct LocalSecretReference {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
}

/// Keeps workloads away that do not tolerate it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Taint {
    /// The key.
    pub key: String,
    /// The value.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// The effect.
    pub effect: String,
    /// When a `NoExecute` taint was added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_added: Option<Time>,
}

/// A grade of nodes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceModel {
    /// Its number; higher grades have more resources.
    #[schemars(schema_with = "unsigned")]
    pub grade: u32,
    /// What its nodes have.
    pub ranges: Vec<ResourceModelRange>,
}

/// How much of a resource nodes of a grade have: at least `min`, less than `max`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceModelRange {
    /// The resource.
    pub name: String,
    /// The lower bound, included.
    pub min: Quantity,
    /// The upper bound, not included.
    pub max: Quantity,
}

/// What was observed of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ClusterStatus {
    /// Version of the member's API server.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kubernetes_version: String,
    /// The APIs it serves.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub api_enablements: Vec<ApiEnablement>,
    /// Conditions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "unchecked_conditions")]
    pub conditions: Vec<Condition>,
    /// Its nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_summary: Option<NodeSummary>,
    /// Its resources.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_summary: Option<ResourceSummary>,
    /// What remedies ask for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remedy_actions: Vec<String>,
}

/// The kinds of one group and version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ApiEnablement {
    /// Group and version.
    pub group_version: String,
    /// Its resources.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<ApiResource>,
}

/// A resource and its kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ApiResource {
    /// Plural name.
    pub name: String,
    /// Kind.
    pub kind: String,
}

/// Numbers of nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeSummary {
    /// All nodes.
    #[serde(skip_serializing_if = "is_zero")]
    pub total_num: i32,
    /// Ready nodes.
    #[serde(skip_serializing_if = "is_zero")]
    pub ready_num: i32,
}

/// Resources of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceSummary {
    /// What the nodes have.
    #[serde(skip_serializing_if = "ResourceList::is_empty")]
    pub allocatable: ResourceList,
    /// What pods that wait for a node ask for.
    #[serde(skip_serializing_if = "ResourceList::is_empty")]
    pub allocating: ResourceList,
    /// What pods on nodes ask for.
    #[serde(skip_serializing_if = "ResourceList::is_empty")]
    pub allocated: ResourceList,
    /// Nodes of every grade.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allocatable_modelings: Vec<AllocatableModeling>,
}

/// Nodes of one grade.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AllocatableModeling {
    /// The grade.
    #[schemars(schema_with = "unsigned")]
    pub grade: u32,
    /// How many nodes.
    pub count: i32,
}

kind! {
    /// A member cluster.
    Cluster, ClusterResourceScope, "cluster.karmada.io", "v1alpha1", "clusters",
    spec = ClusterSpec, status = ClusterStatus
}

impl Cluster {
    /// Returns the cluster's name, empty when it has none.
    pub fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }

    /// Returns the status of a condition: `True`, `False`, `Unknown`; none when it is absent.
    pub fn condition_status(&self, condition_type: &str) -> Option<&str> {
        let conditions = &self.status.as_ref()?.conditions;
        conditions
            .iter()
            .find(|condition| condition.type_ == condition_type)
            .map(|condition| condition.status.as_str())
    }

    /// Returns true when the condition `Ready` is `True`.
    pub fn is_ready(&self) -> bool {
        self.condition_status(super::constants::CONDITION_READY) == Some("True")
    }
}
