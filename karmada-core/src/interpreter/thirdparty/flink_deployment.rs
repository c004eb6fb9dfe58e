//! Flink's FlinkDeployment.

use jiff::Timestamp;
use serde_json::Value;

use super::super::NativeOptions;
use super::gated::reflect;
use super::members::Member;
use super::rules::{Answer, Rules};
use super::templates::{component_quantity, component_replicas, node_claim, unreadable};
use super::values::{field, guarded, mismatch, number_or, status_of, text, to_number};
use crate::api::ResourceList;
use crate::api::work::{Component, ComponentRequirements, ReplicaRequirements};
use crate::object::Quantity;

/// Status fields, with what stands there when no member has a status.
const FIELDS: [(&str, Unset); 8] = [
    ("clusterInfo", Unset::Nothing),
    ("error", Unset::Text),
    ("jobManagerDeploymentStatus", Unset::Text),
    ("jobStatus", Unset::Nothing),
    ("lifecycleState", Unset::Text),
    ("observedGeneration", Unset::Zero),
    ("reconciliationStatus", Unset::Nothing),
    ("taskManager", Unset::Nothing),
];
const HEALTHY_STATES: [&str; 8] =
    ["RUNNING", "FINISHED", "FAILED", "CANCELED", "SUSPENDED", "CANCELLING", "FAILING", "RESTARTING"];
const STARTING_STATES: [&str; 3] = ["CREATED", "INITIALIZING", "RECONCILING"];
/// Errors that no other cluster would cure.
const FINAL_ERRORS: [&str; 3] = ["ErrImagePull", "ImagePullBackOff", "CrashLoopBackOff"];
const SLOTS: &str = "taskmanager.numberOfTaskSlots";

#[derive(Clone, Copy)]
enum Unset {
    Nothing,
    Text,
    Zero,
}

pub(super) const RULES: Rules = Rules {
    replicas: Some(replicas),
    components: Some(components),
    aggregate: Some(aggregate),
    reflect: Some(|object| reflect(object, &FIELDS.map(|(name, _)| name))),
    health: Some(|object| Ok(health(object))),
    ..Rules::NONE
};

fn replicas(object: &Value, _: NativeOptions) -> Answer<(i64, Option<ReplicaRequirements>)> {
    let replicas = i64::from(job_managers(object)?) + i64::from(task_managers(object)?);
    let resources = ["jobManager", "taskManager"].map(|role| guarded(object, &["spec", role, "resource"]));
    let mut resource_request = ResourceList::new();
    if let Some(cpu) = larger_cpu(resources)? {
        resource_request.insert("cpu".to_owned(), cpu);
    }
    if let Some(memory) = larger_memory(resources)? {
        resource_request.insert("memory".to_owned(), memory);
    }
    let pod = guarded(object, &["spec", "podTemplate", "spec"]);
    let needed = ReplicaRequirements {
        node_claim: node_claim(pod)?,
        resource_request,
        namespace: text(object, &["metadata", "namespace"]).to_owned(),
        priority_class_name: text(pod, &["priorityClassName"]).to_owned(),
    };
    Ok((replicas, Some(needed)))
}

fn components(object: &Value, _: NativeOptions) -> Answer<Vec<Component>> {
    let pod = guarded(object, &["spec", "podTemplate", "spec"]);
    let roles = [("jobManager", job_managers(object)?), ("taskManager", task_managers(object)?)];
    roles
        .into_iter()
        .map(|(role, replicas)| {
            let resource = guarded(object, &["spec", role, "resource"]);
            let mut resource_request = ResourceList::new();
            match guarded(resource, &["cpu"]) {
                Value::Null => {}
                cpu => drop(resource_request.insert("cpu".to_owned(), component_quantity(cpu)?)),
            }
            match guarded(resource, &["memory"]) {
                Value::Null => {}
                memory => {
                    let memory = parse(memory)?.as_f64();
                    let memory = Quantity::from_number(memory).map_err(unreadable)?;
                    resource_request.insert("memory".to_owned(), memory);
                }
            }
            Ok(Component {
                name: role.to_lowercase(),
                replicas,
                replica_requirements: Some(ComponentRequirements {
                    node_claim: node_claim(pod)?,
                    resource_request,
                    priority_class_name: text(pod, &["priorityClassName"]).to_owned(),
                }),
            })
        })
        .collect()
}

