//! What is particular to each built-in kind: defaults, admission, validation.

mod admission_policy;
mod affinity_checks;
mod autoscaling;
mod certificate;
mod checks;
mod config;
mod container_checks;
mod dispatch;
mod endpoint_checks;
mod event;
mod expressions;
mod fields;
mod job;
mod job_policies;
mod job_status;
mod network;
mod node;
mod pod;
mod pod_checks;
mod pod_spec;
mod pod_warnings;
mod policy;
mod quota_checks;
mod rbac;
mod schedule;
mod scheduling;
mod selector;
mod service;
mod service_allocation;
mod status_checks;
mod storage;
mod volume_checks;
mod warnings;
mod webhook;
mod workload;

pub(crate) use autoscaling::METRICS as AUTOSCALER_METRICS;
pub(super) use dispatch::{
    admit, admit_early, apply_defaults, complete_status, counts_changes, default_on_read, has_generation,
    needs_revision, prepare_status, spec_changed, validate, validate_status,
};
pub(super) use warnings::warnings;
pub(super) use workload::TEMPLATE_GENERATION;
