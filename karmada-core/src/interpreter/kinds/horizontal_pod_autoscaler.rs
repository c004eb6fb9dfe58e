//! HorizontalPodAutoscaler.

use serde_json::{Value, json};

use super::super::InterpretError;
use super::counters::pick;
use super::rules::Rules;
use super::typed::{number, read, reported_status, statuses, with_status};
use crate::api::work::AggregatedStatusItem;

const COUNTERS: [&str; 2] = ["currentReplicas", "desiredReplicas"];

pub(super) const RULES: Rules = Rules {
    aggregate: Some(|object, items, _| aggregate(object, items.unwrap_or_default())),
    reflect: Some(reflect),
    ..Rules::NONE
};

fn aggregate(object: &Value, items: &[AggregatedStatusItem]) -> Result<Value, InterpretError> {
    let typed = read("HorizontalPodAutoscaler", object)?;
    let reported = statuses("HorizontalPodAutoscalerStatus", items)?;
    let mut status = json!({});
    for field in COUNTERS {
        status[field] = reported.iter().map(|(_, status)| number(status, field)).sum::<i64>().into();
    }
    if read("HorizontalPodAutoscalerStatus", &status)? == typed["status"] {
        return Ok(object.clone());
    }
    with_status("HorizontalPodAutoscaler", object, status)
}

fn reflect(object: &Value) -> Result<Option<Value>, InterpretError> {
    let Some(status) = reported_status(object)? else { return Ok(None) };
    let mut reported = pick(&read("HorizontalPodAutoscalerStatus", status)?, &COUNTERS);
    // It is not reported, and the kind always writes it.
    reported.insert("currentMetrics".to_owned(), Value::Null);
    Ok(Some(Value::Object(reported)))
}
