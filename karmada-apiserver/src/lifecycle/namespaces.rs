//! A deleted namespace takes its content with it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::controller::Controller;
use crate::http::DeleteOptions;
use crate::http::Failure;
use crate::http::call::Call;
use crate::registry::Resource;
use crate::server::Inner;
use crate::store::{Event, EventKind};

const STORAGE: &str = "/namespaces";
const FINALIZER: &str = "kubernetes";
const MANAGER: &str = "kube-controller-manager";
/// How often a namespace that waits for its content is looked at again, besides when content goes.
const PERIOD: Duration = Duration::from_secs(10);

/// Empties and finalizes namespaces.
pub(super) struct Namespaces;

/// What is left of a namespace.
#[derive(Default)]
struct Remaining {
    /// `plural.group has N resource instances`, in order.
    resources: Vec<String>,
    /// `finalizer in N resource instances`, in order.
    finalizers: Vec<String>,
}

impl Controller for Namespaces {
    type Key = String;
    const NAME: &'static str = "namespaces";

    fn all(&mut self, server: &Inner) -> Vec<String> {
        let namespaces = server.store.list(STORAGE, "").objects;
        namespaces.iter().filter(|namespace| namespace.is_deleting()).map(|n| n.name().to_owned()).collect()
    }

    fn keys(&mut self, server: &Inner, resource: &str, event: &Event) -> Vec<String> {
        let object = &event.object;
        if resource == STORAGE {
            let waits = event.kind != EventKind::Deleted && object.is_deleting();
            return if waits { vec![object.name().to_owned()] } else { Vec::new() };
        }
        let terminating = event.kind == EventKind::Deleted
            && !object.namespace().is_empty()
            && server.store.get(STORAGE, object.namespace()).is_some_and(|namespace| namespace.is_deleting());
        if terminating { vec![object.namespace().to_owned()] } else { Vec::new() }
    }

    async fn reconcile(&mut self, server: &Arc<Inner>, name: &String) -> Result<Option<Duration>, Failure> {
        let Some(namespace) = server.store.get(STORAGE, name).filter(|namespace| namespace.is_deleting())
        else {
            return Ok(None);
        };
        let object = namespace.value();
        let held = object
            .pointer("/spec/finalizers")
            .and_then(Value::as_array)
            .is_some_and(|finalizers| finalizers.iter().any(|finalizer| finalizer == FINALIZER));
        if !held {
            return Ok(None);
        }
        let contents = contents(server);
        for (resource, storage) in &contents {
            for object in server.store.list(storage, &format!("{name}/")).objects {
                if object.is_deleting() {
                    continue;
                }
                let mut call = Call::internal(server, resource.clone(), name, object.name(), MANAGER)
                    .reviewed_as("namespace-controller");
                match call.delete(&DeleteOptions::background()).await {
                    Err(failure) if failure.code != http::StatusCode::NOT_FOUND => return Err(failure),
                    _ => {}
                }
            }
        }
        let remaining = remaining(server, &contents, name);
        set_conditions(server, name, &remaining).await?;
        if !remaining.resources.is_empty() {
            return Ok(Some(PERIOD));
        }
        let resource = namespace_resource(server)?;
        let mut call = Call::internal(server, resource, "", name, MANAGER);
        let current = call.existing()?.value();
        let mut wanted = current.clone();
        let left: Vec<Value> = current
            .pointer("/spec/finalizers")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter(|finalizer| *finalizer != FINALIZER)
            .cloned()
            .collect();
        wanted["spec"]["finalizers"] = json!(left);
        call.finalize(&wanted).await?;
        Ok(None)
    }
}

fn namespace_resource(server: &Inner) -> Result<Arc<Resource>, Failure> {
    server
        .registry()
        .resource("", "v1", "namespaces")
        .ok_or_else(|| Failure::internal("namespaces are not served"))
}

/// Returns the resources that a namespace can hold, once for each storage.
fn contents(server: &Inner) -> Vec<(Arc<Resource>, String)> {
    let registry = server.registry();
    let mut seen = BTreeSet::new();
    registry
        .resources()
        .filter(|resource| resource.namespaced && resource.verbs.iter().any(|verb| verb == "delete"))
        .filter_map(|resource| {
            let storage = registry.storage_key(resource);
            seen.insert(storage.clone()).then(|| (resource.clone(), storage))
        })
        .collect()
}

