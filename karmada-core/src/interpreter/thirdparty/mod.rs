//! The third layer: rules for kinds of well-known third-party projects.
//!
//! Upstream writes them as scripts; here they are functions. What a script can see stays: reading a field of
//! something absent is an error, absent numbers cannot be added or compared, and empty maps and lists of an answer
//! are dropped unless the input has them at the same path. [`values`] holds these rules, one file per kind (or per
//! family of kinds) holds the rest.

mod advanced_cron_job;
mod broadcast_job;
mod clone_set;
mod conditions;
mod daemon_set;
mod flink_deployment;
mod flux;
mod gated;
mod helm_release;
mod interpreter;
mod kustomization;
mod kyverno;
mod members;
mod mpi_job;
mod notebook;
mod ray;
mod ray_cluster;
mod ray_job;
mod ray_service;
#[cfg(test)]
mod robustness;
mod rules;
mod sidecar_set;
mod sources;
mod spark_application;
mod spark_memory;
mod stateful_set;
mod templates;
mod training_job;
mod united_deployment;
mod values;
mod volcano_job;
mod workflow;

pub use interpreter::ThirdPartyInterpreter;
