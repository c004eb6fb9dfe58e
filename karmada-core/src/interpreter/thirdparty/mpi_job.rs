//! Kubeflow's MPIJob.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::NativeOptions;
use super::gated::reflect;
use super::members::{Member, copy_single, earliest, latest};
use super::rules::{Answer, Rules};
use super::templates::component;
use super::training_job::is_healthy;
use super::values::{assign, equal, from_number, guarded, mismatch, number_or, text, to_number};
use crate::api::work::Component;

const COUNTERS: [&str; 3] = ["active", "succeeded", "failed"];
const REFLECTED: [&str; 5] =
    ["completionTime", "conditions", "lastReconcileTime", "replicaStatuses", "startTime"];

pub(super) const RULES: Rules = Rules {
    components: Some(components),
    aggregate: Some(aggregate),
    reflect: Some(|object| reflect(object, &REFLECTED)),
    health: Some(|object| Ok(is_healthy(object))),
    ..Rules::NONE
};

/// Returns a component per role that has a pod template.
///
/// DEVIATION: by name; upstream's order is random.
fn components(object: &Value, options: NativeOptions) -> Answer<Vec<Component>> {
    let roles = guarded(object, &["spec", "mpiReplicaSpecs"]).as_object().into_iter().flatten();
    let roles = roles.filter(|(_, spec)| !guarded(spec, &["template"]).is_null());
    roles
        .map(|(name, spec)| {
            let default = if name == "Worker" { 0.0 } else { 1.0 };
            let replicas = to_number(guarded(spec, &["replicas"])).unwrap_or(default);
            if replicas.fract() != 0.0 {
                return Err(mismatch(&["replicas"], "integer", guarded(spec, &["replicas"])).into());
            }
            component(name, replicas as i32, spec, options)
        })
        .collect()
}

/// Sets times, counters and the newest condition of each type.
fn aggregate(object: &mut Value, members: Option<&[Member<'_>]>, _: Timestamp) -> Answer<()> {
    let Some(members) = members else { return Ok(()) };
    if copy_single(object, members)? {
        return Ok(());
    }
    let mut status = json!({
        "replicaStatuses": replica_statuses(members)?,
        "conditions": newest_conditions(members),
    });
    let times = [
        ("startTime", earliest(members, "startTime")),
        ("completionTime", latest(members, "completionTime")),
        ("lastReconcileTime", latest(members, "lastReconcileTime")),
    ];
    for (name, time) in times {
        if let Some(time) = time {
            status[name] = time.into();
        }
    }
    if let Value::Object(fields) = &mut status {
        fields.retain(|_, value| *value != json!({}) && *value != json!([]));
    }
    Ok(assign(object, &["status"], status)?)
}

fn replica_statuses(members: &[Member<'_>]) -> Answer<Value> {
    let mut replicas = json!({});
    for member in members {
        for (role, counts) in member.field("replicaStatuses").as_object().into_iter().flatten() {
            for counter in COUNTERS {
                let total =
                    number_or(&replicas, &[role, counter], 0.0)? + number_or(counts, &[counter], 0.0)?;
                replicas[role][counter] = from_number(total);
            }
        }
    }
    Ok(replicas)
}

fn newest_conditions(members: &[Member<'_>]) -> Vec<Value> {
    let mut newest: Vec<Value> = Vec::new();
    for condition in members.iter().flat_map(Member::conditions) {
        let condition_type = guarded(condition, &["type"]);
        match newest.iter_mut().find(|known| equal(guarded(known, &["type"]), condition_type)) {
            Some(known) => {
                if text(condition, &["lastTransitionTime"]) > text(known, &["lastTransitionTime"]) {
                    *known = condition.clone();
                }
            }
            None => newest.push(condition.clone()),
        }
    }
    newest
}
