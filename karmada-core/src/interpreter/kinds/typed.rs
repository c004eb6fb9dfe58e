//! Objects and statuses read as their types.

use serde_json::Value;

use super::super::{InterpretError, fields};
use crate::api::reserved::TEMPLATE_GENERATION_ANNOTATION;
use crate::api::work::AggregatedStatusItem;
use crate::native;

/// Returns an object or a part of one as its type writes it.
pub(super) fn read(type_name: &str, value: &Value) -> Result<Value, InterpretError> {
    native::convert(type_name, value)
        .map_err(|source| InterpretError::Convert { kind: type_name.to_owned(), source })
}

/// Returns the statuses that members have reported, read as their type.
pub(super) fn statuses<'a>(
    type_name: &str,
    items: &'a [AggregatedStatusItem],
) -> Result<Vec<(&'a AggregatedStatusItem, Value)>, InterpretError> {
    items
        .iter()
        .filter_map(|item| Some((item, item.status.as_ref()?)))
        .map(|(item, status)| Ok((item, read(type_name, status)?)))
        .collect()
}

/// Returns the status of an object that has one.
pub(super) fn reported_status(object: &Value) -> Result<Option<&Value>, InterpretError> {
    fields::map(object, &["status"])?;
    Ok(object.get("status"))
}

/// Returns a number of a value that was read as its type; zero when it is absent.
pub(super) fn number(value: &Value, field: &str) -> i64 {
    value.get(field).and_then(Value::as_i64).unwrap_or_default()
}

/// Returns a text of a value that was read as its type; empty when it is absent.
pub(super) fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// Returns the object's generation, zero when it has none.
pub(super) fn generation(object: &Value) -> i64 {
    object.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or_default()
}

/// Returns the generation of the template that a member's object was made from.
pub(super) fn template_generation(object: &Value) -> Result<i64, InterpretError> {
    let annotation =
        object.pointer("/metadata/annotations").and_then(|all| all.get(TEMPLATE_GENERATION_ANNOTATION));
    let text = annotation.and_then(Value::as_str).unwrap_or_default();
    text.parse().map_err(|source| InterpretError::TemplateGeneration { text: text.to_owned(), source })
}

/// Returns the typed object with another status, given as fields that are set or removed.
pub(super) fn with_status(type_name: &str, object: &Value, status: Value) -> Result<Value, InterpretError> {
    let mut object = object.clone();
    if let Value::Object(members) = &mut object {
        members.insert("status".to_owned(), status);
    }
    let mut typed = read(type_name, &object)?;
    // Kind and version are part of the type for everyone but the table.
    for field in ["apiVersion", "kind"] {
        if let Some(value) = object.get(field) {
            typed[field] = value.clone();
        }
    }
    Ok(typed)
}
