//! Whether the pods of a workload are new and ready, and what keeps them from it.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::objects;
use crate::api_error::ApiError;
use crate::raw;

/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(250);
/// Reasons for which a container waits without anything being wrong.
const STARTING: [&str; 2] = ["ContainerCreating", "PodInitializing"];

/// Where a workload has got to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollout {
    pub is_done: bool,
    /// Such as `1 of 2 pods ready`.
    pub seen: String,
}

/// What did not happen in time.
#[derive(Debug, thiserror::Error)]
pub enum WaitFailure {
    #[error("{what} was not ready within {} seconds: {seen}", .timeout.as_secs())]
    Late { what: String, timeout: Duration, seen: String },
    #[error("cannot look at {what}")]
    Look {
        what: String,
        #[source]
        source: ApiError,
    },
}

/// Waits until all pods of a workload are new and ready; `report` hears what is seen.
///
/// # Errors
/// When that takes too long, with what keeps the pods from it.
pub async fn wait(
    client: &kube::Client,
    namespace: &str,
    kind: &str,
    name: &str,
    timeout: Duration,
    mut report: impl FnMut(&str),
) -> Result<(), WaitFailure> {
    let started = Instant::now();
    let path = format!("{}/{name}", objects::collection("apps/v1", kind, namespace));
    let failed = |source| WaitFailure::Look { what: name.to_owned(), source };
    loop {
        let object = raw::read(client, &path).await.map_err(failed)?.unwrap_or_default();
        let rollout = rollout(&object);
        if rollout.is_done {
            report(&rollout.seen);
            return Ok(());
        }
        let trouble = trouble(client, namespace, name).await.map_err(failed)?;
        let seen = match trouble {
            Some(trouble) => format!("{}; {trouble}", rollout.seen),
            None => rollout.seen,
        };
        report(&seen);
        if started.elapsed() >= timeout {
            return Err(WaitFailure::Late { what: name.to_owned(), timeout, seen });
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Reads the progress of a Deployment or StatefulSet.
pub fn rollout(object: &Value) -> Rollout {
    let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_u64).unwrap_or_default();
    let wanted = object.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1);
    let (ready, updated) = (number("/status/readyReplicas"), number("/status/updatedReplicas"));
    let is_seen = number("/status/observedGeneration") >= number("/metadata/generation");
    // What is left of the old pods may still serve.
    let has_old = number("/status/replicas") > updated;
    Rollout {
        is_done: !object.is_null() && is_seen && ready >= wanted && updated >= wanted && !has_old,
        seen: format!("{ready} of {wanted} pod{} ready", if wanted == 1 { "" } else { "s" }),
    }
}

/// Returns what keeps the pods of a component from becoming ready, if anything does.
async fn trouble(client: &kube::Client, namespace: &str, name: &str) -> Result<Option<String>, ApiError> {
    let pods = objects::collection("v1", "Pod", namespace);
    let pods = objects::list(client, &pods, &format!("app%3D{name}")).await?;
    Ok(pods.iter().find_map(trouble_of))
}

/// Returns what keeps a pod from becoming ready.
fn trouble_of(pod: &Value) -> Option<String> {
    let text = |value: &Value, field: &str| value[field].as_str().unwrap_or_default().to_owned();
    let name = text(&pod["metadata"], "name");
    let conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    let unschedulable =
        conditions.clone().find(|found| found["type"] == "PodScheduled" && found["status"] == "False");
    if let Some(condition) = unschedulable {
        return Some(format!("{name} has no node: {}", text(condition, "message")));
    }
    for container in pod["status"]["containerStatuses"].as_array().into_iter().flatten() {
        let waiting = &container["state"]["waiting"];
        let reason = text(waiting, "reason");
        if reason.is_empty() || STARTING.contains(&reason.as_str()) {
            continue;
        }
        let message = text(waiting, "message");
        let last = &container["lastState"]["terminated"];
        let ended = match last["exitCode"].as_i64() {
            Some(code) => format!(", it ended with exit code {code} {}", text(last, "message")),
            None => String::new(),
        };
        let colon = if message.is_empty() { "" } else { ": " };
        return Some(format!("{name} waits, {reason}{colon}{message}{ended}").trim_end().to_owned());
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_rollout_is_done_when_all_pods_are_new_and_ready() {
        let check = |generation: u64, observed: u64, replicas: u64, updated: u64, ready: u64| {
            rollout(&json!({
                "metadata": {"generation": generation}, "spec": {"replicas": 2},
                "status": {"observedGeneration": observed, "replicas": replicas, "updatedReplicas": updated,
                    "readyReplicas": ready},
            }))
            .is_done
        };
        assert!(check(2, 2, 2, 2, 2));
        assert!(!check(2, 1, 2, 2, 2), "the controller has not seen it");
        assert!(!check(2, 2, 3, 2, 2), "an old pod is left");
        assert!(!check(2, 2, 2, 2, 1));
        assert!(!rollout(&Value::Null).is_done);
    }

    #[test]
    fn what_keeps_a_pod_is_told_in_the_words_of_the_cluster() {
        let pod = |status: Value| json!({"metadata": {"name": "etcd-0"}, "status": status});
        let unschedulable = pod(json!({"conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available"}]}));
        assert_eq!(trouble_of(&unschedulable).unwrap(), "etcd-0 has no node: 0/1 nodes are available");
        let waiting = |reason: &str| {
            pod(
                json!({"containerStatuses": [{"state": {"waiting": {"reason": reason, "message": "no such image"}}}]}),
            )
        };
        assert_eq!(
            trouble_of(&waiting("ImagePullBackOff")).unwrap(),
            "etcd-0 waits, ImagePullBackOff: no such image"
        );
        assert_eq!(trouble_of(&waiting("ContainerCreating")), None);
    }
}
