//! Objects that make a control plane of Kubernetes' and Karmada's own programs, and bringing them to a host cluster.
//!
//! [`settings`] (flags) and [`config_file`] become [`options`]; [`host`] says what is there; [`plan`] makes steps of
//! them, without a look at anything; [`preflight`] asks whether they can be taken; [`run`] takes them. [`removal`]
//! and [`renewal`] are for what was installed.

pub mod api_server;
pub mod api_service;
pub mod certificate_set;
pub mod certificates;
pub mod config_file;
pub mod control_plane;
pub mod etcd;
pub mod host;
pub mod names;
pub mod objects;
pub mod options;
pub mod plan;
pub mod pods;
pub mod preflight;
pub mod removal;
pub mod renewal;
pub mod rollout;
pub mod run;
pub mod secrets;
pub mod settings;
pub mod single;
pub mod trouble;
pub mod webhook_configurations;
pub mod workloads;

#[cfg(test)]
mod tests;
