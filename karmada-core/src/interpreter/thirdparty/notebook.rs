//! Kubeflow's Notebook.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::members::{Member, copy_single, sum};
use super::rules::{Answer, Rules};
use super::templates::template_requirements;
use super::values::{field, guarded, status_of, text, time_text};

/// Why a terminated container has failed, whatever its exit code.
const FAILURES: [&str; 3] = ["Error", "OOMKilled", "ContainerCannotRun"];

pub(super) const RULES: Rules = Rules {
    replicas: Some(|object, options| Ok((1, template_requirements(object, &["spec", "template"], options)?))),
    aggregate: Some(aggregate),
    reflect: Some(reflect),
    health: Some(|object| Ok(is_healthy(guarded(object, &["status", "containerState"])))),
    ..Rules::NONE
};

/// Sets the sum of ready replicas, the last container's state and a condition: failed in any, or ready in all.
fn aggregate(object: &mut Value, members: Option<&[Member<'_>]>, now: Timestamp) -> Answer<()> {
    let Some(members) = members else { return Ok(()) };
    if copy_single(object, members)? {
        return Ok(());
    }
    let mut state = json!({});
    let (mut ready, mut failed) = (0, Vec::new());
    for member in members {
        let found = member.field("containerState");
        if found.is_null() {
            continue;
        }
        state = state_of(found);
        if !guarded(found, &["running"]).is_null() {
            ready += 1;
        } else if !is_healthy(found) {
            failed.push(member.cluster);
        }
    }
    let mut conditions = Vec::new();
    if !failed.is_empty() {
        let message = format!("Notebook executed failed in member clusters: {}", failed.join(", "));
        conditions.push(condition("Failed", "NotebookFailed", &message, now));
    } else if ready == members.len() && ready > 0 {
        conditions.push(condition("Ready", "Ready", "Notebook is ready", now));
    }
    let replicas = sum(members, "readyReplicas")?;
    let status = status_of(object)?;
    status.insert("readyReplicas".to_owned(), replicas);
    status.insert("containerState".to_owned(), state);
    status.insert("conditions".to_owned(), conditions.into());
    Ok(())
}

/// Returns the one state that counts; a container without any waits for a node.
fn state_of(found: &Value) -> Value {
    let known = ["running", "waiting", "terminated"];
    match known.into_iter().find(|name| !guarded(found, &[name]).is_null()) {
        Some(name) => json!({name: guarded(found, &[name])}),
        None => json!({"waiting": {"reason": "Unschedulable"}}),
    }
}

fn condition(condition_type: &str, reason: &str, message: &str, now: Timestamp) -> Value {
    let time = time_text(now);
    json!({
        "type": condition_type, "status": "True", "reason": reason, "message": message,
        "lastProbeTime": time, "lastTransitionTime": time,
    })
}

fn reflect(object: &Value) -> Answer<Map<String, Value>> {
    let mut reflected = super::gated::reflect(object, &["conditions", "containerState", "readyReplicas"])?;
    if !field(object, &["status"])?.is_null() {
        reflected.entry("readyReplicas").or_insert_with(|| Value::from(0));
    }
    Ok(reflected)
}

/// Returns whether a container runs, is about to, or has ended well.
fn is_healthy(state: &Value) -> bool {
    if !guarded(state, &["running"]).is_null() {
        return true;
    }
    if !guarded(state, &["waiting"]).is_null() {
        return text(state, &["waiting", "reason"]) == "ContainerCreating";
    }
    let terminated = guarded(state, &["terminated"]);
    let exit_code = guarded(terminated, &["exitCode"]);
    !terminated.is_null()
        && !FAILURES.contains(&text(terminated, &["reason"]))
        && (exit_code.is_null() || exit_code.as_f64() == Some(0.0))
}
