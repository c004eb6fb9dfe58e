//! Kind ServiceExport.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::Condition;

/// Whether a service is exported.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceExportStatus {
    /// Conditions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

kind! {
    /// Offers the Service of the same name to the other clusters of the set.
    ServiceExport, NamespaceResourceScope, "multicluster.x-k8s.io", "v1alpha1", "serviceexports",
    status = ServiceExportStatus
}
