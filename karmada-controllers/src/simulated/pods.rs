//! Pods: finding a node, running there on paper, going away.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::Request;
use jiff::Timestamp;
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::cluster::{Cluster, everybody, key_of};
use super::demand::Demand;
use super::json::text_at;
use super::nodes::address_of;
use super::pod_state::{Place, is_finished, refused, running, unschedulable};
use super::room::Holder;
use crate::hub::{Action, ObjectKey, ObjectReference, ReconcileError, Unstructured, is_not_found, is_status};

/// Addresses of pods: 10.0.0.0/8 as far as a member needs it.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    given: Mutex<Given>,
}

#[derive(Debug, Default)]
struct Given {
    by_pod: BTreeMap<ObjectKey, u32>,
    last: u32,
}

impl Addresses {
    /// Notes the address that a pod has already.
    fn keep(&self, key: &ObjectKey, address: &str) {
        let parts: Vec<u32> = address.split('.').filter_map(|part| part.parse().ok()).collect();
        if let [10, high, middle, low] = parts[..] {
            let number = (high << 16) | (middle << 8) | low;
            let mut given = self.given.lock();
            given.last = given.last.max(number);
            given.by_pod.insert(key.clone(), number);
        }
    }

    fn of(&self, key: &ObjectKey) -> String {
        let mut given = self.given.lock();
        let known = given.by_pod.get(key).copied();
        let number = known.unwrap_or_else(|| {
            // 2^24 addresses outlast the life of a member; after that they come again.
            given.last = (given.last + 1) & 0x00ff_ffff;
            let number = given.last;
            given.by_pod.insert(key.clone(), number);
            number
        });
        format!("10.{}.{}.{}", number >> 16, (number >> 8) & 255, number & 255)
    }

    fn release(&self, key: &ObjectKey) {
        self.given.lock().by_pod.remove(key);
    }
}

/// Takes over what pods that run already hold, before anything is decided.
pub(super) fn take_over(cluster: &Cluster, addresses: &Addresses) {
    let mut room = cluster.room.lock();
    for pod in cluster.pods.cache.list() {
        let (pod, key) = (pod.value(), ObjectKey::of(&*pod));
        let node = text_at(pod, "/spec/nodeName");
        if !node.is_empty() && !is_finished(pod) && !text_at(pod, "/status/podIP").is_empty() {
            room.hold(&Holder::Pod(key.clone()), node, Demand::of(pod).requests, 1);
            addresses.keep(&key, text_at(pod, "/status/podIP"));
        }
    }
}

/// Looks at one pod.
pub(super) async fn reconcile(
    cluster: &Cluster,
    addresses: &Addresses,
    key: ObjectKey,
) -> Result<Action, ReconcileError> {
    if key == everybody() {
        for key in cluster.waiting.lock().iter() {
            cluster.queues.pods.add(key.clone());
        }
        return Ok(Action::Done);
    }
    let Some(pod) = cluster.pods.cache.find(&key) else {
        leave(cluster, addresses, &key);
        return Ok(Action::Done);
    };
    let pod = pod.value();
    if pod.pointer("/metadata/deletionTimestamp").is_some() {
        // Nothing runs that would have to be stopped first.
        cluster.delete(&cluster.pods, pod).await?;
        return Ok(Action::Done);
    }
    if is_finished(pod) {
        leave(cluster, addresses, &key);
        return Ok(Action::Done);
    }
    let node = text_at(pod, "/spec/nodeName");
    if node.is_empty() {
        return schedule(cluster, &key, pod).await;
    }
    cluster.waiting.lock().remove(&key);
    run(cluster, addresses, &key, pod, node).await
}

fn leave(cluster: &Cluster, addresses: &Addresses, key: &ObjectKey) {
    cluster.waiting.lock().remove(key);
    addresses.release(key);
    let freed = cluster.room.lock().release(&Holder::Pod(key.clone()));
    if freed {
        cluster.room_became_free();
    }
}

