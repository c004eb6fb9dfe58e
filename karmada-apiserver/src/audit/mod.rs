//! The audit log: who asked for what, when, and what came of it.
//!
//! A policy says for each request how much is written: nothing, who did what ([`Level::Metadata`]), also the body of the
//! request, or both bodies. Bodies that carry secrets (Secrets, tokens) are never written. Events are lines of JSON
//! (`audit.k8s.io/v1`); a thread of its own writes them, and a disk that is too slow loses events, which are counted, but
//! does not stop requests.
//!
//! Code that serves a request adds to its event by [`annotate`].

mod config;
mod event;
mod log;
mod policy;
mod trail;

pub use config::{Audit, AuditConfig, AuditError};
pub use policy::{Level, Policy, PolicyError};
pub use trail::annotate;
pub(crate) use trail::{Trail, asked, caller, decided, impersonated, request_body};
