//! Validation of what controllers write into the status of a Job.
//!
//! The rules and their wording were observed on kube-apiserver 1.36: see the table of the tests.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::field_error::FieldError;
use super::fields::{check_not_negative, flag, items, text};

/// Counters that may not be negative, in the order in which the real server looks at them.
const COUNTERS: [&str; 5] = ["active", "succeeded", "failed", "ready", "terminating"];
/// Conditions that stay once they hold.
const TERMINAL: [&str; 3] = ["Complete", "Failed", "FailureTarget"];

/// Returns what is wrong with a change of the status; what was wrong before may stay so.
pub(super) fn validate(new: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = counters(&new["status"]);
    let before = invariants(old);
    errors.extend(invariants(new).into_iter().filter(|error| !before.contains(error)));
    changes(new, old, &mut errors);
    errors
}

fn holds(status: &Value, condition: &str) -> bool {
    items(status, "conditions").iter().any(|c| text(c, "type") == condition && text(c, "status") == "True")
}

fn is_finished(status: &Value) -> bool {
    holds(status, "Complete") || holds(status, "Failed")
}

fn number(status: &Value, field: &str) -> i64 {
    status[field].as_i64().unwrap_or_default()
}

fn counters(status: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for field in COUNTERS {
        check_not_negative(status, field, "status", &mut errors);
    }
    errors
}

/// What a status must be like, whatever it was before.
fn invariants(job: &Value) -> Vec<FieldError> {
    let status = &job["status"];
    let mut errors = Vec::new();
    uncounted(status, &mut errors);
    let conditions = |detail: String| FieldError::invalid_state("status.conditions", detail);
    for [a, b] in [["Complete", "Failed"], ["Complete", "FailureTarget"]] {
        if holds(status, a) && holds(status, b) {
            errors.push(conditions(exclusive(a, b)));
        }
    }
    let completion = &status["completionTime"];
    match (completion.as_str(), holds(status, "Complete")) {
        (None, true) => {
            errors.push(FieldError::required(
                "status.completionTime",
                "completionTime is required for Complete jobs",
            ));
        }
        (Some(_), false) => errors.push(FieldError::invalid(
            "status.completionTime",
            completion,
            "cannot set completionTime when there is no Complete=True condition",
        )),
        // Both are UTC with whole seconds, so their texts compare like the times.
        (Some(end), true) if status["startTime"].as_str().is_some_and(|start| end < start) => {
            errors.push(FieldError::invalid(
                "status.completionTime",
                completion,
                "must be equal to or after `startTime`",
            ));
        }
        _ => {}
    }
    for (end, reason, shown) in [
        ("Failed", "FailureTarget", "FailureTarget"),
        ("Complete", "SuccessCriteriaMet", "SuccessCriteriaMet"),
    ] {
        if holds(status, end) && !holds(status, reason) {
            errors.push(conditions(format!(
                "cannot set {end}=True condition without the {shown}=true condition"
            )));
        }
    }
    for [a, b] in [["SuccessCriteriaMet", "Failed"], ["SuccessCriteriaMet", "FailureTarget"]] {
        if holds(status, a) && holds(status, b) {
            errors.push(conditions(exclusive(a, b)));
        }
    }
    if is_finished(status) {
        finished(status, &mut errors);
    }
    if status["ready"].as_i64().is_some_and(|ready| ready > number(status, "active").max(0)) {
        let detail = "cannot set more ready pods than active";
        errors.push(FieldError::invalid("status.ready", &status["ready"], detail));
    }
    indexes(job, &mut errors);
    errors
}

fn exclusive(a: &str, b: &str) -> String {
    format!("cannot set {a}=True and {b}=true conditions")
}

fn finished(status: &Value, errors: &mut Vec<FieldError>) {
    if status["startTime"].as_str().is_none() {
        errors.push(FieldError::required("status.startTime", "startTime is required for finished job"));
    }
    let pods = &status["uncountedTerminatedPods"];
    if ["succeeded", "failed"].iter().any(|list| !items(pods, list).is_empty()) {
        // The real server shows its own structure.
        let shown = json!({"Succeeded": pods["succeeded"], "Failed": pods["failed"]});
        errors.push(FieldError::invalid(
            "status.uncountedTerminatedPods",
            &shown,
            "must be empty for finished job",
        ));
    }
    for field in ["active", "terminating"] {
        if number(status, field) > 0 {
            let detail = format!("{field}>0 is invalid for finished job");
            errors.push(FieldError::invalid(format!("status.{field}"), &status[field], detail));
        }
    }
}

