//! What may refuse or change a write after it was authorized: in-process plug-ins, webhooks, policies and the rules of namespaces.

mod escalation;
mod namespaces;
mod plugin;
pub(crate) mod policy;
pub(crate) mod webhook;

pub(crate) use escalation::check_escalation;
pub(crate) use namespaces::check_namespace;
pub use plugin::{AdmissionDenied, AdmissionPlugin, AdmissionRequest, Operation, StoredObjects};
