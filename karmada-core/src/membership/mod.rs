//! A member cluster as the control plane sees it: conditions, taints, resources.

mod readiness;
mod remedy;
mod resources;
mod taints;

pub use readiness::{Probe, ReadinessThresholds, ReadyMemory, api_enablements_condition, ready_condition};
pub use remedy::remedy_actions;
pub use resources::{pod_requests, summarise_nodes, summarise_resources};
pub use taints::taints_for_readiness;