async fn schedule(cluster: &Cluster, key: &ObjectKey, pod: &Value) -> Result<Action, ReconcileError> {
    let scheduler = text_at(pod, "/spec/schedulerName");
    let is_gated =
        pod.pointer("/spec/schedulingGates").and_then(Value::as_array).is_some_and(|gates| !gates.is_empty());
    if is_gated || !(scheduler.is_empty() || scheduler == "default-scheduler") {
        return Ok(Action::Done);
    }
    let holder = Holder::Pod(key.clone());
    let placed = cluster.room.lock().place(&holder, &Demand::of(pod));
    match placed {
        Ok(node) => bind(cluster, key, pod, &node).await,
        Err(message) => {
            cluster.waiting.lock().insert(key.clone());
            cluster.events.warning(&ObjectReference::of_value(pod), "FailedScheduling", message.clone());
            let status = unschedulable(pod, &message, Timestamp::now());
            cluster.write_status(&cluster.pods, pod, &status).await?;
            Ok(Action::Done)
        }
    }
}

async fn bind(cluster: &Cluster, key: &ObjectKey, pod: &Value, node: &str) -> Result<Action, ReconcileError> {
    let binding = json!({
        "apiVersion": "v1", "kind": "Binding",
        "metadata": {"name": key.name, "namespace": key.namespace, "uid": text_at(pod, "/metadata/uid")},
        "target": {"apiVersion": "v1", "kind": "Node", "name": node},
    });
    let failed = || format!("bind pod {key} to node {node}");
    let body = serde_json::to_vec(&binding).map_err(ReconcileError::decision(failed()))?;
    let request = Request::post(format!("/api/v1/namespaces/{}/pods/{}/binding", key.namespace, key.name))
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(body)
        .map_err(ReconcileError::decision(failed()))?;
    match cluster.client.request::<Value>(request).await {
        // The change comes back by the watch, and then the pod runs.
        Ok(_) => {
            cluster.waiting.lock().remove(key);
            Ok(Action::Done)
        }
        // Gone, or bound by somebody else: the watch tells which, and the room is put right then.
        Err(error) if is_not_found(&error) || is_status(&error, 409) => {
            cluster.room.lock().release(&Holder::Pod(key.clone()));
            Ok(Action::Done)
        }
        Err(error) => {
            cluster.room.lock().release(&Holder::Pod(key.clone()));
            Err(ReconcileError::api(failed())(error))
        }
    }
}

async fn run(
    cluster: &Cluster,
    addresses: &Addresses,
    key: &ObjectKey,
    pod: &Value,
    node: &str,
) -> Result<Action, ReconcileError> {
    let demand = Demand::of(pod);
    let facts = cluster.room.lock().node(node).cloned();
    let Some(facts) = facts else {
        // Its node is gone, and the pod with it: its owner makes another one.
        cluster.delete(&cluster.pods, pod).await?;
        return Ok(Action::Done);
    };
    if demand.must_leave(&facts) {
        cluster.delete(&cluster.pods, pod).await?;
        return Ok(Action::Done);
    }
    let now = Timestamp::now();
    let admitted = cluster.room.lock().admit(&Holder::Pod(key.clone()), node, &demand.requests);
    if let Err(resource) = admitted {
        cluster.write_status(&cluster.pods, pod, &refused(&resource, now)).await?;
        return Ok(Action::Done);
    }
    let pod_ip = addresses.of(key);
    let place = Place { pod_ip: &pod_ip, host_ip: &address_of(node), node_is_ready: facts.ready };
    let (status, again) = running(pod, place, now);
    cluster.write_status(&cluster.pods, pod, &status).await?;
    Ok(again.map_or(Action::Done, Action::RequeueAfter))
}

/// Wires the queue: pods that changed, and their owners and Services.
pub(super) fn watch(cluster: &Arc<Cluster>) {
    let told = Arc::clone(cluster);
    cluster.pods.cache.on_change(move |change| {
        let pod: &Arc<Unstructured> = change.object();
        let value = pod.value();
        if matches!(change, crate::hub::Change::Deleted(_)) {
            told.forget(value);
        }
        told.queues.pods.add(key_of(value));
        told.queues.add_owner(value);
        super::services::pod_changed(&told, pod);
    });
}