fn uncounted(status: &Value, errors: &mut Vec<FieldError>) {
    let mut seen = BTreeSet::new();
    for list in ["succeeded", "failed"] {
        for (index, uid) in items(&status["uncountedTerminatedPods"], list).iter().enumerate() {
            let field = format!("status.uncountedTerminatedPods.{list}[{index}]");
            match uid.as_str().unwrap_or_default() {
                "" => errors.push(FieldError::invalid(field, uid, "must not be empty")),
                text if !seen.insert(text) => errors.push(FieldError::duplicate(field, uid)),
                _ => {}
            }
        }
    }
}

fn indexes(job: &Value, errors: &mut Vec<FieldError>) {
    let (spec, status) = (&job["spec"], &job["status"]);
    let (completed, failed) = (&status["completedIndexes"], &status["failedIndexes"]);
    let completions = spec["completions"].as_u64().unwrap_or_default();
    let is_indexed = text(spec, "completionMode") == "Indexed";
    let mut read = |field: &str, value: &Value| {
        let text = value.as_str().unwrap_or_default();
        parse_indexes(text, completions).unwrap_or_else(|problem| {
            let detail = format!("error parsing {field}: {problem}");
            errors.push(FieldError::invalid(format!("status.{field}"), value, detail));
            Vec::new()
        })
    };
    let mut ranges = [Vec::new(), Vec::new()];
    if is_indexed {
        ranges[0] = read("completedIndexes", completed);
        if !spec["backoffLimitPerIndex"].is_null() {
            ranges[1] = read("failedIndexes", failed);
        }
    }
    if !is_indexed && completed.as_str().is_some_and(|text| !text.is_empty()) {
        let detail = "cannot set non-empty completedIndexes when non-indexed completion mode";
        errors.push(FieldError::invalid("status.completedIndexes", completed, detail));
    }
    if failed.is_string() && spec["backoffLimitPerIndex"].is_null() {
        let detail = "cannot set non-null failedIndexes when backoffLimitPerIndex is null";
        errors.push(FieldError::invalid("status.failedIndexes", failed, detail));
    }
    let [completed_ranges, failed_ranges] = ranges;
    let overlaps = completed_ranges
        .iter()
        .flat_map(|a| failed_ranges.iter().map(move |b| (a.0.max(b.0), a.1.min(b.1))))
        .filter(|(first, last)| first <= last);
    if let Some((first, _)) = overlaps.min() {
        let detail = format!("failedIndexes and completedIndexes overlap at index: {first}");
        errors.push(FieldError::invalid("status.failedIndexes", failed, detail));
    }
}

/// Reads ascending indexes and ranges such as `1,3-5`; first and last of each.
fn parse_indexes(text: &str, completions: u64) -> Result<Vec<(u64, u64)>, String> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let number = |text: &str| {
        let index: u64 =
            text.parse().map_err(|_| format!("cannot convert string to integer for index: {text:?}"))?;
        if index >= completions { Err(format!("too large index: {text:?}")) } else { Ok(index) }
    };
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for part in text.split(',') {
        let (first, last) = match part.split_once('-') {
            Some((first, last)) => (number(first)?, number(last)?),
            None => (number(part)?, number(part)?),
        };
        if first > last || (part.contains('-') && first == last) {
            return Err(format!("non-increasing order, previous: {first}, current: {last}"));
        }
        if let Some((_, previous)) = ranges.last()
            && *previous >= first
        {
            return Err(format!("non-increasing order, previous: {previous}, current: {first}"));
        }
        ranges.push((first, last));
    }
    Ok(ranges)
}

