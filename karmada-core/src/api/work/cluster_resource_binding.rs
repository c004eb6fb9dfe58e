//! Kind ClusterResourceBinding.

use super::{ResourceBindingSpec, ResourceBindingStatus};

kind! {
    /// Binds a cluster-scoped template to clusters.
    ClusterResourceBinding, ClusterResourceScope, "work.karmada.io", "v1alpha2", "clusterresourcebindings",
    spec = ResourceBindingSpec, status = ResourceBindingStatus
}
