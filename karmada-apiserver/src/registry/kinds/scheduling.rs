//! Priority classes.

use serde_json::{Value, json};

use super::super::field_error::FieldError;
use super::super::names;
use super::affinity_checks::validate_tolerations;
use super::fields::{check_choice, check_immutable, check_required, default, has, text};

const HIGHEST_USER_PRIORITY: i64 = 1_000_000_000;

pub(super) fn default_priority_class(object: &mut Value) {
    default(object, "preemptionPolicy", "PreemptLowerPriority");
}

/// Returns what is wrong with a priority class.
pub(super) fn validate_priority_class(object: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let name = text(&object["metadata"], "name");
    if name.starts_with("system-") {
        let known = [("system-cluster-critical", 2_000_000_000), ("system-node-critical", 2_000_001_000)];
        if !known.iter().any(|(known, value)| *known == name && object["value"] == json!(value)) {
            errors.push(FieldError::forbidden(
                "metadata.name",
                "priority class names with 'system-' prefix are reserved for system use only. error: only system \
                 priority classes can have the prefix",
            ));
        }
    } else if object["value"].as_i64().is_some_and(|value| value > HIGHEST_USER_PRIORITY) {
        errors.push(FieldError::forbidden(
            "value",
            format!("maximum allowed value of a user defined priority is {HIGHEST_USER_PRIORITY}"),
        ));
    }
    if has(object, "preemptionPolicy") && text(object, "preemptionPolicy").is_empty() {
        errors.push(FieldError::required("preemptionPolicy", ""));
    } else {
        check_choice(object, "preemptionPolicy", "", &["PreemptLowerPriority", "Never"], &mut errors);
    }
    if let Some(old) = old {
        if object["value"] != old["value"] {
            errors.push(FieldError::forbidden("value", "may not be changed in an update."));
        }
        check_immutable(object, old, "preemptionPolicy", "", &mut errors);
    }
    errors
}

/// Returns what is wrong with a runtime class.
pub(super) fn validate_runtime_class(object: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let handler = text(object, "handler");
    check_required(object, "handler", "", "", &mut errors);
    if !handler.is_empty() {
        errors.extend(names::invalid_each("handler", handler, names::label(handler)));
    }
    let scheduling = &object["scheduling"];
    errors.extend(names::check_labels(scheduling.get("nodeSelector"), "scheduling.nodeSelector"));
    validate_tolerations(scheduling, "scheduling", &mut errors);
    if let Some(old) = old
        && handler != text(old, "handler")
    {
        errors.push(FieldError::invalid("handler", &Value::from(handler), "field is immutable"));
    }
    errors
}
