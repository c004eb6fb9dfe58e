//! Pull-mode registration: giving an agent its identity and permissions, and taking them away again.
//!
//! | where | what |
//! |---|---|
//! | control plane, once ([`bootstrap`]) | what tokens may do, the public description of the control plane |
//! | control plane ([`access`]) | permissions of the agent, its execution namespace |
//! | member ([`footprint`]) | the agent's Deployment, account and kubeconfig |
//!
//! The agent itself registers the Cluster ([`crate::agent`]).

pub mod access;
pub mod bootstrap;
mod discovery;
pub mod footprint;
mod objects;
mod registration;
mod unregister;

pub use discovery::{ClusterInfo, DiscoveryError, DiscoveryOptions, Pins, discover};
pub use objects::{ObjectError, path_of};
pub use registration::{
    AgentOptions, RegisterError, RegisterOptions, RegisterOutcome, RegisterStep, register_cluster,
};
pub use unregister::{
    UnregisterError, UnregisterOptions, UnregisterOutcome, UnregisterStep, unregister_cluster,
};
