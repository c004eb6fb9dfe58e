//! A member cluster as the control plane sees it: conditions, taints, resources.

mod agent_request;
mod heartbeat;
mod readiness;
mod remedy;
mod resources;
mod taints;

pub use agent_request::{
    AGENT_KEY_USAGES, AGENT_USER_PREFIX, AGENTS_GROUP, CLIENT_SIGNER, RBAC_GENERATOR_USER,
    RequestedCertificate, is_agent_request,
};
pub use heartbeat::{HeartbeatLimits, HeartbeatMemory, lost_heartbeat};
pub use readiness::{Probe, ReadinessThresholds, ReadyMemory, api_enablements_condition, ready_condition};
pub use remedy::remedy_actions;
pub use resources::{pod_requests, summarise_nodes, summarise_resources};
pub use taints::taints_for_readiness;
