//! Pod.

use serde_json::{Value, json};

use super::super::{InterpretError, NativeOptions};
use super::pod_dependencies::pod_dependencies;
use super::requirements::requirements;
use super::rules::Rules;
use super::typed::{read, statuses, text, with_status};
use crate::api::work::{AggregatedStatusItem, ReplicaRequirements};
use crate::object;

/// Phases by precedence: the first one that any member reports is the template's.
const PHASES: [&str; 4] = ["Failed", "Pending", "Running", "Succeeded"];

pub(super) const RULES: Rules = Rules {
    replicas: Some(replicas),
    retain: Some(retain),
    aggregate: Some(|object, items, _| aggregate(object, items)),
    dependencies: Some(|object| {
        Ok(pod_dependencies(&read("Pod", object)?["spec"], object::namespace(object)))
    }),
    health: Some(health),
    ..Rules::NONE
};

fn replicas(
    object: &Value,
    options: NativeOptions,
) -> Result<(i64, Option<ReplicaRequirements>), InterpretError> {
    let typed = read("Pod", object)?;
    Ok((1, requirements(&typed["spec"], &object["spec"], options)))
}

/// Keeps what the member has assigned: node, account, volumes and mounts.
fn retain(desired: Value, observed: &Value) -> Result<Value, InterpretError> {
    let observed = read("Pod", observed)?;
    let mut typed = with_status("Pod", &desired, desired.get("status").cloned().unwrap_or_default())?;
    for field in ["nodeName", "serviceAccountName", "volumes"] {
        replace(&mut typed["spec"], field, observed["spec"].get(field));
    }
    for field in ["containers", "initContainers"] {
        let Some(containers) = typed["spec"].get_mut(field).and_then(Value::as_array_mut) else { continue };
        for container in containers {
            let name = text(container, "name").to_owned();
            let others = observed["spec"].get(field).and_then(Value::as_array).into_iter().flatten();
            if let Some(other) = others.into_iter().find(|other| text(other, "name") == name) {
                replace(container, "volumeMounts", other.get("volumeMounts"));
            }
        }
    }
    Ok(typed)
}

fn replace(object: &mut Value, field: &str, value: Option<&Value>) {
    let Some(members) = object.as_object_mut() else { return };
    match value {
        Some(value) => members.insert(field.to_owned(), value.clone()),
        None => members.remove(field),
    };
}

/// Lists the states of all containers of all members, with the worst phase.
fn aggregate(object: &Value, items: Option<&[AggregatedStatusItem]>) -> Result<Value, InterpretError> {
    let typed = read("Pod", object)?;
    let Some(items) = items else { return with_status("Pod", object, typed["status"].clone()) };
    let reported = statuses("PodStatus", items)?;
    let mut phases: Vec<&str> = reported.iter().map(|(_, status)| text(status, "phase")).collect();
    if reported.len() < items.len() {
        phases.push("Pending");
    }
    let phase = PHASES.iter().find(|phase| phases.contains(phase)).copied().unwrap_or_default();
    let status = json!({
        "phase": phase,
        "containerStatuses": states(&reported, "containerStatuses"),
        "initContainerStatuses": states(&reported, "initContainerStatuses"),
    });
    if read("PodStatus", &status)? == typed["status"] {
        return Ok(object.clone());
    }
    with_status("Pod", object, status)
}

fn states(reported: &[(&AggregatedStatusItem, Value)], field: &str) -> Vec<Value> {
    let containers = reported
        .iter()
        .flat_map(|(_, status)| status.get(field).and_then(Value::as_array).into_iter().flatten());
    containers.map(|container| json!({"ready": container["ready"], "state": container["state"]})).collect()
}

fn health(object: &Value) -> Result<bool, InterpretError> {
    let typed = read("Pod", object)?;
    let status = &typed["status"];
    let ready = status
        .get("conditions")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .any(|condition| text(condition, "type") == "Ready" && text(condition, "status") == "True");
    Ok(match text(status, "phase") {
        "Succeeded" => true,
        "Running" => ready,
        _ => false,
    })
}