fn job_managers(object: &Value) -> Answer<i32> {
    component_replicas(object, &["spec", "jobManager", "replicas"], 1)
}

/// Returns the number of task managers: as written, else as many as the slots of all tasks fill.
fn task_managers(object: &Value) -> Answer<i32> {
    let path = ["spec", "taskManager", "replicas"];
    if !guarded(object, &path).is_null() {
        return component_replicas(object, &path, 1);
    }
    let parallelism = number_or(object, &["spec", "job", "parallelism"], 0.0)?;
    let slots = to_number(guarded(object, &["spec", "flinkConfiguration", SLOTS])).unwrap_or(0.0);
    let known = !guarded(object, &["spec", "job", "parallelism"]).is_null() && slots > 0.0;
    Ok(if known { (parallelism / slots).ceil() as i32 } else { 1 })
}

/// Returns the larger number of processors; a text is no number.
fn larger_cpu(resources: [&Value; 2]) -> Answer<Option<Quantity>> {
    let mut largest = 0.0_f64;
    for resource in resources {
        match guarded(resource, &["cpu"]) {
            Value::Null => {}
            Value::Number(number) => largest = largest.max(number.as_f64().unwrap_or_default()),
            other => return Err(mismatch(&["resource", "cpu"], "number", other).into()),
        }
    }
    let quantity = || largest.to_string().parse().map_err(unreadable);
    if largest > 0.0 { quantity().map(Some) } else { Ok(None) }
}

fn larger_memory(resources: [&Value; 2]) -> Answer<Option<Quantity>> {
    let mut largest: Option<Quantity> = None;
    for resource in resources {
        let memory = guarded(resource, &["memory"]);
        if memory.is_null() {
            continue;
        }
        let memory = parse(memory)?;
        largest = Some(largest.map_or(memory, |known| if memory > known { memory } else { known }));
    }
    Ok(largest)
}

/// Returns the quantity of a text.
fn parse(value: &Value) -> Answer<Quantity> {
    let Value::String(text) = value else {
        return Err(mismatch(&["resource", "memory"], "string", value).into());
    };
    text.parse().map_err(unreadable)
}

/// Takes over the last status that is known.
fn aggregate(object: &mut Value, members: Option<&[Member<'_>]>, _: Timestamp) -> Answer<()> {
    let Some(members) = members else { return Ok(()) };
    let newest = members.iter().rev().find(|member| !member.status.is_null());
    let status = status_of(object)?;
    for (name, unset) in FIELDS {
        let value = match (newest, unset) {
            (Some(member), _) => field(member.status, &[name])?.clone(),
            (None, Unset::Nothing) => Value::Null,
            (None, Unset::Text) => Value::from(""),
            (None, Unset::Zero) => Value::from(0),
        };
        if value.is_null() {
            status.remove(name);
        } else {
            status.insert(name.to_owned(), value);
        }
    }
    Ok(())
}

/// Returns whether the job runs, has ended, or would fare no better elsewhere.
fn health(object: &Value) -> bool {
    let status = guarded(object, &["status"]);
    let state = guarded(status, &["jobStatus", "state"]);
    if state.is_null() {
        return text(status, &["jobManagerDeploymentStatus"]) == "READY"
            && text(status, &["lifecycleState"]) == "STABLE";
    }
    let state = state.as_str().unwrap_or_default();
    let error = text(status, &["error"]);
    HEALTHY_STATES.contains(&state)
        || STARTING_STATES.contains(&state) && FINAL_ERRORS.iter().any(|known| error.contains(known))
}
