//! What keeps the pods of a workload from becoming ready, in the words of the cluster, and what can be done about it.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::objects;
use crate::api_error::ApiError;
use crate::raw;

/// Pause between two looks at events: there may be many.
const EVENTS_PAUSE: Duration = Duration::from_secs(2);
/// Reasons for which a container waits without anything being wrong.
const STARTING: [&str; 2] = ["ContainerCreating", "PodInitializing"];
/// How often a probe may fail while a process starts before that is worth a word.
const PROBES: u64 = 5;
/// Reason of the events of failed probes.
const UNHEALTHY: &str = "Unhealthy";

/// What keeps a pod from becoming ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Such as `etcd-0 waits, ErrImagePull: no such image`.
    pub seen: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// What a workload is waited for, and what was last seen of its events.
pub struct Troubles<'a> {
    client: &'a kube::Client,
    namespace: &'a str,
    name: &'a str,
    looked: Option<Instant>,
    told: Option<Trouble>,
}

impl<'a> Troubles<'a> {
    /// Nothing is known yet.
    pub fn new(client: &'a kube::Client, namespace: &'a str, name: &'a str) -> Self {
        Self { client, namespace, name, looked: None, told: None }
    }

    /// Returns the pods of the workload.
    ///
    /// # Errors
    /// When the host cluster does not answer, or refuses.
    pub async fn pods(&self) -> Result<Vec<Value>, ApiError> {
        let pods = objects::collection("v1", "Pod", self.namespace);
        objects::list(self.client, &pods, &format!("app%3D{}", self.name)).await
    }

    /// Returns what keeps the pods of the workload from becoming ready, if anything does.
    ///
    /// # Errors
    /// When the host cluster does not answer, or refuses.
    pub async fn look(&mut self, workload: &Value, pods: &[Value]) -> Result<Option<Trouble>, ApiError> {
        if let Some(trouble) = pods.iter().find_map(|pod| trouble_of(pod, self.namespace)) {
            return Ok(Some(trouble));
        }
        if let Some(trouble) = refused(workload, self.name, self.namespace) {
            return Ok(Some(trouble));
        }
        if self.looked.is_some_and(|looked| looked.elapsed() < EVENTS_PAUSE) {
            return Ok(self.told.clone());
        }
        self.looked = Some(Instant::now());
        self.told = self.told_of(workload, pods).await?;
        Ok(self.told.clone())
    }

    /// Looks for warnings: of pods that are not ready, or of the workload when it has none.
    async fn told_of(&self, workload: &Value, pods: &[Value]) -> Result<Option<Trouble>, ApiError> {
        let unready =
            pods.iter().filter(|pod| !is_ready(pod) && pod["metadata"]["deletionTimestamp"].is_null());
        let about = if pods.is_empty() { vec![workload] } else { unready.collect() };
        for object in about {
            let events = self.warnings(object).await?;
            if let Some(trouble) = warned(object, &events, self.namespace) {
                return Ok(Some(trouble));
            }
        }
        Ok(None)
    }

