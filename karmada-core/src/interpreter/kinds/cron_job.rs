//! CronJob.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::{DependentReference, InterpretError};
use super::pod_dependencies::pod_dependencies;
use super::rules::Rules;
use super::typed::{read, statuses, text, with_status};
use crate::api::work::AggregatedStatusItem;
use crate::object;

pub(super) const RULES: Rules = Rules {
    aggregate: Some(|object, items, _| aggregate(object, items.unwrap_or_default())),
    dependencies: Some(dependencies),
    ..Rules::NONE
};

fn dependencies(object: &Value) -> Result<Vec<DependentReference>, InterpretError> {
    let typed = read("CronJob", object)?;
    let spec = &typed["spec"]["jobTemplate"]["spec"]["template"]["spec"];
    Ok(pod_dependencies(spec, object::namespace(object)))
}

/// Lists the running jobs of all members, with the latest of their times.
fn aggregate(object: &Value, items: &[AggregatedStatusItem]) -> Result<Value, InterpretError> {
    let typed = read("CronJob", object)?;
    let reported = statuses("CronJobStatus", items)?;
    let active: Vec<Value> = reported
        .iter()
        .flat_map(|(_, status)| status.get("active").and_then(Value::as_array).into_iter().flatten())
        .cloned()
        .collect();
    let latest = |field: &str| {
        let times = reported.iter().filter_map(|(_, status)| text(status, field).parse::<Timestamp>().ok());
        times.max().map_or(Value::Null, |time| Value::String(time.to_string()))
    };
    let status = json!({
        "active": active,
        "lastScheduleTime": latest("lastScheduleTime"),
        "lastSuccessfulTime": latest("lastSuccessfulTime"),
    });
    if read("CronJobStatus", &status)? == typed["status"] {
        return Ok(object.clone());
    }
    with_status("CronJob", object, status)
}
