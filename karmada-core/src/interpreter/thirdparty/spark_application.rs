//! Spark's SparkApplication.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::super::NativeOptions;
use super::gated::reflect;
use super::members::{Member, copy_single, latest, sum};
use super::rules::{Answer, Rules};
use super::spark_memory::pod_memory;
use super::templates::{component_quantity, component_replicas, node_claim};
use super::values::{field, guarded, mismatch, status_of, text};
use crate::api::ResourceList;
use crate::api::work::{Component, ComponentRequirements};

const REFLECTED: [&str; 9] = [
    "applicationState",
    "driverInfo",
    "executionAttempts",
    "executorState",
    "lastSubmissionAttemptTime",
    "sparkApplicationId",
    "submissionAttempts",
    "submissionID",
    "terminationTime",
];
/// States of an application, the best one first.
const STATES: [&str; 11] = [
    "",
    "COMPLETED",
    "SUCCEEDING",
    "SUBMITTED",
    "RUNNING",
    "PENDING_RERUN",
    "INVALIDATING",
    "UNKNOWN",
    "FAILING",
    "SUBMISSION_FAILED",
    "FAILED",
];

pub(super) const RULES: Rules = Rules {
    components: Some(components),
    aggregate: Some(aggregate),
    reflect: Some(|object| reflect(object, &REFLECTED)),
    health: Some(|object| Ok(health(object))),
    ..Rules::NONE
};

fn components(object: &Value, _: NativeOptions) -> Answer<Vec<Component>> {
    let spec = guarded(object, &["spec"]);
    let executors = executors(spec)?;
    [("driver", 1), ("executor", executors)]
        .into_iter()
        .map(|(name, replicas)| {
            let role = guarded(spec, &[name]);
            Ok(Component {
                name: name.to_owned(),
                replicas,
                replica_requirements: Some(ComponentRequirements {
                    node_claim: node_claim(role)?,
                    resource_request: resource_request(spec, role)?,
                    priority_class_name: text(role, &["priorityClassName"]).to_owned(),
                }),
            })
        })
        .collect()
}

/// Returns the number of executors: with dynamic allocation at least as many as it starts with.
fn executors(spec: &Value) -> Answer<i32> {
    let instances = component_replicas(spec, &["executor", "instances"], 1)?;
    if guarded(spec, &["dynamicAllocation", "enabled"]) != &Value::Bool(true) {
        return Ok(instances);
    }
    let initial = component_replicas(spec, &["dynamicAllocation", "initialExecutors"], 0)?;
    let minimum = component_replicas(spec, &["dynamicAllocation", "minExecutors"], 0)?;
    Ok(instances.max(initial).max(minimum))
}

fn resource_request(spec: &Value, role: &Value) -> Answer<ResourceList> {
    let cores = match guarded(role, &["cores"]) {
        Value::Null => json!(1),
        cores => cores.clone(),
    };
    let mut request = ResourceList::new();
    request.insert("cpu".to_owned(), component_quantity(&cores)?);
    request.insert("memory".to_owned(), pod_memory(spec, role)?);
    let name = text(role, &["gpu", "name"]);
    let gpus = guarded(role, &["gpu", "quantity"]);
    if !name.is_empty() && !gpus.is_null() {
        request.insert(name.to_owned(), component_quantity(gpus)?);
    }
    Ok(request)
}

fn aggregate(object: &mut Value, members: Option<&[Member<'_>]>, _: Timestamp) -> Answer<()> {
    let Some(members) = members else { return Ok(()) };
    if copy_single(object, members)? {
        return Ok(());
    }
    let state = worst_state(members)?;
    let executors = members.iter().filter_map(|member| member.field("executorState").as_object());
    let executors: Map<_, _> =
        executors.flatten().map(|(name, state)| (name.clone(), state.clone())).collect();
    let (submissions, executions) = (sum(members, "submissionAttempts")?, sum(members, "executionAttempts")?);
    let status = status_of(object)?;
    status.insert("applicationState".to_owned(), state);
    status.insert("executorState".to_owned(), executors.into());
    status.insert("submissionAttempts".to_owned(), submissions);
    status.insert("executionAttempts".to_owned(), executions);
    for name in ["lastSubmissionAttemptTime", "terminationTime"] {
        status.insert(name.to_owned(), latest(members, name).unwrap_or_default().into());
    }
    Ok(())
}

/// Returns the worst state of the application; none when no member has one.
///
/// # Errors
/// When a state is none that is known.
fn worst_state(members: &[Member<'_>]) -> Answer<Value> {
    let mut worst: (Option<usize>, Value) = (None, json!({}));
    for member in members {
        let state = guarded(member.field("applicationState"), &["state"]);
        if state.is_null() {
            continue;
        }
        let Some(rank) = STATES.iter().position(|known| state == known) else {
            return Err(mismatch(&["status", "applicationState", "state"], "known state", state).into());
        };
        if worst.0.is_none_or(|known| rank > known) {
            worst = (Some(rank), field(member.status, &["applicationState"])?.clone());
        }
    }
    Ok(worst.1)
}

fn health(object: &Value) -> bool {
    let state = guarded(object, &["status", "applicationState", "state"]);
    !state.is_null() && state != "FAILED"
}
