//! What a simulated kubelet says of a pod.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::json::{condition, holds, list, text, text_at};

/// Annotation of a pod (template) that says how the pod ends up instead of ready.
pub const OUTCOME_ANNOTATION: &str = "simulated.karmada.io/outcome";
/// Annotation of a pod (template) that says how long a pod that comes to an end runs, such as `5s`.
pub const RUNS_FOR_ANNOTATION: &str = "simulated.karmada.io/runs-for";

/// How a simulated pod ends up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Well,
    ImagePullBackOff,
    CrashLoopBackOff,
    NotReady,
    Failed,
}

impl Outcome {
    fn of(pod: &Value) -> Self {
        match pod.pointer("/metadata/annotations").map(|annotations| text(annotations, OUTCOME_ANNOTATION)) {
            Some("ImagePullBackOff") => Self::ImagePullBackOff,
            Some("CrashLoopBackOff") => Self::CrashLoopBackOff,
            Some("NotReady") => Self::NotReady,
            Some("Failed") => Self::Failed,
            _ => Self::Well,
        }
    }

    /// What a container waits for, and why.
    fn waiting(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::ImagePullBackOff => Some(("ImagePullBackOff", "simulated: back-off pulling image")),
            Self::CrashLoopBackOff => {
                Some(("CrashLoopBackOff", "simulated: back-off restarting failed container"))
            }
            Self::Well | Self::NotReady | Self::Failed => None,
        }
    }
}

/// What a pod runs on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub pod_ip: &'a str,
    pub host_ip: &'a str,
    pub node_is_ready: bool,
}

/// The status of a pod that has a node, and when to look at it again.
pub(super) fn running(pod: &Value, place: Place<'_>, now: Timestamp) -> (Value, Option<Duration>) {
    let outcome = Outcome::of(pod);
    let started = text_at(pod, "/status/startTime").parse().unwrap_or(now);
    let ends =
        text_at(pod, "/spec/restartPolicy") != "Always" && matches!(outcome, Outcome::Well | Outcome::Failed);
    let left = ends.then(|| runs_for(pod) - now.duration_since(started)).filter(SignedDuration::is_positive);
    let has_ended = ends && left.is_none();
    let has_failed = outcome == Outcome::Failed && (has_ended || !ends);
    let waiting = outcome.waiting();
    let ready =
        !has_ended && !has_failed && waiting.is_none() && outcome != Outcome::NotReady && place.node_is_ready;
    let phase = match (has_ended || has_failed, has_failed, waiting) {
        (true, true, _) => "Failed",
        (true, false, _) => "Succeeded",
        (false, _, Some(("ImagePullBackOff", _))) => "Pending",
        _ => "Running",
    };
    let mut status = json!({
        "phase": phase,
        "podIP": place.pod_ip,
        "podIPs": [{"ip": place.pod_ip}],
        "hostIP": place.host_ip,
        "hostIPs": [{"ip": place.host_ip}],
        "startTime": second(started),
        "conditions": conditions(pod, ready, has_ended || has_failed, place.node_is_ready, now),
        "containerStatuses": container_statuses(pod, outcome, ready, (has_ended, has_failed), started, now),
    });
    for kept in ["qosClass", "observedGeneration"] {
        if let Some(value) = pod.pointer(&format!("/status/{kept}")) {
            status[kept] = value.clone();
        }
    }
    let left = left.and_then(|left| Duration::try_from(left).ok());
    (status, left)
}

/// The status of a pod for which no node has room.
pub(super) fn unschedulable(pod: &Value, message: &str, now: Timestamp) -> Value {
    let mut status = pod.get("status").cloned().unwrap_or_else(|| json!({}));
    status["phase"] = "Pending".into();
    let mut conditions: Vec<Value> = list(&status, "conditions")
        .iter()
        .filter(|known| text(known, "type") != "PodScheduled")
        .cloned()
        .collect();
    let mut scheduled = stamped(pod, "PodScheduled", "False", now);
    scheduled["reason"] = "Unschedulable".into();
    scheduled["message"] = message.into();
    conditions.push(scheduled);
    status["conditions"] = conditions.into();
    status
}

/// The status of a pod that its node refuses.
pub(super) fn refused(resource: &str, now: Timestamp) -> Value {
    json!({
        "phase": "Failed",
        "reason": format!("OutOf{resource}"),
        "message": format!("Pod was rejected: Node didn't have enough resource: {resource}"),
        "startTime": second(now),
    })
}

/// Whether a pod takes part: it has not ended and is not about to go.
pub(super) fn is_active(pod: &Value) -> bool {
    !is_finished(pod) && pod.pointer("/metadata/deletionTimestamp").is_none()
}

/// Whether a pod has ended.
pub(super) fn is_finished(pod: &Value) -> bool {
    matches!(text_at(pod, "/status/phase"), "Succeeded" | "Failed")
}

/// Whether a pod is ready.
pub(super) fn is_ready(pod: &Value) -> bool {
    holds(pod, "Ready")
}

/// Returns how long it takes until a pod has been ready for `minimum` seconds: zero when it has, none when it is not ready.
pub(super) fn until_available(pod: &Value, minimum: i64, now: Timestamp) -> Option<Duration> {
    let ready = condition(pod, "Ready").filter(|ready| text(ready, "status") == "True")?;
    if minimum <= 0 {
        return Some(Duration::ZERO);
    }
    let since: Timestamp = text(ready, "lastTransitionTime").parse().unwrap_or(now);
    let left = SignedDuration::from_secs(minimum) - now.duration_since(since);
    Some(Duration::try_from(left).unwrap_or_default())
}

