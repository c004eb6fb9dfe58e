//! Defaults and validation of Karmada's kinds.
//!
//! [`mutate`] fills in what the user left out, [`validate`] collects everything that is wrong;
//! [`admit`] does both. Other kinds pass through untouched, except that a protected object of any
//! kind is not deleted.

mod affinity;
mod binding;
mod binding_quota;
mod cluster;
mod cluster_spec;
mod cron;
mod cron_federated_hpa;
mod customization;
mod deletion;
mod entry;
mod federated_hpa;
mod federated_resource_quota;
mod field_error;
mod ingress_backend;
mod interpreter_webhook;
mod load_balancer;
mod lua_syntax;
mod metrics;
mod multi_cluster_ingress;
mod multi_cluster_service;
mod object_meta;
mod override_policy;
mod path_segment;
mod placement;
mod propagation_policy;
#[cfg(test)]
mod properties;
mod read;
mod resource_models;
mod resource_name;
mod scaling_rules;
mod taint_policy;
mod url;
mod work;

pub use binding_quota::{QuotaUse, binding_use, overall_use};
pub use cluster::{cluster_name_messages, create_cluster, update_cluster};
pub use entry::{
    AdmissionDenied, AdmissionInput, Allowed, Operation, Related, RelatedKind, TaintPolicyRule, admit,
    mutate, related, validate,
};
pub use field_error::{FieldError, FieldErrorType, aggregate};
