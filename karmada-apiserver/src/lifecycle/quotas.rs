//! Counts what the namespaces with quotas use.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::controller::Controller;
use crate::admission::quota;
use crate::http::Failure;
use crate::http::call::Call;
use crate::registry::{Quantity, Registry, Resource, UpdateTarget};
use crate::server::Inner;
use crate::store::{Event, EventKind};

const STORAGE: &str = "/resourcequotas";
const MANAGER: &str = "kube-controller-manager";

/// Keeps the status of ResourceQuotas.
pub(super) struct Quotas;

impl Controller for Quotas {
    /// A namespace.
    type Key = String;
    const NAME: &'static str = "quotas";

    fn all(&mut self, server: &Inner) -> Vec<Self::Key> {
        let mut namespaces: Vec<String> =
            server.store.list(STORAGE, "").objects.iter().map(|quota| quota.namespace().to_owned()).collect();
        namespaces.dedup();
        namespaces
    }

    fn keys(&mut self, server: &Inner, resource: &str, event: &Event) -> Vec<Self::Key> {
        let namespace = event.object.namespace();
        // What is created was noted when it was admitted.
        let frees = event.kind == EventKind::Deleted
            || (event.kind == EventKind::Modified
                && matches!(resource, "/pods" | "/services" | "/persistentvolumeclaims"));
        let relevant = (resource == STORAGE && event.kind != EventKind::Deleted) || frees;
        if !relevant || namespace.is_empty() || server.store.count(STORAGE) == 0 {
            return Vec::new();
        }
        let has_quotas = !server.store.list(STORAGE, &format!("{namespace}/")).objects.is_empty();
        if has_quotas { vec![namespace.to_owned()] } else { Vec::new() }
    }

    async fn reconcile(
        &mut self,
        server: &Arc<Inner>,
        namespace: &Self::Key,
    ) -> Result<Option<Duration>, Failure> {
        let registry = server.registry();
        let resource = registry
            .resource("", "v1", "resourcequotas")
            .ok_or_else(|| Failure::internal("resourcequotas are not served"))?;
        for stored in server.store.list(STORAGE, &format!("{namespace}/")).objects {
            if stored.is_deleting() {
                continue;
            }
            let mut call = Call::internal(server, resource.clone(), namespace, stored.name(), MANAGER);
            "status".clone_into(&mut call.subresource);
            let counted = call
                .update(UpdateTarget::Status, |_, old| {
                    // Counted in the try that is written: a write in between makes another.
                    let mut new = old.clone();
                    new["status"]["hard"] = old["spec"]["hard"].clone();
                    new["status"]["used"] = used(server, &registry, namespace, old);
                    Ok(new)
                })
                .await;
            match counted {
                Err(failure) if failure.code != http::StatusCode::NOT_FOUND => return Err(failure),
                _ => {}
            }
        }
        Ok(None)
    }
}

/// Counts what a quota limits.
fn used(server: &Inner, registry: &Registry, namespace: &str, object: &Value) -> Value {
    let hard = object["spec"]["hard"].as_object().cloned().unwrap_or_default();
    let mut used: Map<String, Value> = Map::new();
    for name in hard.keys() {
        let mut total = Quantity::from_integer(0);
        if let Some(resource) = counted(registry, name) {
            let storage = registry.storage_key(&resource);
            let is_pod = resource.group.is_empty() && resource.plural == "pods";
            for stored in server.store.list(&storage, &format!("{namespace}/")).objects {
                let stored = stored.value();
                if !quota::matches(object, is_pod, &stored) {
                    continue;
                }
                let Some(amount) = quota::usage(&resource, &stored).get(name).copied() else { continue };
                total = if total.is_zero() { amount } else { total.checked_add(amount).unwrap_or(total) };
            }
        }
        used.insert(name.clone(), total.canonical().into());
    }
    Value::Object(used)
}

/// Returns the resource whose objects use what a name of a quota limits.
fn counted(registry: &Registry, name: &str) -> Option<Arc<Resource>> {
    let core = |plural: &str| registry.resource("", "v1", plural);
    if name.starts_with("count/") {
        return registry
            .resources()
            .find(|resource| {
                resource.namespaced && quota::count_name(&resource.group, &resource.plural) == name
            })
            .cloned();
    }
    match name {
        "configmaps" | "replicationcontrollers" | "resourcequotas" | "secrets" => core(name),
        "services" | "services.loadbalancers" | "services.nodeports" => core("services"),
        "persistentvolumeclaims" | "requests.storage" => core("persistentvolumeclaims"),
        _ if name.contains(".storageclass.storage.k8s.io/") => core("persistentvolumeclaims"),
        _ => core("pods"),
    }
}
