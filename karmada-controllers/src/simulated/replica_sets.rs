//! ReplicaSets: as many pods as wanted.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cluster::{Cluster, pod_name, pod_of_template};
use super::json::{condition, count, number_at, text_at};
use super::pod_state::{is_active, is_ready, second, until_available};
use crate::hub::{Action, ObjectKey, ObjectReference, ReconcileError, Unstructured, chain};

/// Condition of workloads whose pods are refused.
pub(super) const FAILURE: &str = "ReplicaFailure";

/// Looks at one ReplicaSet.
pub(super) async fn reconcile(cluster: &Cluster, key: ObjectKey) -> Result<Action, ReconcileError> {
    let Some(set) = cluster.replica_sets.cache.find(&key) else { return Ok(Action::Done) };
    let set = set.value();
    if set.pointer("/metadata/deletionTimestamp").is_some() {
        return Ok(Action::Done);
    }
    let now = Timestamp::now();
    let wanted = number_at(set, "/spec/replicas").unwrap_or(1);
    let mut pods: Vec<Arc<Unstructured>> = cluster.pods_of(set);
    pods.retain(|pod| is_active(pod.value()));
    let surplus = surplus(&mut pods, wanted);
    for pod in &surplus {
        cluster.delete(&cluster.pods, pod.value()).await?;
    }
    let missing = wanted - i64::try_from(pods.len()).unwrap_or(i64::MAX);
    let template = &set["spec"]["template"];
    let mut refusal = None;
    for _ in 0..missing {
        let pod = pod_of_template(set, template, &pod_name(&key.name), &[]);
        if let Err(error) = cluster.create(&cluster.pods, &pod).await {
            refusal = Some(error);
            break;
        }
    }
    if missing > 0 {
        pods = cluster.pods_of(set);
        pods.retain(|pod| is_active(pod.value()));
    }
    let (mut status, again) = status_of(set, &pods, now);
    if let Some(error) = &refusal {
        // As with a quota: the workload says so, and the pods are tried again. Each try has another
        // pod's name in its message, so the first one stays.
        let failure = condition(set, FAILURE).cloned().unwrap_or_else(|| {
            let message = chain(error);
            cluster.events.warning(&ObjectReference::of_value(set), "FailedCreate", message.clone());
            json!({"type": FAILURE, "status": "True", "reason": "FailedCreate", "message": message,
                   "lastTransitionTime": second(now)})
        });
        status["conditions"] = json!([failure]);
    }
    cluster.write_status(&cluster.replica_sets, set, &status).await?;
    match refusal {
        Some(error) => Err(error),
        None => Ok(again.map_or(Action::Done, Action::RequeueAfter)),
    }
}

/// Takes the pods that are too many out of `pods`: those without a node first, then those that are not ready, then the youngest.
fn surplus(pods: &mut Vec<Arc<Unstructured>>, wanted: i64) -> Vec<Arc<Unstructured>> {
    let keep = usize::try_from(wanted).unwrap_or_default();
    if pods.len() <= keep {
        return Vec::new();
    }
    pods.sort_by_cached_key(|pod| {
        let pod = pod.value();
        let created = text_at(pod, "/metadata/creationTimestamp").to_owned();
        let name = text_at(pod, "/metadata/name").to_owned();
        (Reverse(!text_at(pod, "/spec/nodeName").is_empty()), Reverse(is_ready(pod)), created, name)
    });
    pods.split_off(keep)
}

fn status_of(set: &Value, pods: &[Arc<Unstructured>], now: Timestamp) -> (Value, Option<Duration>) {
    let minimum = number_at(set, "/spec/minReadySeconds").unwrap_or_default();
    let until: Vec<Duration> =
        pods.iter().filter_map(|pod| until_available(pod.value(), minimum, now)).collect();
    let available = until.iter().filter(|left| left.is_zero()).count();
    let again = until.iter().copied().filter(|left| !left.is_zero()).min();
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let mut status =
        json!({"replicas": number(pods.len()), "observedGeneration": set["metadata"]["generation"]});
    count(&mut status, "fullyLabeledReplicas", number(pods.len()));
    count(&mut status, "readyReplicas", number(until.len()));
    count(&mut status, "availableReplicas", number(available));
    (status, again)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(name: &str, node: &str, ready: &str, created: &str) -> Arc<Unstructured> {
        let value = json!({"metadata": {"name": name, "creationTimestamp": created}, "spec": {"nodeName": node},
            "status": {"conditions": [{"type": "Ready", "status": ready}]}});
        Arc::new(Unstructured::try_from_value(value).unwrap())
    }

    #[test]
    fn pods_that_do_the_least_go_first() {
        let mut pods = vec![
            pod("young", "n", "True", "2026-01-02T00:00:00Z"),
            pod("waiting", "", "False", "2026-01-01T00:00:00Z"),
            pod("old", "n", "True", "2026-01-01T00:00:00Z"),
            pod("broken", "n", "False", "2026-01-01T00:00:00Z"),
        ];
        let mut order = Vec::new();
        while let Some(gone) = surplus(&mut pods.clone(), i64::try_from(pods.len()).unwrap() - 1).first() {
            let name = text_at(gone.value(), "/metadata/name").to_owned();
            pods.retain(|pod| text_at(pod.value(), "/metadata/name") != name);
            order.push(name);
            if pods.is_empty() {
                break;
            }
        }
        assert_eq!(order, ["waiting", "broken", "young", "old"]);
    }
}
