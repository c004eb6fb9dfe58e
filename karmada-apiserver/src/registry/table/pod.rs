//! The cells of pods.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::resource::Resource;
use super::age;
use super::cells::{items, none_if_empty, number, text};

/// What the status columns say of a pod.
struct Summary {
    ready: usize,
    total: usize,
    reason: String,
    restarts: i64,
    last_restart: Option<Timestamp>,
}

pub(super) fn cell(column: &str, pod: &Value, now: Timestamp) -> Option<Value> {
    let summary = || summarise(pod);
    let text = match column {
        "Ready" => {
            let summary = summary();
            format!("{}/{}", summary.ready, summary.total)
        }
        "Status" => summary().reason,
        "Restarts" => restarts(&summary(), now),
        "IP" => {
            let first = items(&pod["status"], "podIPs").first().map(|ip| text(ip, "ip").to_owned());
            none_if_empty(first.unwrap_or_default())
        }
        "Node" => none_if_empty(text(&pod["spec"], "nodeName").to_owned()),
        "Nominated Node" => none_if_empty(text(&pod["status"], "nominatedNodeName").to_owned()),
        "Readiness Gates" => readiness_gates(pod),
        _ => return None,
    };
    Some(text.into())
}

/// Returns the row conditions that make clients hide finished pods.
pub(super) fn row_conditions(resource: &Resource, object: &Value) -> Option<Value> {
    if resource.kind != "Pod" || resource.is_custom() {
        return None;
    }
    let (reason, message) = match text(&object["status"], "phase") {
        "Succeeded" => ("Succeeded", "The pod has completed successfully."),
        "Failed" => ("Failed", "The pod failed."),
        _ => return None,
    };
    Some(json!([{"type": "Completed", "status": "True", "reason": reason, "message": message}]))
}

fn summarise(pod: &Value) -> Summary {
    let (spec, status) = (&pod["spec"], &pod["status"]);
    let sidecars: Vec<&str> = items(spec, "initContainers")
        .iter()
        .filter(|container| text(container, "restartPolicy") == "Always")
        .map(|container| text(container, "name"))
        .collect();
    let phase = text(status, "phase");
    let mut summary = Summary {
        ready: 0,
        total: items(spec, "containers").len() + sidecars.len(),
        reason: if text(status, "reason").is_empty() { phase } else { text(status, "reason") }.to_owned(),
        restarts: 0,
        last_restart: None,
    };
    if condition(status, "PodScheduled").is_some_and(|found| text(found, "reason") == "SchedulingGated") {
        "SchedulingGated".clone_into(&mut summary.reason);
    }
    let initialising = initialise(spec, status, &sidecars, &mut summary);
    let initialised = condition(status, "Initialized").is_some_and(|found| text(found, "status") == "True");
    if !initialising || initialised {
        run(status, &mut summary);
    }
    if !pod["metadata"]["deletionTimestamp"].is_null() {
        if text(status, "reason") == "NodeLost" {
            "Unknown".clone_into(&mut summary.reason);
        } else if !matches!(phase, "Succeeded" | "Failed") {
            "Terminating".clone_into(&mut summary.reason);
        }
    }
    summary
}

/// Reads the init containers. Returns whether the pod is still at them.
fn initialise(spec: &Value, status: &Value, sidecars: &[&str], summary: &mut Summary) -> bool {
    let mut sidecar_restarts = 0;
    let mut sidecar_last = None;
    let total = items(spec, "initContainers").len();
    let mut at = None;
    for (index, container) in items(status, "initContainerStatuses").iter().enumerate() {
        note_restart(container, &mut summary.restarts, &mut summary.last_restart);
        let sidecar = sidecars.contains(&text(container, "name"));
        if sidecar {
            note_restart(container, &mut sidecar_restarts, &mut sidecar_last);
        }
        let (terminated, waiting) = (&container["state"]["terminated"], &container["state"]["waiting"]);
        if terminated.is_object() && number(terminated, "exitCode") == 0 {
            continue;
        }
        if sidecar && container["started"] == json!(true) {
            if container["ready"] == json!(true) {
                summary.ready += 1;
            }
            continue;
        }
        at = Some(if terminated.is_object() {
            format!("Init:{}", ended(terminated))
        } else if !matches!(text(waiting, "reason"), "" | "PodInitializing") {
            format!("Init:{}", text(waiting, "reason"))
        } else {
            format!("Init:{index}/{total}")
        });
        break;
    }
    if let Some(reason) = at {
        summary.reason = reason;
        true
    } else {
        // The restarts of init containers that are done are past.
        summary.restarts = sidecar_restarts;
        summary.last_restart = sidecar_last;
        false
    }
}

