//! What may refuse or change a write after it was authorized: in-process plug-ins, webhooks, policies and the rules of namespaces.

mod escalation;
pub(crate) mod limit_ranger;
mod namespaces;
mod plugin;
mod pod_resources;
pub(crate) mod policy;
pub(crate) mod quota;
pub(crate) mod webhook;

pub(crate) use escalation::check_escalation;
pub(crate) use namespaces::check_namespace;
pub use plugin::{AdmissionDenied, AdmissionPlugin, AdmissionRequest, Operation, StoredObjects};
