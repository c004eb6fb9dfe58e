//! CustomResourceDefinitions become kinds; deleted ones take their objects with them.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::controller::Controller;
use crate::http::DeleteOptions;
use crate::http::Failure;
use crate::http::call::Call;
use crate::registry::{Registry, crd};
use crate::server::Inner;
use crate::store::{Event, EventKind, Stored};

pub(crate) const GROUP: &str = "apiextensions.k8s.io";
pub(crate) const PLURAL: &str = "customresourcedefinitions";
pub(crate) const STORAGE: &str = "apiextensions.k8s.io/customresourcedefinitions";
pub(crate) const CLEANUP_FINALIZER: &str = "customresourcecleanup.apiextensions.k8s.io";
const MANAGER: &str = "kube-apiserver";
/// Label of services that the server registers itself.
pub(super) const AUTOMANAGED: &str = "kube-aggregator.kubernetes.io/automanaged";
/// How often the objects of a deleted CRD are looked at again, besides when they change.
const CLEANUP_PERIOD: Duration = Duration::from_secs(1);

/// Serves CRDs.
pub(super) struct Crds;

impl Controller for Crds {
    type Key = String;
    const NAME: &'static str = "crds";

    fn all(&mut self, server: &Inner) -> Vec<String> {
        let stored = server.store.list(STORAGE, "").objects.into_iter().map(|crd| crd.name().to_owned());
        let served: Vec<String> = server.registry().crd_names().map(str::to_owned).collect();
        stored.chain(served).collect()
    }

    fn keys(&mut self, server: &Inner, resource: &str, event: &Event) -> Vec<String> {
        if resource != STORAGE {
            return Vec::new();
        }
        let mut keys = vec![event.object.name().to_owned()];
        if event.kind == EventKind::Deleted {
            // Names that were in use are free now.
            keys.extend(self.all(server));
        }
        keys
    }

    async fn reconcile(&mut self, server: &Arc<Inner>, name: &String) -> Result<Option<Duration>, Failure> {
        let Some(stored) = server.store.get(STORAGE, name) else {
            forget(server, name);
            return Ok(None);
        };
        if stored.is_deleting() {
            return clean_up(server, &stored).await;
        }
        register(server, &stored.value()).await?;
        serve(server, &stored).await?;
        Ok(None)
    }
}

/// Serves a changed CRD before its writer is answered.
///
/// What goes wrong is left to the controller, which looks at the CRD too.
pub(crate) fn settle<'a>(
    server: &'a Inner,
    stored: &'a Stored,
) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
    Box::pin(async move {
        if stored.is_deleting() {
            return;
        }
        let settled = match register(server, &stored.value()).await {
            Ok(()) => serve(server, stored).await,
            failed => failed,
        };
        if let Err(failure) = settled {
            tracing::debug!(crd = stored.name(), message = failure.message, "left to the controller");
        }
    })
}

/// Serves one CRD and writes its status.
pub(super) async fn serve(server: &Inner, stored: &Stored) -> Result<(), Failure> {
    let crd = stored.value();
    let registry = server.registry();
    let conflict = crd::names_conflict(&crd, registry.resources());
    let status = crd::status(&crd, conflict, Timestamp::now());
    let established = condition(&status, "Established") == Some("True");
    if established {
        // The names that count are the accepted ones.
        let mut accepted = crd.clone();
        if let Some(names) = status.get("acceptedNames") {
            accepted["spec"]["names"] = names.clone();
        }
        accepted["status"] = status.clone();
        server.change_registry(|registry| registry.with_crd(&accepted)).map_err(|errors| {
            let why: Vec<String> = errors.iter().map(ToString::to_string).collect();
            Failure::internal(format!("cannot serve {}: {}", stored.name(), why.join(", ")))
        })?;
    }
    if crd.get("status") == Some(&status) {
        return Ok(());
    }
    let mut call = status_call(server, stored.name())?;
    call.replace(|old| {
        let mut new = old.clone();
        new["status"] = status.clone();
        // The next state of the CRD has a status of its own.
        new["metadata"]["resourceVersion"] = stored.revision().to_string().into();
        Ok(new)
    })
    .await?;
    Ok(())
}

/// Registers the group versions of a CRD as services of this server.
async fn register(server: &Inner, crd: &Value) -> Result<(), Failure> {
    for (name, group, version) in services(crd) {
        let service = json!({"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
            "metadata": {"name": name, "labels": {AUTOMANAGED: "true"}},
            "spec": {"group": group, "version": version, "groupPriorityMinimum": 1000, "versionPriority": 100}});
        let Some(mut call) = service_call(server, &name) else { return Ok(()) };
        if call.stored().is_some() {
            continue;
        }
        match call.create(service).await {
            Err(failure) if failure.code != http::StatusCode::CONFLICT => return Err(failure),
            _ => {}
        }
    }
    Ok(())
}

