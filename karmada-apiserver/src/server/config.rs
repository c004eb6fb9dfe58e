//! What a server needs to start, and why it may not.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::limits::Limits;
use crate::admission::AdmissionPlugin;
use crate::audit::{AuditConfig, AuditError};
use crate::auth::{AuthError, FrontProxy};
use crate::clock::Clock;
use crate::http::Connect;
use crate::store::{Durability, OpenError};

/// What [`super::ApiServer`] needs to start.
#[derive(Clone, Default)]
pub struct ServerConfig {
    /// Names the server in its certificates and kubeconfigs.
    pub name: String,
    /// Where objects and keys are kept; in memory when there is none.
    pub data_dir: Option<PathBuf>,
    pub durability: Durability,
    /// Bytes of history that are kept for watches; a default when there is none.
    pub history_bytes: Option<usize>,
    pub admission: Vec<Arc<dyn AdmissionPlugin>>,
    /// Subresources that something else answers.
    pub connects: Vec<Arc<dyn Connect>>,
    /// CustomResourceDefinitions that are created, or updated, at start.
    pub crds: Vec<Value>,
    pub controllers: Controllers,
    /// What is written about requests, and where; nothing when there is none.
    pub audit: Option<AuditConfig>,
    /// How long Events stay after they were written last; one hour when there is none.
    pub event_ttl: Option<Duration>,
    /// Tells the time to everything that expires.
    pub clock: Clock,
    pub limits: Limits,
    /// The proxy that may name callers; none when absent.
    pub front_proxy: Option<FrontProxy>,
    /// Names and addresses in the server's certificate, besides the local ones and those it listens on.
    pub server_names: Vec<String>,
}

/// Which of the built-in controllers run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Controllers {
    /// Those of a controller manager too: namespaces, garbage collection, service accounts, aggregated roles.
    #[default]
    All,
    /// All but the one that puts a ServiceAccount and the root certificate into every namespace: for
    /// servers whose objects are copied elsewhere, where these would go along.
    WithoutAccounts,
    /// Only those that a bare API server has.
    ApiServer,
}

/// Why a server could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot open the store")]
    Store(#[from] OpenError),
    #[error("cannot set up certificates and keys")]
    Auth(#[from] AuthError),
    #[error("cannot keep an audit log")]
    Audit(#[from] AuditError),
    #[error("cannot install CustomResourceDefinition {name}: {message}")]
    Crd { name: String, message: String },
    #[error("cannot create {kind} {name}: {message}")]
    Bootstrap { kind: String, name: String, message: String },
}

impl std::fmt::Debug for ServerConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerConfig")
            .field("name", &self.name)
            .field("data_dir", &self.data_dir)
            .field("durability", &self.durability)
            .field("history_bytes", &self.history_bytes)
            .field("admission", &self.admission.len())
            .field("connects", &self.connects.len())
            .field("crds", &self.crds.len())
            .field("controllers", &self.controllers)
            .field("audit", &self.audit)
            .field("event_ttl", &self.event_ttl)
            .field("front_proxy", &self.front_proxy)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
