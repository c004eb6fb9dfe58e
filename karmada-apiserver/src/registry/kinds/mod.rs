//! What is particular to each built-in kind: defaults, admission, validation.

mod admission_policy;
mod autoscaling;
mod certificate;
mod config;
mod dispatch;
mod expressions;
mod fields;
mod job;
mod network;
mod pod;
mod pod_checks;
mod pod_spec;
mod pod_warnings;
mod policy;
mod rbac;
mod schedule;
mod scheduling;
mod selector;
mod service;
mod service_allocation;
mod status_checks;
mod storage;
mod warnings;
mod webhook;
mod workload;

pub(crate) use autoscaling::METRICS as AUTOSCALER_METRICS;
pub(super) use dispatch::{
    admit, admit_early, apply_defaults, default_on_read, has_generation, needs_revision, prepare_status,
    spec_changed, validate, validate_status,
};
pub(super) use warnings::warnings;
pub(super) use workload::TEMPLATE_GENERATION;
