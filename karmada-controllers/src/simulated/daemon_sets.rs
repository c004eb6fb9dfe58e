//! DaemonSets: one pod on every node that suits.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cluster::{Cluster, is_going, pod_name, pod_of_template, template_hash};
use super::demand::{Demand, NodeFacts};
use super::json::{count, number_at, text_at};
use super::pod_state::{is_active, is_finished, until_available};
use crate::hub::{Action, ObjectKey, ReconcileError, Unstructured};

const HASH_LABEL: &str = "controller-revision-hash";
/// What every daemon's pod tolerates, so that it stays on a node that others have to leave.
const TOLERATED: [(&str, &str); 6] = [
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
];

/// Looks at one DaemonSet.
pub(super) async fn reconcile(cluster: &Cluster, key: ObjectKey) -> Result<Action, ReconcileError> {
    let Some(set) = cluster.daemon_sets.cache.find(&key).filter(|set| !is_going(set)) else {
        return Ok(Action::Done);
    };
    let set = set.value();
    let template = tolerant(&set["spec"]["template"]);
    let hash = template_hash(&template, 0);
    let nodes: Vec<NodeFacts> = cluster.room.lock().nodes().cloned().collect();
    let demand = Demand::of(&template);
    let suits = |node: &NodeFacts| {
        // A node that is not ready keeps its daemon; the pod on it is not ready either.
        demand.objection(&NodeFacts { ready: true, ..node.clone() }).is_none()
    };
    let mut by_node: BTreeMap<String, Vec<Arc<Unstructured>>> = BTreeMap::new();
    for pod in cluster.pods_of(set) {
        if is_finished(pod.value()) {
            cluster.delete(&cluster.pods, pod.value()).await?;
        } else if is_active(pod.value()) {
            by_node.entry(target(pod.value()).to_owned()).or_default().push(pod);
        }
    }
    for node in &nodes {
        let pods = by_node.get_mut(&node.name);
        match (suits(node), pods) {
            (true, None) => {
                let pod = pod_for(set, &template, &key.name, &node.name, &hash);
                cluster.create(&cluster.pods, &pod).await?;
            }
            (true, Some(pods)) => {
                for pod in pods.split_off(1) {
                    cluster.delete(&cluster.pods, pod.value()).await?;
                }
            }
            (false, Some(pods)) => {
                for pod in pods.drain(..) {
                    cluster.delete(&cluster.pods, pod.value()).await?;
                }
            }
            (false, None) => {}
        }
    }
    for (_, pods) in by_node.iter().filter(|(name, _)| !nodes.iter().any(|node| node.name == **name)) {
        for pod in pods {
            cluster.delete(&cluster.pods, pod.value()).await?;
        }
    }
    let now = Timestamp::now();
    let mut pods = cluster.pods_of(set);
    pods.retain(|pod| is_active(pod.value()));
    let desired = i64::try_from(nodes.iter().filter(|node| suits(node)).count()).unwrap_or(i64::MAX);
    let (status, again) = status_of(set, &pods, desired, &hash, now);
    for pod in outdated(set, &pods, desired, &hash, now) {
        cluster.delete(&cluster.pods, pod.value()).await?;
    }
    cluster.write_status(&cluster.daemon_sets, set, &status).await?;
    Ok(again.map_or(Action::Done, Action::RequeueAfter))
}

fn tolerant(template: &Value) -> Value {
    let mut template = template.clone();
    let mut tolerations = template["spec"]["tolerations"].as_array().cloned().unwrap_or_default();
    for (key, effect) in TOLERATED {
        let toleration = json!({"key": key, "operator": "Exists", "effect": effect});
        if !tolerations.contains(&toleration) {
            tolerations.push(toleration);
        }
    }
    template["spec"]["tolerations"] = tolerations.into();
    template
}

fn pod_for(set: &Value, template: &Value, owner: &str, node: &str, hash: &str) -> Value {
    let generation = number_at(set, "/metadata/generation").unwrap_or_default().to_string();
    let labels = [(HASH_LABEL, hash.to_owned()), ("pod-template-generation", generation)];
    let mut pod = pod_of_template(set, template, &pod_name(owner), &labels);
    pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] = json!({
        "nodeSelectorTerms": [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}]
    });
    pod
}

/// The node that a daemon's pod is made for.
fn target(pod: &Value) -> &str {
    let bound = text_at(pod, "/spec/nodeName");
    if bound.is_empty() {
        text_at(
            pod,
            "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms/0/matchFields/0/values/0",
        )
    } else {
        bound
    }
}

fn has_hash(pod: &Value, hash: &str) -> bool {
    pod.pointer("/metadata/labels").and_then(|labels| labels.get(HASH_LABEL)).and_then(Value::as_str)
        == Some(hash)
}

/// Pods of an older template that may go now.
fn outdated(
    set: &Value,
    pods: &[Arc<Unstructured>],
    desired: i64,
    hash: &str,
    now: Timestamp,
) -> Vec<Arc<Unstructured>> {
    if text_at(set, "/spec/updateStrategy/type") == "OnDelete" {
        return Vec::new();
    }
    let limit = match set.pointer("/spec/updateStrategy/rollingUpdate/maxUnavailable") {
        Some(Value::String(percent)) => {
            let percent: i64 = percent.trim_end_matches('%').parse().unwrap_or_default();
            (desired * percent + 99) / 100
        }
        Some(number) => number.as_i64().unwrap_or(1),
        None => 1,
    };
    let minimum = number_at(set, "/spec/minReadySeconds").unwrap_or_default();
    let is_available = |pod: &Value| until_available(pod, minimum, now) == Some(Duration::ZERO);
    let available = pods.iter().filter(|pod| is_available(pod.value())).count();
    let mut spare = limit.max(1) - (desired - i64::try_from(available).unwrap_or(i64::MAX));
    let mut old: Vec<_> = pods.iter().filter(|pod| !has_hash(pod.value(), hash)).cloned().collect();
    old.retain(|pod| {
        if !is_available(pod.value()) {
            return true;
        }
        spare -= 1;
        spare >= 0
    });
    old
}

fn status_of(
    set: &Value,
    pods: &[Arc<Unstructured>],
    desired: i64,
    hash: &str,
    now: Timestamp,
) -> (Value, Option<Duration>) {
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let minimum = number_at(set, "/spec/minReadySeconds").unwrap_or_default();
    let until: Vec<Duration> =
        pods.iter().filter_map(|pod| until_available(pod.value(), minimum, now)).collect();
    let available = number(until.iter().filter(|left| left.is_zero()).count());
    let again = until.iter().copied().filter(|left| !left.is_zero()).min();
    let scheduled = number(pods.len()).min(desired);
    let mut status = json!({
        "observedGeneration": set["metadata"]["generation"],
        "currentNumberScheduled": scheduled, "desiredNumberScheduled": desired, "numberMisscheduled": 0,
        "numberReady": number(until.len()),
    });
    count(&mut status, "numberAvailable", available);
    count(&mut status, "numberUnavailable", (desired - available).max(0));
    count(
        &mut status,
        "updatedNumberScheduled",
        number(pods.iter().filter(|pod| has_hash(pod.value(), hash)).count()),
    );
    (status, again)
}
