//! The cells of a row.

use jiff::Timestamp;
use serde_json::Value;

use super::super::resource::{Column, Resource};
use super::json_path::JsonPath;
use super::{age, core, pod, scaler, simple, workload};

/// Returns the cells of an object in the order of the resource's columns.
pub(super) fn row(
    resource: &Resource,
    paths: &[Option<JsonPath>],
    object: &Value,
    now: Timestamp,
) -> Vec<Value> {
    if resource.is_custom() {
        let columns = resource.columns.iter().zip(paths);
        return columns.map(|(column, path)| custom(column, path.as_ref(), object, now)).collect();
    }
    resource.columns.iter().map(|column| built_in(resource, &column.name, object, now)).collect()
}

fn built_in(resource: &Resource, column: &str, object: &Value, now: Timestamp) -> Value {
    match column {
        "Name" => return object["metadata"]["name"].clone(),
        "Age" => return age::since(&object["metadata"]["creationTimestamp"], now).into(),
        "Created At" => return object["metadata"]["creationTimestamp"].clone(),
        _ => {}
    }
    let kind = resource.kind.as_str();
    let specific = match kind {
        "Pod" => pod::cell(column, object, now),
        "Deployment"
        | "ReplicaSet"
        | "StatefulSet"
        | "DaemonSet"
        | "ReplicationController"
        | "Job"
        | "CronJob"
        | "PodTemplate"
        | "ControllerRevision" => workload::cell(kind, column, object, now),
        "HorizontalPodAutoscaler" => scaler::cell(column, object),
        _ => core::cell(kind, column, object, now),
    };
    specific.or_else(|| simple::cell(kind, column, object)).unwrap_or_else(|| Value::from(""))
}

fn custom(column: &Column, path: Option<&JsonPath>, object: &Value, now: Timestamp) -> Value {
    let Some(value) = path.and_then(|path| path.find(object).into_iter().next()) else { return Value::Null };
    match column.column_type.as_str() {
        _ if value.is_null() => Value::Null,
        "string" => match value {
            Value::String(_) => value.clone(),
            other => other.to_string().into(),
        },
        "integer" => match value.as_i64().or_else(|| value.as_f64().map(|number| number as i64)) {
            Some(number) => number.into(),
            None => Value::Null,
        },
        "number" if value.is_number() => value.clone(),
        "boolean" if value.is_boolean() => value.clone(),
        "date" => match (value.as_str(), age::parse(value)) {
            (Some(_), Some(_)) => age::since(value, now).into(),
            (Some(_), None) => "<invalid>".into(),
            (None, _) => Value::Null,
        },
        _ => Value::Null,
    }
}

/// Prints labels or a plain selector as `a=b,c=d`.
pub(super) fn labels(map: Option<&Value>) -> String {
    let pairs: Vec<String> = map
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    none_if_empty(pairs.join(","))
}

/// Prints a label selector.
pub(super) fn selector(selector: Option<&Value>) -> String {
    let Some(selector) = selector.filter(|selector| !selector.is_null()) else { return "<none>".to_owned() };
    let mut parts: Vec<String> = selector
        .get("matchLabels")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    for expression in items(selector, "matchExpressions") {
        let key = text(expression, "key");
        let values: Vec<&str> = items(expression, "values").iter().filter_map(Value::as_str).collect();
        parts.push(match text(expression, "operator") {
            "In" => format!("{key} in ({})", values.join(",")),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            "DoesNotExist" => format!("!{key}"),
            _ => key.to_owned(),
        });
    }
    none_if_empty(parts.join(","))
}

pub(super) fn none_if_empty(text: String) -> String {
    if text.is_empty() { "<none>".to_owned() } else { text }
}

pub(super) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn number(value: &Value, key: &str) -> i64 {
    value.get(key).and_then(Value::as_i64).unwrap_or_default()
}

pub(super) fn items<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}
