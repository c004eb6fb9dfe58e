//! Metadata of cluster-scoped objects, as an aggregated API server checks it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    FieldError,
    override_policy::{validate_annotations, validate_labels},
};

/// Checks the metadata of a cluster-scoped object.
pub(super) fn validate_metadata(
    metadata: &Value,
    name_messages: impl Fn(&str) -> Vec<String>,
    errors: &mut Vec<FieldError>,
) {
    let text = |field: &str| metadata[field].as_str().unwrap_or_default();
    if text("name").is_empty() {
        if text("generateName").is_empty() {
            errors.push(FieldError::required("metadata.name", "name or generateName is required"));
        }
    } else {
        let messages = name_messages(text("name")).into_iter();
        errors.extend(messages.map(|message| FieldError::invalid("metadata.name", text("name"), message)));
    }
    if !text("namespace").is_empty() {
        errors.push(FieldError::forbidden("metadata.namespace", "not allowed on this type"));
    }
    validate_maps(metadata, errors);
}

/// Checks that an update keeps what cannot change.
pub(super) fn validate_metadata_update(metadata: &Value, old: &Value, errors: &mut Vec<FieldError>) {
    if metadata["resourceVersion"].as_str().unwrap_or_default().is_empty() {
        errors.push(FieldError::invalid("metadata.resourceVersion", "", "must be specified for an update"));
    }
    let immutable = |field: &str, errors: &mut Vec<FieldError>| {
        let text = |metadata: &Value| metadata[field].as_str().unwrap_or_default().to_owned();
        if text(metadata) != text(old) {
            let value = if text(metadata).is_empty() && field.ends_with("Timestamp") {
                FieldError::invalid_value(format!("metadata.{field}"), &Value::Null, "field is immutable")
            } else {
                FieldError::invalid(format!("metadata.{field}"), &text(metadata), "field is immutable")
            };
            errors.push(value);
        }
    };
    immutable("name", errors);
    immutable("namespace", errors);
    // What the client leaves out is taken from the stored object.
    if !metadata["uid"].as_str().unwrap_or_default().is_empty() {
        immutable("uid", errors);
    }
    if !metadata["creationTimestamp"].is_null() {
        immutable("creationTimestamp", errors);
    }
    if !metadata["deletionTimestamp"].is_null() {
        immutable("deletionTimestamp", errors);
    }
    validate_maps(metadata, errors);
}

fn validate_maps(metadata: &Value, errors: &mut Vec<FieldError>) {
    let map = |field: &str| -> BTreeMap<String, String> {
        let entries = metadata[field].as_object().into_iter().flatten();
        entries.map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
    };
    validate_labels(&map("labels"), "metadata.labels", errors);
    validate_annotations(&map("annotations"), "metadata.annotations", errors);
}