/// What may not change.
fn changes(new: &Value, old: &Value, errors: &mut Vec<FieldError>) {
    let (status, before) = (&new["status"], &old["status"]);
    for field in ["failed", "succeeded"] {
        if number(status, field) < number(before, field) {
            let detail = format!("cannot decrease the {field} counter");
            let value = Value::from(number(status, field));
            errors.push(FieldError::invalid(format!("status.{field}"), &value, detail));
        }
    }
    for condition in TERMINAL {
        if holds(before, condition) && !holds(status, condition) {
            let detail = format!("cannot disable the terminal {condition}=True condition");
            errors.push(FieldError::invalid_state("status.conditions", detail));
        }
    }
    if holds(before, "SuccessCriteriaMet") && !holds(status, "SuccessCriteriaMet") {
        let detail = "cannot disable the SuccessCriteriaMet=True condition";
        errors.push(FieldError::invalid_state("status.conditions", detail));
    }
    let changed = |field: &str| before[field].is_string() && before[field] != status[field];
    if changed("startTime") && !flag(&new["spec"], "suspend") {
        let detail = "field is immutable for unsuspended job once set";
        errors.push(FieldError::invalid("status.startTime", &status["startTime"], detail));
    }
    if changed("completionTime") && holds(before, "Complete") && holds(status, "Complete") {
        let value = &status["completionTime"];
        errors.push(FieldError::invalid("status.completionTime", value, "field is immutable"));
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    const T: &str = "2024-01-01T00:00:00Z";
    const T2: &str = "2024-01-02T00:00:00Z";

    fn on(conditions: &[&str]) -> Value {
        conditions.iter().map(|name| json!({"type": name, "status": "True"})).collect()
    }

    fn job(spec: &Value, status: &Value) -> Value {
        let mut job = json!({"spec": {"completions": 2, "suspend": false}, "status": status});
        for (key, value) in spec.as_object().unwrap() {
            job["spec"][key] = value.clone();
        }
        job
    }

    fn message(spec: &Value, old: &Value, new: &Value) -> String {
        let errors = validate(&job(spec, new), &job(spec, old));
        if errors.is_empty() {
            return String::new();
        }
        let message = FieldError::status_message("Job.batch", "j", &errors);
        message.strip_prefix("Job.batch \"j\" is invalid: ").unwrap().to_owned()
    }

    // Each line was put to a real kube-apiserver 1.36, which answered with this text.
    #[rstest]
    #[case(json!({"conditions": on(&["Failed"])}), "[status.conditions: Invalid value: cannot set Failed=True condition without the FailureTarget=true condition, status.startTime: Required value: startTime is required for finished job]")]
    #[case(json!({"startTime": T, "conditions": on(&["Failed"])}), "status.conditions: Invalid value: cannot set Failed=True condition without the FailureTarget=true condition")]
    #[case(json!({"startTime": T, "conditions": on(&["FailureTarget", "Failed"])}), "")]
    #[case(json!({"startTime": T, "active": 1, "conditions": on(&["FailureTarget", "Failed"])}), "status.active: Invalid value: 1: active>0 is invalid for finished job")]
    #[case(json!({"startTime": T, "terminating": 1, "conditions": on(&["FailureTarget", "Failed"])}), "status.terminating: Invalid value: 1: terminating>0 is invalid for finished job")]
    #[case(json!({"startTime": T, "completionTime": T2, "conditions": on(&["FailureTarget", "Failed"])}), "status.completionTime: Invalid value: \"2024-01-02T00:00:00Z\": cannot set completionTime when there is no Complete=True condition")]
    #[case(json!({"conditions": on(&["Complete"])}), "[status.completionTime: Required value: completionTime is required for Complete jobs, status.conditions: Invalid value: cannot set Complete=True condition without the SuccessCriteriaMet=true condition, status.startTime: Required value: startTime is required for finished job]")]
    #[case(json!({"startTime": T, "completionTime": T2, "succeeded": 2, "conditions": on(&["SuccessCriteriaMet", "Complete"])}), "")]
    #[case(json!({"startTime": T2, "completionTime": T, "succeeded": 2, "conditions": on(&["SuccessCriteriaMet", "Complete"])}), "status.completionTime: Invalid value: \"2024-01-01T00:00:00Z\": must be equal to or after `startTime`")]
    #[case(json!({"startTime": T, "completionTime": T2, "conditions": on(&["SuccessCriteriaMet", "Complete", "FailureTarget", "Failed"])}), "[status.conditions: Invalid value: cannot set Complete=True and Failed=true conditions, status.conditions: Invalid value: cannot set Complete=True and FailureTarget=true conditions, status.conditions: Invalid value: cannot set SuccessCriteriaMet=True and Failed=true conditions, status.conditions: Invalid value: cannot set SuccessCriteriaMet=True and FailureTarget=true conditions]")]
    #[case(json!({"startTime": T, "active": 1, "ready": 2}), "status.ready: Invalid value: 2: cannot set more ready pods than active")]
    #[case(json!({"active": -1, "ready": -1, "succeeded": -1, "failed": -1, "terminating": -1}), "[status.active: Invalid value: -1: must be greater than or equal to 0, status.succeeded: Invalid value: -1: must be greater than or equal to 0, status.failed: Invalid value: -1: must be greater than or equal to 0, status.ready: Invalid value: -1: must be greater than or equal to 0, status.terminating: Invalid value: -1: must be greater than or equal to 0, status.failed: Invalid value: -1: cannot decrease the failed counter, status.succeeded: Invalid value: -1: cannot decrease the succeeded counter]")]
    #[case(json!({"startTime": T, "completedIndexes": "0"}), "status.completedIndexes: Invalid value: \"0\": cannot set non-empty completedIndexes when non-indexed completion mode")]
    #[case(json!({"startTime": T, "uncountedTerminatedPods": {"failed": ["a"], "succeeded": ["a"]}}), "status.uncountedTerminatedPods.failed[0]: Duplicate value: \"a\"")]
    #[case(json!({"startTime": T, "uncountedTerminatedPods": {"failed": [""]}}), "status.uncountedTerminatedPods.failed[0]: Invalid value: \"\": must not be empty")]
    fn a_new_status_is_refused_as_by_the_real_server(#[case] status: Value, #[case] expected: &str) {
        assert_eq!(message(&json!({}), &json!({}), &status), expected);
    }

    #[rstest]
    #[case(json!({}), "0-", "status.completedIndexes: Invalid value: \"0-\": error parsing completedIndexes: cannot convert string to integer for index: \"\"")]
    #[case(json!({}), "0,5", "status.completedIndexes: Invalid value: \"0,5\": error parsing completedIndexes: too large index: \"5\"")]
    #[case(json!({"backoffLimitPerIndex": 1, "failed": "0"}), "0", "status.failedIndexes: Invalid value: \"0\": failedIndexes and completedIndexes overlap at index: 0")]
    #[case(json!({"failed": "0"}), "", "status.failedIndexes: Invalid value: \"0\": cannot set non-null failedIndexes when backoffLimitPerIndex is null")]
    #[case(json!({"backoffLimitPerIndex": 1, "failed": "0"}), "1", "")]
    fn indexes_of_an_indexed_job_are_read(
        #[case] mut spec: Value,
        #[case] completed: &str,
        #[case] expected: &str,
    ) {
        let failed = spec["failed"].take();
        spec["completionMode"] = "Indexed".into();
        let mut status = json!({"startTime": T, "completedIndexes": completed});
        if failed.is_string() {
            status["failedIndexes"] = failed;
        }
        assert_eq!(message(&spec, &json!({}), &status), expected);
    }

    #[rstest]
    #[case(json!({"startTime": T}), json!({"startTime": T2}), "status.startTime: Invalid value: \"2024-01-02T00:00:00Z\": field is immutable for unsuspended job once set")]
    #[case(json!({"startTime": T}), json!({}), "status.startTime: Invalid value: null: field is immutable for unsuspended job once set")]
    #[case(json!({"failed": 2, "succeeded": 1}), json!({"failed": 1, "succeeded": 0}), "[status.failed: Invalid value: 1: cannot decrease the failed counter, status.succeeded: Invalid value: 0: cannot decrease the succeeded counter]")]
    #[case(json!({"startTime": T, "conditions": on(&["FailureTarget", "Failed"])}), json!({"startTime": T, "conditions": []}), "[status.conditions: Invalid value: cannot disable the terminal Failed=True condition, status.conditions: Invalid value: cannot disable the terminal FailureTarget=True condition]")]
    #[case(json!({"startTime": T, "conditions": on(&["SuccessCriteriaMet"])}), json!({"startTime": T}), "status.conditions: Invalid value: cannot disable the SuccessCriteriaMet=True condition")]
    #[case(json!({"startTime": T, "completionTime": T, "conditions": on(&["SuccessCriteriaMet", "Complete"])}), json!({"startTime": T, "completionTime": T2, "conditions": on(&["SuccessCriteriaMet", "Complete"])}), "status.completionTime: Invalid value: \"2024-01-02T00:00:00Z\": field is immutable")]
    #[case(json!({"startTime": T, "completionTime": T2, "conditions": on(&["SuccessCriteriaMet", "Complete"])}), json!({"startTime": T, "completionTime": T2, "conditions": []}), "[status.completionTime: Invalid value: \"2024-01-02T00:00:00Z\": cannot set completionTime when there is no Complete=True condition, status.conditions: Invalid value: cannot disable the terminal Complete=True condition, status.conditions: Invalid value: cannot disable the SuccessCriteriaMet=True condition]")]
    fn a_change_is_refused_as_by_the_real_server(
        #[case] old: Value,
        #[case] new: Value,
        #[case] expected: &str,
    ) {
        assert_eq!(message(&json!({}), &old, &new), expected);
    }
}
