//! What is written into the control plane once its API server answers.

use serde_json::{Value, json};

use super::certificate_set::{CertificateSet, ROOT};
use crate::attached::prepare;
use crate::register::bootstrap::{PUBLIC_NAMESPACE, bootstrap_objects};

/// The kind that the aggregated API server serves.
const CLUSTERS: &str = "clusters.cluster.karmada.io";

/// Returns namespaces, kinds and roles, in the order in which they must come.
pub fn foundations() -> Vec<Value> {
    prepare::objects().into_iter().filter(|object| object["metadata"]["name"] != CLUSTERS).collect()
}

/// Returns what a cluster that registers itself finds: the server's address and authority, and what it may do.
pub fn registration(server: &str, certificates: &CertificateSet) -> Vec<Value> {
    let authority = certificates.file(&format!("{ROOT}.crt"));
    let public = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": PUBLIC_NAMESPACE}});
    std::iter::once(public).chain(bootstrap_objects(server, authority.as_bytes())).collect()
}
