//! Kind MultiClusterIngress.

use crate::api::schema::optional;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{IngressLoadBalancerStatus, IngressSpec};

/// What was observed of an ingress over clusters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct MultiClusterIngressStatus {
    /// Where its load balancer is.
    #[schemars(skip_serializing_if = "optional")]
    pub load_balancer: IngressLoadBalancerStatus,
    /// Clusters that get no requests for now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub traffic_block_clusters: Vec<String>,
    /// Where the services are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub service_locations: Vec<ServiceLocation>,
}

/// Where a service is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceLocation {
    /// The service.
    pub name: String,
    /// Its clusters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub clusters: Vec<String>,
}

kind! {
    /// Leads requests to services in several clusters.
    MultiClusterIngress, NamespaceResourceScope, "networking.karmada.io", "v1alpha1", "multiclusteringresses",
    spec = IngressSpec, status = MultiClusterIngressStatus
}