/// Writes a time as the API does.
pub(super) fn second(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}

fn runs_for(pod: &Value) -> SignedDuration {
    let annotations = pod.pointer("/metadata/annotations").unwrap_or(&Value::Null);
    text(annotations, RUNS_FOR_ANNOTATION).parse().unwrap_or_default()
}

fn stamped(pod: &Value, kind: &str, status: &str, now: Timestamp) -> Value {
    let since = condition(pod, kind)
        .filter(|before| text(before, "status") == status)
        .and_then(|before| before.get("lastTransitionTime").cloned())
        .unwrap_or_else(|| second(now).into());
    // As the server shows it: what it would fill in makes a difference each time it is looked at.
    json!({"type": kind, "status": status, "lastProbeTime": null, "lastTransitionTime": since})
}

fn conditions(pod: &Value, ready: bool, has_ended: bool, node_is_ready: bool, now: Timestamp) -> Vec<Value> {
    let answer = if ready { "True" } else { "False" };
    [
        ("PodReadyToStartContainers", "True"),
        ("Initialized", "True"),
        ("Ready", answer),
        ("ContainersReady", answer),
        ("PodScheduled", "True"),
    ]
    .map(|(kind, status)| {
        let mut condition = stamped(pod, kind, status, now);
        if status == "False" {
            let reason = if has_ended {
                "PodCompleted"
            } else if node_is_ready {
                "ContainersNotReady"
            } else {
                "NodeNotReady"
            };
            condition["reason"] = reason.into();
        }
        condition
    })
    .to_vec()
}

fn container_statuses(
    pod: &Value,
    outcome: Outcome,
    ready: bool,
    (has_ended, has_failed): (bool, bool),
    started: Timestamp,
    now: Timestamp,
) -> Vec<Value> {
    let before = pod.pointer("/status/containerStatuses").and_then(Value::as_array);
    let state = if has_ended || has_failed {
        let ended = before
            .and_then(|before| before.first()?.pointer("/state/terminated/finishedAt").cloned())
            .unwrap_or_else(|| second(now).into());
        json!({"terminated": {"exitCode": i32::from(has_failed), "reason": if has_failed { "Error" } else { "Completed" },
                              "startedAt": second(started), "finishedAt": ended}})
    } else if let Some((reason, message)) = outcome.waiting() {
        json!({"waiting": {"reason": reason, "message": message}})
    } else {
        json!({"running": {"startedAt": second(started)}})
    };
    let is_started = !has_ended && !has_failed && outcome.waiting().is_none();
    let spec = pod.get("spec").unwrap_or(&Value::Null);
    list(spec, "containers")
        .iter()
        .map(|container| {
            json!({"name": text(container, "name"), "image": text(container, "image"), "imageID": "",
                   "lastState": {}, "ready": ready, "started": is_started, "restartCount": 0, "state": state})
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place<'_> = Place { pod_ip: "10.0.0.1", host_ip: "10.1.0.1", node_is_ready: true };

    fn pod(restart_policy: &str, annotations: Value) -> Value {
        json!({"metadata": {"annotations": annotations},
               "spec": {"restartPolicy": restart_policy, "containers": [{"name": "c", "image": "i"}]}})
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_pod_is_ready_at_once_and_stays_as_it_is() {
        let mut pod = pod("Always", json!({}));
        let (status, again) = running(&pod, PLACE, at(100));
        assert_eq!((text(&status, "phase"), again), ("Running", None));
        pod["status"] = status.clone();
        assert!(is_ready(&pod) && is_active(&pod));
        assert_eq!(running(&pod, PLACE, at(200)).0, status);
        assert_eq!(until_available(&pod, 30, at(110)), Some(Duration::from_secs(20)));
        let (status, _) = running(&pod, Place { node_is_ready: false, ..PLACE }, at(200));
        pod["status"] = status;
        assert!(!is_ready(&pod));
        assert_eq!(text(condition(&pod, "Ready").unwrap(), "reason"), "NodeNotReady");
    }

    #[test]
    fn a_pod_that_does_not_restart_comes_to_an_end() {
        let mut pod = pod("Never", json!({RUNS_FOR_ANNOTATION: "5s"}));
        let (status, again) = running(&pod, PLACE, at(100));
        assert_eq!((text(&status, "phase"), again), ("Running", Some(Duration::from_secs(5))));
        pod["status"] = status;
        let (status, again) = running(&pod, PLACE, at(105));
        assert_eq!((text(&status, "phase"), again), ("Succeeded", None));
        pod["status"] = status.clone();
        assert_eq!(running(&pod, PLACE, at(110)).0, status);
        assert!(is_finished(&pod));
    }

    #[test]
    fn the_annotation_says_how_a_pod_ends_up() {
        for (outcome, phase, reason) in [
            ("ImagePullBackOff", "Pending", "ImagePullBackOff"),
            ("CrashLoopBackOff", "Running", "CrashLoopBackOff"),
            ("NotReady", "Running", ""),
        ] {
            let (status, _) = running(&pod("Always", json!({OUTCOME_ANNOTATION: outcome})), PLACE, at(1));
            assert_eq!(text(&status, "phase"), phase);
            assert_eq!(text_at(&status, "/containerStatuses/0/state/waiting/reason"), reason);
            assert!(!holds(&json!({"status": status}), "Ready"));
        }
        let (status, _) = running(&pod("Never", json!({OUTCOME_ANNOTATION: "Failed"})), PLACE, at(1));
        assert_eq!(text(&status, "phase"), "Failed");
        assert_eq!(status["containerStatuses"][0]["state"]["terminated"]["exitCode"], 1);
    }
}
