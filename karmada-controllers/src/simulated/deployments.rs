//! A simulated Deployment controller: replicas become available as far as they fit.

use std::collections::BTreeSet;
use std::sync::Arc;

use karmada_core::api::ResourceList;
use karmada_core::membership::pod_requests;
use kube::api::{Api, ApiResource, Patch, PatchParams};
use kube::runtime::watcher;
use kube::{Client, Resource};
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::capacity::Capacity;
use crate::hub::{
    Action, Change, Informer, ObjectKey, ReconcileError, Runtime, Unstructured, WorkQueue, is_not_found,
};

const WORKERS: usize = 4;

struct Context {
    client: Client,
    resource: ApiResource,
    deployments: Arc<Informer<Unstructured>>,
    capacity: Mutex<Capacity>,
    /// Deployments with replicas that found no room.
    short: Mutex<BTreeSet<ObjectKey>>,
    queue: Arc<WorkQueue<ObjectKey>>,
}

/// Starts the controller.
pub(super) fn start(client: Client, total: ResourceList, runtime: &Runtime) {
    let resource = ApiResource {
        group: "apps".into(),
        version: "v1".into(),
        api_version: "apps/v1".into(),
        kind: "Deployment".into(),
        plural: "deployments".into(),
    };
    let transformed = resource.clone();
    let deployments = Arc::new(Informer::new("deployments.apps", move |object: &mut Unstructured| {
        object.normalise(&transformed);
    }));
    let queue: Arc<WorkQueue<ObjectKey>> = Arc::default();
    {
        let queue = queue.clone();
        deployments.on_change(move |change| {
            // A status that changed is our own write.
            if let Change::Updated { old, new } = change
                && old.meta().generation == new.meta().generation
                && old.value().get("status") != new.value().get("status")
            {
                return;
            }
            queue.add(ObjectKey::of(&**change.object()));
        });
    }
    let api: Api<Unstructured> = Api::all_with(client.clone(), &resource);
    runtime.spawn(deployments.clone().run(api, watcher::Config::default(), runtime.cancellation()));
    let context = Arc::new(Context {
        client,
        resource,
        deployments,
        capacity: Mutex::new(Capacity::new(total)),
        short: Mutex::default(),
        queue: queue.clone(),
    });
    runtime.run_queue("simulated-deployment", &queue, WORKERS, move |key| {
        let context = context.clone();
        async move { reconcile(&context, &key).await }
    });
}

async fn reconcile(context: &Context, key: &ObjectKey) -> Result<Action, ReconcileError> {
    let deployment = context.deployments.find(key).filter(|found| found.meta().deletion_timestamp.is_none());
    let Some(deployment) = deployment else {
        if context.capacity.lock().release(key) {
            wake_short(context);
        }
        context.short.lock().remove(key);
        return Ok(Action::Done);
    };
    let object = deployment.value();
    let wanted = object.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
    let request = object.pointer("/spec/template").map(pod_requests).unwrap_or_default();
    let available = {
        let mut capacity = context.capacity.lock();
        capacity.assign(key, wanted, request)
    };
    if available < wanted {
        context.short.lock().insert(key.clone());
    } else {
        context.short.lock().remove(key);
        // A smaller Deployment leaves room for those that found none.
        wake_short(context);
    }
    let status = status_of(object, wanted, available);
    if object.get("status") == Some(&status) {
        return Ok(Action::Done);
    }
    let api: Api<Unstructured> =
        Api::namespaced_with(context.client.clone(), &key.namespace, &context.resource);
    let patch = json!({"status": status});
    match api.patch_status(&key.name, &PatchParams::default(), &Patch::Merge(&patch)).await {
        Ok(_) => Ok(Action::Done),
        Err(error) if is_not_found(&error) => Ok(Action::Done),
        Err(error) => Err(ReconcileError::api(format!("update the status of deployment {key}"))(error)),
    }
}

fn wake_short(context: &Context) {
    for key in context.short.lock().iter() {
        context.queue.add(key.clone());
    }
}

/// Returns the status a real Deployment would have with this many available replicas.
fn status_of(deployment: &Value, wanted: i64, available: i64) -> Value {
    let generation = deployment.pointer("/metadata/generation").cloned().unwrap_or_default();
    let (status, reason, message) = if available >= wanted {
        ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.".to_string())
    } else {
        (
            "False",
            "MinimumReplicasUnavailable",
            format!("{} replicas found no room on the simulated nodes", wanted - available),
        )
    };
    let before = deployment.pointer("/status/conditions/0");
    let same = before.is_some_and(|before| before["status"] == status && before["reason"] == reason);
    let since = |field: &str| match before {
        Some(before) if same => before.get(field).cloned().unwrap_or_default(),
        _ => json!(now()),
    };
    let mut result = json!({
        "observedGeneration": generation,
        "conditions": [{"type": "Available", "status": status, "reason": reason, "message": message,
                        "lastUpdateTime": since("lastUpdateTime"), "lastTransitionTime": since("lastTransitionTime")}],
    });
    // Zero counters are left out, as the real controller leaves them out; null removes an old one.
    let counters = [
        ("replicas", wanted),
        ("updatedReplicas", wanted),
        ("readyReplicas", available),
        ("availableReplicas", available),
        ("unavailableReplicas", wanted - available),
    ];
    for (name, count) in counters {
        if count > 0 {
            result[name] = json!(count);
        } else if deployment.pointer(&format!("/status/{name}")).is_some() {
            result[name] = Value::Null;
        }
    }
    result
}

fn now() -> String {
    jiff::Timestamp::now().round(jiff::Unit::Second).unwrap_or_else(|_| jiff::Timestamp::now()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unchanged_deployment_keeps_its_status() {
        let mut deployment = json!({"metadata": {"generation": 2}});
        let first = status_of(&deployment, 3, 3);
        deployment["status"] = first.clone();
        assert_eq!(status_of(&deployment, 3, 3), first);
        assert_eq!(first["readyReplicas"], 3);
        assert!(first.get("unavailableReplicas").is_none());
    }

    #[test]
    fn missing_room_is_said() {
        let status = status_of(&json!({"metadata": {"generation": 1}}), 3, 1);
        assert_eq!(status["conditions"][0]["status"], "False");
        assert_eq!(
            (status["availableReplicas"].as_i64(), status["unavailableReplicas"].as_i64()),
            (Some(1), Some(2))
        );
    }
}
