//! Nothing new in a namespace that is missing or going away; the system's namespaces stay.

use serde_json::json;

use super::plugin::Operation;
use crate::http::failure::Failure;
use crate::registry::Resource;
use crate::store::Store;

pub(crate) const NAMESPACES: &str = "/namespaces";
const PROTECTED: [&str; 3] = ["default", "kube-system", "kube-public"];

/// Checks a write against the state of its namespace.
pub(crate) fn check_namespace(
    store: &Store,
    resource: &Resource,
    operation: Operation,
    namespace: &str,
    name: &str,
) -> Result<(), Failure> {
    let is_namespace = resource.group.is_empty() && resource.plural == "namespaces";
    if is_namespace && operation == Operation::Delete && PROTECTED.contains(&name) {
        return Err(Failure::forbidden("", "namespaces", name, "this namespace may not be deleted"));
    }
    // A review of what one may do is possible anywhere.
    let review = resource.group == "authorization.k8s.io";
    if !resource.namespaced || review || operation != Operation::Create {
        return Ok(());
    }
    let Some(stored) = store.get(NAMESPACES, namespace) else {
        return Err(Failure::not_found("", "namespaces", namespace));
    };
    if !stored.is_deleting() {
        return Ok(());
    }
    let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
    let mut failure = Failure::forbidden(&resource.group, &resource.plural, name, &why);
    if let Some(details) = &mut failure.details {
        details["causes"] = json!([{"reason": "NamespaceTerminating",
            "message": format!("namespace {namespace} is being terminated"), "field": "metadata.namespace"}]);
    }
    Err(failure)
}
