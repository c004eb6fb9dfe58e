//! PodDisruptionBudget.

use serde_json::{Map, Value, json};

use super::super::InterpretError;
use super::counters::pick;
use super::rules::Rules;
use super::typed::{number, read, reported_status, statuses, with_status};
use crate::api::work::AggregatedStatusItem;

const COUNTERS: [&str; 4] = ["currentHealthy", "desiredHealthy", "disruptionsAllowed", "expectedPods"];

pub(super) const RULES: Rules = Rules {
    aggregate: Some(|object, items, _| aggregate(object, items.unwrap_or_default())),
    reflect: Some(reflect),
    health: Some(health),
    ..Rules::NONE
};

fn aggregate(object: &Value, items: &[AggregatedStatusItem]) -> Result<Value, InterpretError> {
    let typed = read("PodDisruptionBudget", object)?;
    let reported = statuses("PodDisruptionBudgetStatus", items)?;
    let mut status = json!({});
    for field in COUNTERS {
        status[field] = reported.iter().map(|(_, status)| number(status, field)).sum::<i64>().into();
    }
    let disrupted: Map<String, Value> = reported
        .iter()
        .flat_map(|(item, status)| {
            let pods = status.get("disruptedPods").and_then(Value::as_object).into_iter().flatten();
            pods.map(|(pod, time)| (format!("{}/{pod}", item.cluster_name), time.clone()))
        })
        .collect();
    status["disruptedPods"] = Value::Object(disrupted);
    // A missing map differs from an empty one.
    let written = object.pointer("/status/disruptedPods").is_some_and(Value::is_object);
    if written && read("PodDisruptionBudgetStatus", &status)? == typed["status"] {
        return Ok(object.clone());
    }
    with_status("PodDisruptionBudget", object, status)
}

fn reflect(object: &Value) -> Result<Option<Value>, InterpretError> {
    let Some(status) = reported_status(object)? else { return Ok(None) };
    let status = read("PodDisruptionBudgetStatus", status)?;
    let mut reflected = pick(&status, &COUNTERS);
    reflected.extend(pick(&status, &["disruptedPods"]));
    Ok(Some(Value::Object(reflected)))
}

fn health(object: &Value) -> Result<bool, InterpretError> {
    let typed = read("PodDisruptionBudget", object)?;
    let status = &typed["status"];
    Ok(number(status, "currentHealthy") >= number(status, "desiredHealthy"))
}
