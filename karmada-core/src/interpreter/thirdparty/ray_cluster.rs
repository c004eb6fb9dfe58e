//! Ray's RayCluster.

use jiff::Timestamp;
use serde_json::Value;

use super::members::{Member, concatenated, copy_single, first, is_true, latest, sum};
use super::ray::cluster_components;
use super::rules::{Answer, Rules};
use super::templates::unreadable;
use super::values::{elements, guarded, keep_identity, mismatch, status_of};
use crate::object::Quantity;

const COUNTERS: [&str; 5] = [
    "availableWorkerReplicas",
    "desiredWorkerReplicas",
    "maxWorkerReplicas",
    "minWorkerReplicas",
    "readyWorkerReplicas",
];
const QUANTITIES: [&str; 4] = ["desiredCPU", "desiredMemory", "desiredGPU", "desiredTPU"];
const FIRSTS: [&str; 4] = ["endpoints", "head", "state", "stateTransitionTimes"];

pub(super) const RULES: Rules = Rules {
    components: Some(|object, options| cluster_components(guarded(object, &["spec"]), options)),
    aggregate: Some(aggregate),
    health: Some(|object| Ok(health(object))),
    ..Rules::NONE
};

/// Makes an object of identity and status alone.
fn aggregate(object: &mut Value, members: Option<&[Member<'_>]>, _: Timestamp) -> Answer<()> {
    let Some(members) = members else { return Ok(()) };
    keep_identity(object);
    if copy_single(object, members)? {
        return Ok(());
    }
    let conditions = concatenated(members, "conditions")?;
    let status = status_of(object)?;
    status.clear();
    for counter in COUNTERS {
        status.insert(counter.to_owned(), sum(members, counter)?);
    }
    for name in QUANTITIES {
        status.insert(name.to_owned(), total(members, name)?.to_string().into());
    }
    for name in FIRSTS {
        if let Some(value) = first(members, name) {
            status.insert(name.to_owned(), value.clone());
        }
    }
    if let Some(time) = latest(members, "lastUpdateTime") {
        status.insert("lastUpdateTime".to_owned(), time.into());
    }
    status.insert("conditions".to_owned(), conditions);
    Ok(())
}

fn total(members: &[Member<'_>], name: &str) -> Answer<Quantity> {
    let mut total = Quantity::ZERO;
    for member in members {
        match member.field(name) {
            Value::Null => {}
            Value::String(text) => {
                total += text.parse().map_err(unreadable)?;
            }
            other => return Err(mismatch(&["status", name], "string", other).into()),
        }
    }
    Ok(total)
}

fn health(object: &Value) -> bool {
    let conditions = elements(guarded(object, &["status", "conditions"]));
    let has = |name| conditions.iter().any(|condition| is_true(condition, name));
    has("HeadPodReady") && has("RayClusterProvisioned") && !has("RayClusterReplicaFailure")
}
