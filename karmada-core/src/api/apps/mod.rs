//! Group `apps.karmada.io`: tasks for workloads.

pub mod constants;
mod workload_rebalancer;

pub use workload_rebalancer::{
    ObjectReference, ObservedWorkload, RebalanceFailedReason, RebalanceResult, WorkloadRebalancer,
    WorkloadRebalancerSpec, WorkloadRebalancerStatus,
};
