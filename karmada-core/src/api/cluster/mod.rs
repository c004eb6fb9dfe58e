//! Group `cluster.karmada.io`: the member clusters.

#[expect(clippy::module_inception, reason = "one file per kind, and the kind is named like its group")]
mod cluster;
pub mod constants;

pub use cluster::{
    AllocatableModeling, ApiEnablement, ApiResource, Cluster, ClusterSpec, ClusterStatus, ClusterSyncMode,
    LocalSecretReference, NodeSummary, ResourceModel, ResourceModelRange, ResourceSummary, Taint,
};
