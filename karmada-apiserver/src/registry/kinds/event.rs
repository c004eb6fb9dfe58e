//! Validation of events.

use serde_json::{Value, json};

use super::super::field_error::{FieldError, FieldErrorKind};
use super::super::names;
use super::fields::{has, text};

/// Fills in what events of the newer group have from the older one.
pub(super) fn apply_defaults(group: &str, object: &mut Value) {
    if group.is_empty() {
        return;
    }
    for (field, empty) in [
        ("deprecatedFirstTimestamp", Value::Null),
        ("deprecatedLastTimestamp", Value::Null),
        ("deprecatedSource", json!({})),
    ] {
        if let Some(map) = object.as_object_mut() {
            map.entry(field).or_insert(empty);
        }
    }
}

/// Returns what is wrong with an event.
pub(super) fn validate(group: &str, object: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let involved = if group.is_empty() { &object["involvedObject"] } else { &object["regarding"] };
    let (own, other) = (text(&object["metadata"], "namespace"), text(involved, "namespace"));
    // Events about objects of the cluster stand in the default namespace.
    let fits = own == other || (other.is_empty() && matches!(own, "default" | "kube-system"));
    if !fits {
        errors.push(FieldError::invalid(
            "involvedObject.namespace",
            &Value::from(other),
            "does not match event.namespace",
        ));
    }
    if group.is_empty() || old.is_some() {
        return errors;
    }
    let controller = text(object, "reportingController");
    for field in ["eventTime", "reportingInstance", "action", "reason"] {
        if !has(object, field) || text(object, field).is_empty() {
            errors.push(FieldError::required(field, ""));
        }
    }
    if controller.is_empty() {
        errors.push(FieldError::required("reportingController", ""));
    }
    errors.extend(names::invalid_each("reportingController", controller, names::qualified_name(controller)));
    for (field, limit) in [("reportingInstance", 128), ("action", 128), ("reason", 128), ("note", 1024)] {
        if text(object, field).len() > limit {
            let detail = format!("can have at most {limit} characters");
            errors.push(FieldError::invalid(field, &Value::from(""), detail));
        }
    }
    let kind = text(object, "type");
    if !matches!(kind, "Normal" | "Warning") {
        // The real server shows no value here.
        errors.push(FieldError {
            kind: FieldErrorKind::Invalid,
            field: "type".to_owned(),
            message: format!("Invalid value: \"\": has invalid value: {kind}"),
        });
    }
    if let Some(series) = object.get("series") {
        if series["count"].as_i64().unwrap_or_default() < 2 {
            let detail = "should be at least 2";
            errors.push(FieldError::invalid("series.count", &Value::from(""), detail));
        }
        if !has(series, "lastObservedTime") {
            errors.push(FieldError::required("series.lastObservedTime", ""));
        }
    }
    errors
}
