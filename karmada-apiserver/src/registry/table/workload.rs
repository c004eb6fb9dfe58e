//! The cells of workloads.

use jiff::Timestamp;
use serde_json::Value;

use super::age;
use super::cells::{items, labels, number, selector, text};

pub(super) fn cell(kind: &str, column: &str, object: &Value, now: Timestamp) -> Option<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let count = |field: &str| Some(Value::from(number(status, field)));
    let template = match kind {
        "CronJob" => &spec["jobTemplate"]["spec"]["template"],
        "PodTemplate" => &object["template"],
        _ => &spec["template"],
    };
    match column {
        "Containers" => return Some(containers(template, "name").into()),
        "Images" => return Some(containers(template, "image").into()),
        "Pod Labels" => return Some(labels(template["metadata"].get("labels")).into()),
        "Selector" => {
            return Some(match kind {
                "CronJob" => selector(spec["jobTemplate"]["spec"].get("selector")).into(),
                "ReplicationController" => labels(spec.get("selector")).into(),
                _ => selector(spec.get("selector")).into(),
            });
        }
        _ => {}
    }
    match (kind, column) {
        ("Deployment", "Ready") => {
            Some(format!("{}/{}", number(status, "readyReplicas"), number(spec, "replicas")).into())
        }
        ("Deployment", "Up-to-date") => count("updatedReplicas"),
        ("Deployment", "Available") => count("availableReplicas"),
        ("StatefulSet", "Ready") => {
            Some(format!("{}/{}", number(status, "readyReplicas"), number(spec, "replicas")).into())
        }
        ("ReplicaSet" | "ReplicationController", "Desired") => Some(number(spec, "replicas").into()),
        ("ReplicaSet" | "ReplicationController", "Current") => count("replicas"),
        ("ReplicaSet" | "ReplicationController", "Ready") => count("readyReplicas"),
        ("DaemonSet", "Desired") => count("desiredNumberScheduled"),
        ("DaemonSet", "Current") => count("currentNumberScheduled"),
        ("DaemonSet", "Ready") => count("numberReady"),
        ("DaemonSet", "Up-to-date") => count("updatedNumberScheduled"),
        ("DaemonSet", "Available") => count("numberAvailable"),
        ("DaemonSet", "Node Selector") => Some(labels(template["spec"].get("nodeSelector")).into()),
        ("Job", "Status") => Some(job_status(object).into()),
        ("Job", "Completions") => Some(completions(spec, status).into()),
        ("Job", "Duration") => Some(duration(status, now).into()),
        ("CronJob", "Schedule") => Some(text(spec, "schedule").into()),
        ("CronJob", "Timezone") => {
            Some(super::cells::none_if_empty(text(spec, "timeZone").to_owned()).into())
        }
        ("CronJob", "Suspend") => Some(if spec["suspend"] == true { "True" } else { "False" }.into()),
        ("CronJob", "Active") => Some(items(status, "active").len().into()),
        ("CronJob", "Last Schedule") => Some(match &status["lastScheduleTime"] {
            Value::Null => "<none>".into(),
            time => age::since(time, now).into(),
        }),
        ("ControllerRevision", "Controller") => Some(controller(object).into()),
        ("ControllerRevision", "Revision") => Some(number(object, "revision").into()),
        _ => None,
    }
}

fn containers(template: &Value, field: &str) -> String {
    let found: Vec<&str> =
        items(&template["spec"], "containers").iter().map(|item| text(item, field)).collect();
    found.join(",")
}

fn job_status(job: &Value) -> &'static str {
    let holds = |kind: &str| {
        let conditions = items(&job["status"], "conditions");
        conditions
            .iter()
            .any(|condition| text(condition, "type") == kind && text(condition, "status") == "True")
    };
    if holds("Complete") {
        "Complete"
    } else if holds("Failed") {
        "Failed"
    } else if !job["metadata"]["deletionTimestamp"].is_null() {
        "Terminating"
    } else if holds("Suspended") {
        "Suspended"
    } else if holds("FailureTarget") {
        "FailureTarget"
    } else if holds("SuccessCriteriaMet") {
        "SuccessCriteriaMet"
    } else {
        "Running"
    }
}

fn completions(spec: &Value, status: &Value) -> String {
    let succeeded = number(status, "succeeded");
    match (spec["completions"].as_i64(), spec["parallelism"].as_i64().unwrap_or_default()) {
        (Some(completions), _) => format!("{succeeded}/{completions}"),
        (None, parallelism) if parallelism > 1 => format!("{succeeded}/1 of {parallelism}"),
        (None, _) => format!("{succeeded}/1"),
    }
}

fn duration(status: &Value, now: Timestamp) -> String {
    let Some(start) = age::parse(&status["startTime"]) else { return String::new() };
    let end = age::parse(&status["completionTime"]).unwrap_or(now);
    age::human(end.as_second() - start.as_second())
}

fn controller(object: &Value) -> String {
    let owner =
        items(&object["metadata"], "ownerReferences").iter().find(|owner| owner["controller"] == true);
    let Some(owner) = owner else { return "<none>".to_owned() };
    let kind = text(owner, "kind").to_lowercase();
    let group =
        text(owner, "apiVersion").split_once('/').map(|(group, _)| format!(".{group}")).unwrap_or_default();
    format!("{kind}{group}/{}", text(owner, "name"))
}
