//! Short ways into JSON objects.

use serde_json::{Map, Value};

use super::super::field_error::FieldError;

/// Sets a member that is absent. Members that are not in an object stay away.
pub(super) fn default(object: &mut Value, key: &str, value: impl Into<Value>) {
    if let Some(map) = object.as_object_mut()
        && map.get(key).is_none_or(Value::is_null)
    {
        map.insert(key.to_owned(), value.into());
    }
}

/// Returns a member as an object, made when absent. `None` when something else stands there.
pub(super) fn child<'a>(object: &'a mut Value, key: &str) -> Option<&'a mut Value> {
    let map = object.as_object_mut()?;
    let value = map.entry(key).or_insert_with(|| Value::Object(Map::new()));
    if value.is_null() {
        *value = Value::Object(Map::new());
    }
    value.is_object().then_some(value)
}

/// Returns the items of a list member.
pub(super) fn items_mut<'a>(object: &'a mut Value, key: &str) -> std::slice::IterMut<'a, Value> {
    match object.get_mut(key).and_then(Value::as_array_mut) {
        Some(items) => items.iter_mut(),
        None => [].iter_mut(),
    }
}

/// Returns the items of a list member.
pub(super) fn items<'a>(object: &'a Value, key: &str) -> &'a [Value] {
    object.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Returns the text of a member, empty when absent.
pub(super) fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Whether a member is `true`.
pub(super) fn flag(object: &Value, key: &str) -> bool {
    object.get(key).and_then(Value::as_bool).unwrap_or_default()
}

/// Whether a member is set to something.
pub(super) fn has(object: &Value, key: &str) -> bool {
    object.get(key).is_some_and(|value| !value.is_null())
}

/// Removes a member.
pub(super) fn remove(object: &mut Value, key: &str) {
    if let Some(map) = object.as_object_mut() {
        map.remove(key);
    }
}

/// Removes several members.
pub(super) fn remove_all(object: &mut Value, keys: &[&str]) {
    for key in keys {
        remove(object, key);
    }
}

/// Reports a number below zero.
pub(super) fn check_not_negative(object: &Value, key: &str, path: &str, errors: &mut Vec<FieldError>) {
    if let Some(value) = object.get(key)
        && value.as_i64().is_some_and(|number| number < 0)
    {
        errors.push(FieldError::invalid(
            format!("{path}.{key}"),
            value,
            "must be greater than or equal to 0",
        ));
    }
}

/// Reports text that is set and not one of the supported.
pub(super) fn check_choice(
    object: &Value,
    key: &str,
    path: &str,
    supported: &[&str],
    errors: &mut Vec<FieldError>,
) {
    if let Some(value) = object.get(key)
        && let Some(found) = value.as_str()
        && !supported.contains(&found)
    {
        let field = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        errors.push(FieldError::not_supported(field, value, supported));
    }
}

/// Reports text that is absent or empty.
pub(super) fn check_required(
    object: &Value,
    key: &str,
    path: &str,
    detail: &str,
    errors: &mut Vec<FieldError>,
) {
    if text(object, key).is_empty() {
        let field = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        errors.push(FieldError::required(field, detail));
    }
}

/// Reports a change of a member.
pub(super) fn check_immutable(new: &Value, old: &Value, key: &str, path: &str, errors: &mut Vec<FieldError>) {
    let none = Value::Null;
    let (new, old) = (new.get(key).unwrap_or(&none), old.get(key).unwrap_or(&none));
    if new != old {
        let field = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        errors.push(FieldError::invalid(field, new, "field is immutable"));
    }
}

/// Reports a port number out of range.
pub(super) fn check_port(value: &Value, path: &str, errors: &mut Vec<FieldError>) {
    if let Some(port) = value.as_i64()
        && !(1..=65535).contains(&port)
    {
        errors.push(FieldError::invalid(path, value, "must be between 1 and 65535, inclusive"));
    }
}