    /// Lists the warnings about an object; none where they may not be read.
    async fn warnings(&self, object: &Value) -> Result<Vec<Value>, ApiError> {
        let Some(uid) = object["metadata"]["uid"].as_str() else { return Ok(Vec::new()) };
        let events = objects::collection("v1", "Event", self.namespace);
        let path = format!("{events}?fieldSelector=type%3DWarning,involvedObject.uid%3D{uid}");
        match raw::read(self.client, &path).await {
            Ok(found) => Ok(found.unwrap_or_default()["items"].as_array().cloned().unwrap_or_default()),
            Err(error) if error.code() == Some(403) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

/// Returns the pods of an old template that do not get on: a StatefulSet waits for them for ever before it makes new ones.
pub fn stuck<'a>(workload: &Value, pods: &'a [Value]) -> Vec<&'a Value> {
    let generation = &workload["metadata"]["generation"];
    let Some(revision) = workload["status"]["updateRevision"].as_str() else { return Vec::new() };
    if workload["kind"] != "StatefulSet" || workload["status"]["observedGeneration"] != *generation {
        return Vec::new();
    }
    let is_stuck = |pod: &&Value| {
        let of = pod["metadata"]["labels"]["controller-revision-hash"].as_str();
        of.is_some_and(|of| of != revision)
            && pod["metadata"]["deletionTimestamp"].is_null()
            && trouble_of(pod, "").is_some()
    };
    pods.iter().filter(is_stuck).collect()
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    conditions.into_iter().flatten().any(|found| found["type"] == "Ready" && found["status"] == "True")
}

/// Returns what the state of a pod says about its not becoming ready.
fn trouble_of(pod: &Value, namespace: &str) -> Option<Trouble> {
    let name = text(&pod["metadata"], "name");
    let mut conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    let unschedulable =
        conditions.find(|found| found["type"] == "PodScheduled" && found["status"] == "False");
    if let Some(condition) = unschedulable {
        return Some(Trouble {
            seen: format!("{name} has no node: {}", text(condition, "message")),
            hint: hint("Unschedulable", &name, namespace),
        });
    }
    for container in pod["status"]["containerStatuses"].as_array().into_iter().flatten() {
        let waiting = &container["state"]["waiting"];
        let reason = text(waiting, "reason");
        if reason.is_empty() || STARTING.contains(&reason.as_str()) {
            continue;
        }
        let last = &container["lastState"]["terminated"];
        let ended = match last["exitCode"].as_i64() {
            Some(code) => format!(", it ended with exit code {code} {}", text(last, "message")),
            None => String::new(),
        };
        let seen = format!("{}{ended}", waits(&name, &reason, &text(waiting, "message")));
        return Some(Trouble { seen: seen.trim_end().to_owned(), hint: hint(&reason, &name, namespace) });
    }
    None
}

fn waits(name: &str, reason: &str, message: &str) -> String {
    let colon = if message.is_empty() { "" } else { ": " };
    format!("{name} waits, {reason}{colon}{}", message.trim())
}

/// Returns why the pods of a Deployment cannot even be created.
fn refused(workload: &Value, name: &str, namespace: &str) -> Option<Trouble> {
    let mut conditions = workload["status"]["conditions"].as_array().into_iter().flatten();
    let failure = conditions.find(|found| found["type"] == "ReplicaFailure" && found["status"] == "True")?;
    Some(Trouble {
        seen: waits(name, &text(failure, "reason"), &text(failure, "message")),
        hint: hint("FailedCreate", name, namespace),
    })
}

/// Returns the last warning about an object that still counts.
fn warned(object: &Value, events: &[Value], namespace: &str) -> Option<Trouble> {
    let name = text(&object["metadata"], "name");
    let containers = object["status"]["containerStatuses"].as_array().into_iter().flatten();
    let runs = containers.map(|container| &container["state"]["running"]).any(|running| !running.is_null());
    let counts = |event: &&Value| {
        // What delayed a container that runs is over; probes fail while a process starts.
        if runs {
            event["reason"] == UNHEALTHY && times(event) >= PROBES
        } else {
            event["reason"] != UNHEALTHY
        }
    };
    let event = events.iter().filter(counts).max_by_key(|event| last_time(event))?;
    let reason = text(event, "reason");
    let seen = if runs {
        format!("{name} runs, but {}", text(event, "message").trim())
    } else {
        waits(&name, &reason, &text(event, "message"))
    };
    Some(Trouble { seen, hint: hint(&reason, &name, namespace) })
}

fn times(event: &Value) -> u64 {
    event.pointer("/series/count").or(event.get("count")).and_then(Value::as_u64).unwrap_or_default()
}

/// When an event was last seen; the text sorts as the times do.
fn last_time(event: &Value) -> String {
    let times = ["/series/lastObservedTime", "/lastTimestamp", "/eventTime", "/metadata/creationTimestamp"];
    times.iter().find_map(|pointer| event.pointer(pointer)?.as_str()).unwrap_or_default().to_owned()
}

/// Returns what to do about a reason, where something can be said.
fn hint(reason: &str, pod: &str, namespace: &str) -> Option<String> {
    let hint = match reason {
        "Unschedulable" | "FailedScheduling" => {
            "`kubectl describe nodes` says what is taken; a node that was cordoned takes pods again after \
             `kubectl uncordon`"
                .to_owned()
        }
        "ErrImagePull" | "ImagePullBackOff" | "ErrImageNeverPull" | "InvalidImageName" | "ImageInspectError" => {
            "the nodes must have the image or be able to pull it: --private-image-registry, --image and the flags of \
             each component say which, --image-pull-secrets by which account"
                .to_owned()
        }
        "CrashLoopBackOff" | "RunContainerError" | "StartError" | UNHEALTHY => {
            let previous = if reason == UNHEALTHY { "" } else { " --previous" };
            format!("`kubectl -n {namespace} logs {pod}{previous}` shows what it said")
        }
        "FailedMount" | "FailedAttachVolume" | "FailedBinding" => format!(
            "what is mounted must be there: `kubectl -n {namespace} get secrets,persistentvolumeclaims`, or the directory \
             of the node (--etcd-data)"
        ),
        "FailedCreatePodSandBox" | "NetworkNotReady" => {
            format!("`kubectl -n {namespace} describe pod {pod}` names the node, whose container runtime must be mended")
        }
        "FailedCreate" => format!(
            "a quota, a limit or a policy for pods of the namespace {namespace} must let these in: `kubectl describe \
             namespace {namespace}`"
        ),
        _ => return None,
    };
    Some(hint)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(status: Value) -> Value {
        json!({"metadata": {"name": "etcd-0", "uid": "u"}, "status": status})
    }

    fn waiting(reason: &str, message: &str) -> Value {
        pod(json!({"containerStatuses": [{"state": {"waiting": {"reason": reason, "message": message}}}]}))
    }

    fn event(reason: &str, message: &str, count: u64, last: &str) -> Value {
        json!({"reason": reason, "message": message, "count": count, "lastTimestamp": last})
    }

    #[test]
    fn what_keeps_a_pod_is_told_in_the_words_of_the_cluster() {
        let check = |pod: &Value, seen: &str, hinted: &str| {
            let trouble = trouble_of(pod, "karmada-system").unwrap();
            assert_eq!(trouble.seen, seen);
            assert!(trouble.hint.as_ref().unwrap().contains(hinted), "{trouble:?}");
        };
        let unschedulable = pod(json!({"conditions": [{"type": "PodScheduled", "status": "False",
            "reason": "Unschedulable", "message": "0/1 nodes are available"}]}));
        check(&unschedulable, "etcd-0 has no node: 0/1 nodes are available", "kubectl uncordon");
        let absent = waiting("ImagePullBackOff", "no such image");
        check(&absent, "etcd-0 waits, ImagePullBackOff: no such image", "--private-image-registry");
        let mut broken = waiting("CrashLoopBackOff", "back-off 10s");
        broken["status"]["containerStatuses"][0]["lastState"] =
            json!({"terminated": {"exitCode": 2, "message": "no flag"}});
        let seen = "etcd-0 waits, CrashLoopBackOff: back-off 10s, it ended with exit code 2 no flag";
        check(&broken, seen, "kubectl -n karmada-system logs etcd-0 --previous");
        assert_eq!(trouble_of(&waiting("ContainerCreating", ""), ""), None);
    }

    #[test]
    fn the_last_warning_is_told_of_a_pod_whose_containers_are_not_created() {
        let events = [
            event("FailedMount", "secret \"karmada-cert\" not found", 4, "2026-05-01T00:00:09Z"),
            event("FailedScheduling", "0/1 nodes are available", 1, "2026-05-01T00:00:01Z"),
        ];
        let creating = waiting("ContainerCreating", "");
        let trouble = warned(&creating, &events, "karmada-system").unwrap();
        assert_eq!(trouble.seen, "etcd-0 waits, FailedMount: secret \"karmada-cert\" not found");
        assert!(trouble.hint.unwrap().contains("get secrets"));
        let running = pod(json!({"containerStatuses": [{"state": {"running": {"startedAt": "t"}}}]}));
        assert_eq!(warned(&running, &events, ""), None, "what it waited for is over");
    }

    #[test]
    fn probes_are_told_of_when_they_fail_for_long() {
        let running = pod(json!({"containerStatuses": [{"state": {"running": {"startedAt": "t"}}}]}));
        let probes = |count| [event(UNHEALTHY, "Readiness probe failed: 500", count, "2026-05-01T00:00:00Z")];
        assert_eq!(warned(&running, &probes(PROBES - 1), ""), None);
        let trouble = warned(&running, &probes(PROBES), "").unwrap();
        assert_eq!(trouble.seen, "etcd-0 runs, but Readiness probe failed: 500");
    }

    #[test]
    fn pods_that_cannot_be_created_are_told_of_with_their_workload() {
        let deployment = json!({"metadata": {"name": "karmada-scheduler"}, "status": {"conditions": [
            {"type": "Available", "status": "False"},
            {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota: small"},
        ]}});
        let trouble = refused(&deployment, "karmada-scheduler", "karmada-system").unwrap();
        assert_eq!(trouble.seen, "karmada-scheduler waits, FailedCreate: exceeded quota: small");
        assert!(trouble.hint.unwrap().contains("kubectl describe namespace karmada-system"));
    }

    #[test]
    fn only_troubled_pods_of_an_old_template_of_a_stateful_set_are_stuck() {
        let set = json!({"kind": "StatefulSet", "metadata": {"generation": 2},
            "status": {"observedGeneration": 2, "updateRevision": "new"}});
        let of = |mut pod: Value, revision: &str| {
            pod["metadata"]["labels"] = json!({"controller-revision-hash": revision});
            pod
        };
        let absent = || waiting("ErrImagePull", "");
        let pods = [
            of(absent(), "old"),
            of(absent(), "new"),
            of(waiting("ContainerCreating", ""), "old"),
            of(pod(json!({"containerStatuses": [{"state": {"running": {}}}]})), "old"),
        ];
        assert_eq!(stuck(&set, &pods), [&pods[0]]);
        let mut unseen = set.clone();
        unseen["metadata"]["generation"] = json!(3);
        assert!(stuck(&unseen, &pods).is_empty());
        let mut deployment = set.clone();
        deployment["kind"] = json!("Deployment");
        assert!(stuck(&deployment, &pods).is_empty());
    }
}
