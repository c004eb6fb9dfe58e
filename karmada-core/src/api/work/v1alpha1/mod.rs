//! Version `v1alpha1` of the bindings: still served, no longer stored.

mod binding;
mod conversion;

pub use binding::{
    AggregatedStatusItem, ClusterResourceBinding, ObjectReference, ResourceBinding, ResourceBindingSpec,
    ResourceBindingStatus, TargetCluster,
};
pub use conversion::{ConversionError, convert};
