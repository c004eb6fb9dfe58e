//! Karmada's control loops: watch, call one core function, write what it says.
//!
//! A controller is a folder: `mod.rs` wires watches to a queue, `reconcile.rs` reads the
//! inputs, calls one function of `karmada-core` and writes its answer. Decisions live in core.
//!
//! Controllers speak only to a [`kube::Client`]: the embedded API server called in process, or
//! a real one over HTTPS. Start reading at [`control_plane`].

pub mod agent;
mod agent_csr;
mod binding;
mod binding_status;
mod cluster;
pub mod cluster_proxy;
mod cluster_status;
pub mod control_plane;
pub mod controllers;
mod convergence;
pub mod credentials;
mod dependencies;
mod detector;
pub mod dial;
mod execution;
pub mod hub;
pub mod leader;
pub mod members;
pub mod metrics;

mod interpreter;
mod namespace_sync;
mod quota;
mod rebalancer;
mod remedy;
mod scheduler;
pub mod simulated;
pub mod stand_in;
pub mod tenure;
mod unified_auth;

pub use cluster::MonitorSettings;
pub use cluster_status::{ResourceModeling, StatusSettings};
pub use control_plane::{ControlPlane, ControlPlaneSettings, Part, StartError};
pub use controllers::{Controller, ControllerSet, UnknownController};
pub use convergence::{Problem, Report};
pub use detector::DetectorSettings;
pub use scheduler::SchedulerSettings;