fn remaining(server: &Inner, contents: &[(Arc<Resource>, String)], name: &str) -> Remaining {
    let mut remaining = Remaining::default();
    let mut finalizers: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
    for (resource, storage) in contents {
        let objects = server.store.list(storage, &format!("{name}/")).objects;
        if objects.is_empty() {
            continue;
        }
        // The real server prints the core group as an empty one.
        let qualified = format!("{}.{}", resource.plural, resource.group);
        remaining.resources.push(format!("{qualified} has {} resource instances", objects.len()));
        for object in &objects {
            let object = object.value();
            for finalizer in
                object.pointer("/metadata/finalizers").and_then(Value::as_array).into_iter().flatten()
            {
                *finalizers.entry(finalizer.as_str().unwrap_or_default().to_owned()).or_default() += 1;
            }
        }
    }
    remaining.resources.sort();
    remaining.finalizers =
        finalizers.into_iter().map(|(name, count)| format!("{name} in {count} resource instances")).collect();
    remaining
}

/// Says in the namespace's status what it waits for.
async fn set_conditions(server: &Arc<Inner>, name: &str, remaining: &Remaining) -> Result<(), Failure> {
    let state = |kind: &str, problem: bool, reason: &str, message: String| json!({"type": kind, "status": if problem { "True" } else { "False" }, "reason": reason, "message": message});
    let content = if remaining.resources.is_empty() {
        state(
            "NamespaceContentRemaining",
            false,
            "ContentRemoved",
            "All content successfully removed".to_owned(),
        )
    } else {
        let message = format!("Some resources are remaining: {}", remaining.resources.join(", "));
        state("NamespaceContentRemaining", true, "SomeResourcesRemain", message)
    };
    let finalizers = if remaining.finalizers.is_empty() {
        let message = "All content-preserving finalizers finished".to_owned();
        state("NamespaceFinalizersRemaining", false, "ContentHasNoFinalizers", message)
    } else {
        let message = format!(
            "Some content in the namespace has finalizers remaining: {}",
            remaining.finalizers.join(", ")
        );
        state("NamespaceFinalizersRemaining", true, "SomeFinalizersRemain", message)
    };
    let wanted = [
        state(
            "NamespaceDeletionDiscoveryFailure",
            false,
            "ResourcesDiscovered",
            "All resources successfully discovered".to_owned(),
        ),
        state(
            "NamespaceDeletionGroupVersionParsingFailure",
            false,
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed".to_owned(),
        ),
        state(
            "NamespaceDeletionContentFailure",
            false,
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization".to_owned(),
        ),
        content,
        finalizers,
    ];
    let resource = namespace_resource(server)?;
    let mut call = Call::internal(server, resource, "", name, MANAGER);
    "status".clone_into(&mut call.subresource);
    let now = crate::http::whole_second(call.now);
    call.replace(|old| {
        let mut new = old.clone();
        if let Some(metadata) = new["metadata"].as_object_mut() {
            metadata.remove("resourceVersion");
        }
        let mut conditions: Vec<Value> = old["status"]["conditions"].as_array().cloned().unwrap_or_default();
        for wanted in &wanted {
            let existing = conditions.iter_mut().find(|condition| condition["type"] == wanted["type"]);
            let unchanged = |condition: &Value| {
                ["status", "reason", "message"].iter().all(|key| condition[*key] == wanted[*key])
            };
            match existing {
                Some(condition) if unchanged(condition) => {}
                Some(condition) => {
                    let same = condition["status"] == wanted["status"];
                    let since = condition["lastTransitionTime"].clone();
                    *condition = wanted.clone();
                    condition["lastTransitionTime"] = if same { since } else { now.clone().into() };
                }
                None => {
                    let mut condition = wanted.clone();
                    condition["lastTransitionTime"] = now.clone().into();
                    conditions.push(condition);
                }
            }
        }
        new["status"]["conditions"] = conditions.into();
        Ok(new)
    })
    .await?;
    Ok(())
}
