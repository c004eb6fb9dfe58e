//! Defaults and validation of Karmada's kinds.
//!
//! [`mutate`] fills in what the user left out, [`validate`] collects everything that is wrong;
//! [`admit`] does both. Other kinds pass through untouched, except that a protected object of any
//! kind is not deleted.

mod affinity;
mod cluster;
mod cluster_spec;
mod deletion;
mod entry;
mod field_error;
mod identity;
mod object_meta;
mod override_policy;
mod placement;
mod propagation_policy;
mod resource_models;
mod taint_policy;
mod url;

pub use cluster::{cluster_name_messages, create_cluster, update_cluster};
pub use entry::{AdmissionDenied, AdmissionInput, Operation, TaintPolicyRule, admit, mutate, validate};
pub use field_error::{FieldError, FieldErrorType, aggregate};