/// Removes the services that no CRD needs any longer.
async fn unregister(server: &Inner, crd: &Value) -> Result<(), Failure> {
    for (name, group, version) in services(crd) {
        if server.registry().resources().any(|other| other.group == group && other.version == version) {
            continue;
        }
        let Some(mut call) = service_call(server, &name) else { return Ok(()) };
        if call.stored().is_none() {
            continue;
        }
        match call.delete(&DeleteOptions::background()).await {
            Err(failure) if failure.code != http::StatusCode::NOT_FOUND => return Err(failure),
            _ => {}
        }
    }
    Ok(())
}

/// Returns name, group and version of the services that a CRD asks for.
fn services(crd: &Value) -> Vec<(String, String, String)> {
    let group = crd.pointer("/spec/group").and_then(Value::as_str).unwrap_or_default();
    let versions = crd.pointer("/spec/versions").and_then(Value::as_array).into_iter().flatten();
    versions
        .filter(|version| version["served"] == json!(true))
        .filter_map(|version| version["name"].as_str())
        .map(|version| (format!("{version}.{group}"), group.to_owned(), version.to_owned()))
        .collect()
}

fn service_call<'a>(server: &'a Inner, name: &str) -> Option<Call<'a>> {
    let resource = server.registry().resource("apiregistration.k8s.io", "v1", "apiservices")?;
    Some(Call::internal(server, resource, "", name, MANAGER))
}

fn forget(server: &Inner, name: &str) {
    let changed: Result<(), std::convert::Infallible> =
        server.change_registry(|registry| Ok(registry.without_crd(name)));
    changed.expect("this change cannot fail");
}

fn status_call<'a>(server: &'a Inner, name: &str) -> Result<Call<'a>, Failure> {
    let resource = server
        .registry()
        .resource(GROUP, "v1", PLURAL)
        .ok_or_else(|| Failure::internal("CRDs are not served"))?;
    let mut call = Call::internal(server, resource, "", name, MANAGER);
    "status".clone_into(&mut call.subresource);
    Ok(call)
}

/// Deletes the objects of a deleted CRD, then lets it go.
async fn clean_up(server: &Arc<Inner>, stored: &Stored) -> Result<Option<Duration>, Failure> {
    let crd = stored.value();
    let has_finalizer = crd
        .pointer("/metadata/finalizers")
        .and_then(Value::as_array)
        .is_some_and(|finalizers| finalizers.iter().any(|finalizer| finalizer == CLEANUP_FINALIZER));
    if !has_finalizer {
        return Ok(None);
    }
    let registry = server.registry();
    let own = registry.resources().find(|resource| resource.crd_name() == Some(stored.name())).cloned();
    if let Some(resource) = own {
        let storage = registry.storage_key(&resource);
        let objects = server.store.list(&storage, "").objects;
        let mut done = BTreeSet::new();
        for object in &objects {
            let mut call =
                Call::internal(server, resource.clone(), object.namespace(), object.name(), MANAGER);
            if !object.is_deleting() && done.insert(object.key()) {
                match call.delete(&DeleteOptions::background()).await {
                    Err(failure) if failure.code != http::StatusCode::NOT_FOUND => return Err(failure),
                    _ => {}
                }
            }
        }
        if server.store.count(&storage) > 0 {
            return Ok(Some(CLEANUP_PERIOD));
        }
    }
    let mut call = status_call(server, stored.name())?;
    call.subresource.clear();
    call.replace(|old| {
        let mut new = old.clone();
        let left: Vec<Value> = old
            .pointer("/metadata/finalizers")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter(|finalizer| *finalizer != CLEANUP_FINALIZER)
            .cloned()
            .collect();
        new["metadata"]["finalizers"] = json!(left);
        Ok(new)
    })
    .await?;
    forget(server, stored.name());
    unregister(server, &crd).await?;
    Ok(None)
}

fn condition<'a>(status: &'a Value, kind: &str) -> Option<&'a str> {
    let conditions = status.get("conditions").and_then(Value::as_array)?;
    conditions.iter().find(|condition| condition["type"] == kind)?.get("status")?.as_str()
}

/// Serves the CRDs of the store, before the first request.
pub(super) fn load(server: &Arc<Inner>) {
    for stored in server.store.list(STORAGE, "").objects {
        let crd = stored.value();
        if condition(&crd["status"], "Established") != Some("True") {
            continue;
        }
        let loaded = server.change_registry(|registry: &Registry| registry.with_crd(&crd));
        if let Err(errors) = loaded {
            let why: Vec<String> = errors.iter().map(ToString::to_string).collect();
            tracing::error!(crd = stored.name(), errors = why.join(", "), "cannot serve a stored CRD");
        }
    }
}
