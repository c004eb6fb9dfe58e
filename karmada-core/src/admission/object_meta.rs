//! Metadata, as an API server checks it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    FieldError,
    override_policy::{validate_annotations, validate_labels},
};
use crate::object::validation::dns_1123_label;

/// Where objects of a kind are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// In a namespace.
    Namespaced,
    /// Outside of namespaces; a name may still have to be made.
    Cluster,
}

/// Checks the metadata of an object.
pub(super) fn validate_metadata(
    metadata: &Value,
    scope: Scope,
    name_messages: impl Fn(&str) -> Vec<String>,
    errors: &mut Vec<FieldError>,
) {
    let text = |field: &str| metadata[field].as_str().unwrap_or_default();
    let (name, prefix) = (text("name"), text("generateName"));
    if !prefix.is_empty() {
        let messages = name_messages(&as_name(prefix)).into_iter();
        errors.extend(messages.map(|message| FieldError::invalid("metadata.generateName", prefix, message)));
    }
    if !name.is_empty() {
        let messages = name_messages(name).into_iter();
        errors.extend(messages.map(|message| FieldError::invalid("metadata.name", name, message)));
    } else if scope == Scope::Namespaced || prefix.is_empty() {
        errors.push(FieldError::required("metadata.name", "name or generateName is required"));
    }
    match (scope, text("namespace")) {
        (Scope::Namespaced, "") => errors.push(FieldError::required("metadata.namespace", "")),
        (Scope::Namespaced, namespace) => {
            let messages = dns_1123_label(namespace).into_iter();
            errors.extend(
                messages.map(|message| FieldError::invalid("metadata.namespace", namespace, message)),
            );
        }
        (Scope::Cluster, "") => {}
        (Scope::Cluster, _) => {
            errors.push(FieldError::forbidden("metadata.namespace", "not allowed on this type"));
        }
    }
    validate_maps(metadata, errors);
}

/// Checks that an update keeps what cannot change.
pub(super) fn validate_metadata_update(metadata: &Value, old: &Value, errors: &mut Vec<FieldError>) {
    let text = |metadata: &Value, field: &str| metadata[field].as_str().unwrap_or_default().to_owned();
    if text(metadata, "resourceVersion").is_empty() {
        errors.push(FieldError::invalid("metadata.resourceVersion", "", "must be specified for an update"));
    }
    for field in ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp"] {
        let value = text(metadata, field);
        if value == text(old, field) {
            continue;
        }
        let path = format!("metadata.{field}");
        errors.push(if value.is_empty() && field.ends_with("Timestamp") {
            FieldError::invalid_value(path, &Value::Null, "field is immutable")
        } else {
            FieldError::invalid(path, &value, "field is immutable")
        });
    }
    validate_maps(metadata, errors);
}

/// Returns the shortest name that a prefix can become: only what ends in a dash is completed.
fn as_name(prefix: &str) -> String {
    match prefix.strip_suffix('-') {
        Some("") | None => prefix.to_owned(),
        Some(rest) => {
            let mut characters = rest.chars();
            characters.next_back();
            format!("{}a", characters.as_str())
        }
    }
}

fn validate_maps(metadata: &Value, errors: &mut Vec<FieldError>) {
    let map = |field: &str| -> BTreeMap<String, String> {
        let entries = metadata[field].as_object().into_iter().flatten();
        entries.map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
    };
    validate_labels(&map("labels"), "metadata.labels", errors);
    validate_annotations(&map("annotations"), "metadata.annotations", errors);
}
