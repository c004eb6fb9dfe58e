//! Job.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::{InterpretError, NativeOptions, fields};
use super::counters::pick;
use super::pod_dependencies::template_dependencies;
use super::requirements::requirements;
use super::rules::Rules;
use super::typed::{number, read, reported_status, statuses, text, with_status};
use crate::api::work::{AggregatedStatusItem, ReplicaRequirements};
use crate::object::set_nested;

const REFLECTED: [&str; 6] = ["active", "succeeded", "failed", "conditions", "startTime", "completionTime"];

pub(super) const RULES: Rules = Rules {
    replicas: Some(replicas),
    revise: Some(&["spec", "parallelism"]),
    retain: Some(retain),
    aggregate: Some(|object, items, now| aggregate(object, items.unwrap_or_default(), now)),
    dependencies: Some(|object| template_dependencies("Job", object)),
    reflect: Some(reflect),
    health: None,
};

/// Pods that run at once: the parallelism, at most the completions.
fn replicas(
    object: &Value,
    options: NativeOptions,
) -> Result<(i64, Option<ReplicaRequirements>), InterpretError> {
    let typed = read("Job", object)?;
    let spec = &typed["spec"];
    let parallelism = number(spec, "parallelism");
    let replicas = match spec.get("completions").and_then(Value::as_i64) {
        Some(completions) => parallelism.min(completions),
        None => parallelism,
    };
    let needs = requirements(&spec["template"]["spec"], &object["spec"]["template"]["spec"], options);
    Ok((replicas, needs))
}

/// Keeps the selector and the pod labels that the member's job controller has set.
fn retain(mut desired: Value, observed: &Value) -> Result<Value, InterpretError> {
    for path in [["spec", "selector", "matchLabels"].as_slice(), &["spec", "template", "metadata", "labels"]]
    {
        if let Some(labels) = fields::text_map(observed, path)? {
            set_nested(&mut desired, path, Value::Object(labels.clone()))?;
        }
    }
    Ok(desired)
}

fn reflect(object: &Value) -> Result<Option<Value>, InterpretError> {
    let Some(status) = reported_status(object)? else { return Ok(None) };
    Ok(Some(Value::Object(pick(&read("JobStatus", status)?, &REFLECTED))))
}

/// Sums the counters; a finished job is left as it is.
fn aggregate(
    object: &Value,
    items: &[AggregatedStatusItem],
    now: Timestamp,
) -> Result<Value, InterpretError> {
    let typed = read("Job", object)?;
    if finished_by(&typed["status"]).is_some() {
        return Ok(object.clone());
    }
    let reported = statuses("JobStatus", items)?;
    let mut status = merge(&typed["status"], &reported, items.len());
    status["conditions"] = Value::Array(conditions(&reported, items.len(), now));
    if read("JobStatus", &status)? == typed["status"] {
        return Ok(object.clone());
    }
    with_status("Job", object, status)
}

fn merge(old: &Value, reported: &[(&AggregatedStatusItem, Value)], members: usize) -> Value {
    let sum = |field: &str| reported.iter().map(|(_, status)| number(status, field)).sum::<i64>();
    let times =
        |field: &str| reported.iter().filter_map(|(_, status)| time(status, field)).collect::<Vec<_>>();
    let mut status = json!({"active": sum("active"), "succeeded": sum("succeeded"), "failed": sum("failed")});
    let (started, completed) = (times("startTime"), times("completionTime"));
    // The start never changes once every member has started.
    status["startTime"] = match old.get("startTime") {
        Some(start) => start.clone(),
        None if started.len() == members => earliest(&started),
        None => Value::Null,
    };
    if completed.len() == members {
        status["completionTime"] = latest(&completed);
    }
    status
}

fn conditions(reported: &[(&AggregatedStatusItem, Value)], members: usize, now: Timestamp) -> Vec<Value> {
    let having =
        |kind: &str| reported.iter().filter(|(_, status)| has_condition(status, kind)).collect::<Vec<_>>();
    let failed: Vec<_> = reported
        .iter()
        .filter(|(_, status)| finished_by(status) == Some("Failed"))
        .map(|(item, _)| item.cluster_name.as_str())
        .collect();
    let completed = reported.iter().filter(|(_, status)| finished_by(status) == Some("Complete")).count();
    let mut conditions = Vec::new();
    if !failed.is_empty() {
        let message = format!("Job executed failed in member clusters {}", failed.join(","));
        conditions.push(condition("Failed", "JobFailed", &message, now));
    }
    if completed == members && members > 0 {
        conditions.push(condition("Complete", "Completed", "Job completed", now));
    }
    if having("SuccessCriteriaMet").len() == members && members > 0 {
        let message = "All member clusters have met success criteria";
        conditions.push(condition("SuccessCriteriaMet", "CompletionsReached", message, now));
    }
    conditions
}

fn condition(kind: &str, reason: &str, message: &str, now: Timestamp) -> Value {
    let now = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    json!({
        "type": kind,
        "status": "True",
        "reason": reason,
        "message": message,
        "lastProbeTime": now,
        "lastTransitionTime": now,
    })
}

/// Returns the condition that ended a job.
fn finished_by(status: &Value) -> Option<&str> {
    conditions_of(status)
        .filter(|condition| text(condition, "status") == "True")
        .map(|condition| text(condition, "type"))
        .find(|kind| matches!(*kind, "Complete" | "Failed"))
}

fn has_condition(status: &Value, kind: &str) -> bool {
    conditions_of(status)
        .any(|condition| text(condition, "type") == kind && text(condition, "status") == "True")
}

fn conditions_of(status: &Value) -> impl Iterator<Item = &Value> {
    status.get("conditions").and_then(Value::as_array).into_iter().flatten()
}

fn time(status: &Value, field: &str) -> Option<Timestamp> {
    text(status, field).parse().ok()
}

fn earliest(times: &[Timestamp]) -> Value {
    times.iter().min().map_or(Value::Null, |time| Value::String(time.to_string()))
}

fn latest(times: &[Timestamp]) -> Value {
    times.iter().max().map_or(Value::Null, |time| Value::String(time.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(cluster: &str, status: Value) -> AggregatedStatusItem {
        AggregatedStatusItem { cluster_name: cluster.to_owned(), status: Some(status), ..Default::default() }
    }

    #[test]
    fn fails_when_it_failed_in_any_member() {
        let job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"}});
        let failed = json!({"conditions": [{"type": "Failed", "status": "True"}], "failed": 1});
        let items = [item("b", failed.clone()), item("a", failed), item("c", json!({"succeeded": 1}))];
        let answer = aggregate(&job, &items, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(answer["status"]["failed"], 2);
        assert_eq!(
            answer["status"]["conditions"][0]["message"],
            "Job executed failed in member clusters b,a"
        );
        assert_eq!(answer["status"]["conditions"][0]["lastProbeTime"], "1970-01-01T00:00:00Z");
    }

    #[test]
    fn leaves_a_finished_job_as_it_is() {
        let job = json!({"apiVersion": "batch/v1", "kind": "Job", "status": {
            "conditions": [{"type": "Complete", "status": "True"}], "succeeded": 1,
        }});
        let items = [item("a", json!({"succeeded": 9}))];
        assert_eq!(aggregate(&job, &items, Timestamp::UNIX_EPOCH).unwrap(), job);
    }
}
