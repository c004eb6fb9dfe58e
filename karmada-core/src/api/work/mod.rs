//! Group `work.karmada.io`: what is bound to which clusters, and what each cluster is given.

mod binding;
mod cluster_resource_binding;
pub mod constants;
mod resource_binding;
pub mod v1alpha1;
#[expect(clippy::module_inception, reason = "one file per kind, and the kind is named like its group")]
mod work;

pub use binding::{
    AggregatedStatusItem, BindingSchedulePriority, BindingSnapshot, BindingSuspension, Component,
    ComponentRequirements, GracefulEvictionTask, NodeClaim, ObjectReference, ReplicaRequirements,
    ResourceBindingSpec, ResourceBindingStatus, ResourceHealth, TargetCluster, TargetComponent,
    WorkloadAffinityGroups,
};
pub use cluster_resource_binding::ClusterResourceBinding;
pub use resource_binding::ResourceBinding;
pub use work::{ManifestStatus, ResourceIdentifier, Work, WorkSpec, WorkStatus, WorkloadTemplate};
