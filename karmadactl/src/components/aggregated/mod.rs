//! Clusters behind the aggregation layer of a kube-apiserver.
//!
//! A Cluster is kept as a custom resource of another group (`storedclusters.storage.karmada.io`) in the API server that
//! sends the requests here: watches, versions, server-side apply and durability are that server's, and any number of
//! processes may answer. What is done here is upstream's part: who calls ([`authentication`]) and may
//! ([`authorization`]), defaults and validation, the group's documents ([`documents`]), and the way to members. See
//! `docs/decisions/0008-clusters-as-stored-clusters.md`.

mod authentication;
mod authorization;
mod clusters;
mod documents;
mod lines;
mod negotiation;
mod patching;
mod server;
mod storage;
mod translation;

pub use authentication::{Authentication, AuthenticationError, FrontProxyFlags};
pub use server::{AggregatedServer, StartError};
pub use storage::{StorageError, definition};