fn run(status: &Value, summary: &mut Summary) {
    let mut running = false;
    for container in items(status, "containerStatuses").iter().rev() {
        note_restart(container, &mut summary.restarts, &mut summary.last_restart);
        let state = &container["state"];
        if !text(&state["waiting"], "reason").is_empty() {
            text(&state["waiting"], "reason").clone_into(&mut summary.reason);
        } else if state["terminated"].is_object() {
            summary.reason = ended(&state["terminated"]);
        } else if container["ready"] == json!(true) && state["running"].is_object() {
            running = true;
            summary.ready += 1;
        }
    }
    if summary.reason == "Completed" && running {
        let ready = condition(status, "Ready").is_some_and(|found| text(found, "status") == "True");
        if ready { "Running" } else { "NotReady" }.clone_into(&mut summary.reason);
    }
}

/// Says how a container ended.
fn ended(terminated: &Value) -> String {
    let reason = text(terminated, "reason");
    if !reason.is_empty() {
        return reason.to_owned();
    }
    match number(terminated, "signal") {
        0 => format!("ExitCode:{}", number(terminated, "exitCode")),
        signal => format!("Signal:{signal}"),
    }
}

fn note_restart(container: &Value, restarts: &mut i64, last: &mut Option<Timestamp>) {
    *restarts += number(container, "restartCount");
    let ended = age::parse(&container["lastState"]["terminated"]["finishedAt"]);
    *last = (*last).max(ended);
}

fn restarts(summary: &Summary, now: Timestamp) -> String {
    match summary.last_restart {
        Some(last) if summary.restarts != 0 => {
            format!("{} ({} ago)", summary.restarts, age::human(now.as_second() - last.as_second()))
        }
        _ => summary.restarts.to_string(),
    }
}

fn readiness_gates(pod: &Value) -> String {
    let gates = items(&pod["spec"], "readinessGates");
    if gates.is_empty() {
        return "<none>".to_owned();
    }
    let passed = gates.iter().filter(|gate| {
        condition(&pod["status"], text(gate, "conditionType"))
            .is_some_and(|found| text(found, "status") == "True")
    });
    format!("{}/{}", passed.count(), gates.len())
}

fn condition<'a>(status: &'a Value, kind: &str) -> Option<&'a Value> {
    items(status, "conditions").iter().find(|condition| text(condition, "type") == kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pod: Value, expected: &str) {
        let summary = summarise(&pod);
        let found = format!("{}/{} {} {}", summary.ready, summary.total, summary.reason, summary.restarts);
        assert_eq!(found, expected);
    }

    #[test]
    fn tells_the_state_of_a_pod() {
        let two = json!([{"name": "a"}, {"name": "b"}]);
        check(json!({"spec": {"containers": two}, "status": {"phase": "Pending"}}), "0/2 Pending 0");
        check(
            json!({"spec": {"containers": two}, "status": {"phase": "Running", "containerStatuses": [
                {"restartCount": 5, "state": {"waiting": {"reason": "CrashLoopBackOff"}}},
                {"ready": true, "state": {"running": {}}},
            ]}}),
            "1/2 CrashLoopBackOff 5",
        );
        check(
            json!({"spec": {"containers": two, "initContainers": [{"name": "i"}]}, "status": {"phase": "Pending",
                "initContainerStatuses": [{"name": "i", "state": {"running": {}}}]}}),
            "0/2 Init:0/1 0",
        );
        check(
            json!({"metadata": {"deletionTimestamp": "t"}, "spec": {"containers": two}, "status": {"phase": "Running"}}),
            "0/2 Terminating 0",
        );
    }
}
