//! Kind MultiClusterService.

use crate::api::schema::optional;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::LoadBalancerStatus;
use crate::api::Condition;

/// Which clusters offer a service, and which use it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct MultiClusterServiceSpec {
    /// How the service is offered.
    pub types: Vec<ExposureType>,
    /// Its ports; empty means all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<ExposurePort>,
    /// Deprecated, without effect.
    #[schemars(skip_serializing_if = "optional")]
    pub range: ExposureRange,
    /// Deprecated, without effect: use `providerClusters`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub service_provision_clusters: Vec<String>,
    /// Clusters whose pods serve; empty means all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub provider_clusters: Vec<ClusterSelector>,
    /// Deprecated, without effect: use `consumerClusters`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub service_consumption_clusters: Vec<String>,
    /// Clusters that may call; empty means all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub consumer_clusters: Vec<ClusterSelector>,
}

string_enum! {
    /// How a service is offered.
    ExposureType as text {
        /// To other clusters.
        CrossCluster = "CrossCluster",
        /// By a load balancer.
        LoadBalancer = "LoadBalancer",
    }
}

/// A port of the service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ExposurePort {
    /// Its name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Its number.
    pub port: i32,
}

/// Clusters, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ExposureRange {
    /// The names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cluster_names: Vec<String>,
}

/// One cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ClusterSelector {
    /// Its name.
    pub name: String,
}

/// What was observed of a service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceStatus {
    /// Where its load balancer is.
    #[schemars(skip_serializing_if = "optional")]
    pub load_balancer: LoadBalancerStatus,
    /// Conditions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

kind! {
    /// Offers the Service of the same name to other clusters.
    MultiClusterService, NamespaceResourceScope, "networking.karmada.io", "v1alpha1", "multiclusterservices",
    spec = MultiClusterServiceSpec, status = ServiceStatus
}
