//! Access to nested fields of an object where null counts as a value of the wrong type.
//!
//! The functions of [`crate::object`] take null for absent; the rules of kinds do not.

use serde_json::{Map, Value};

use crate::object::{PathError, nested};

/// Returns the integer at a path.
pub(super) fn integer(object: &Value, path: &[&str]) -> Result<Option<i64>, PathError> {
    read(object, path, "integer", Value::as_i64)
}

/// Returns the text at a path.
pub(super) fn text<'a>(object: &'a Value, path: &[&str]) -> Result<Option<&'a str>, PathError> {
    read(object, path, "string", Value::as_str)
}

/// Returns the map at a path.
pub(super) fn map<'a>(object: &'a Value, path: &[&str]) -> Result<Option<&'a Map<String, Value>>, PathError> {
    read(object, path, "map", Value::as_object)
}

/// Returns the map at a path, all of whose values must be texts.
pub(super) fn text_map<'a>(
    object: &'a Value,
    path: &[&str],
) -> Result<Option<&'a Map<String, Value>>, PathError> {
    let found = map(object, path)?;
    match found.and_then(|map| map.values().find(|value| !value.is_string())) {
        Some(value) => Err(mismatch(path, value, "string")),
        None => Ok(found),
    }
}

/// Returns the list at a path.
pub(super) fn list<'a>(object: &'a Value, path: &[&str]) -> Result<Option<&'a Vec<Value>>, PathError> {
    read(object, path, "list", Value::as_array)
}

fn read<'a, T>(
    object: &'a Value,
    path: &[&str],
    expected: &'static str,
    convert: impl Fn(&'a Value) -> Option<T>,
) -> Result<Option<T>, PathError> {
    let Some(value) = nested(object, path)? else { return Ok(None) };
    convert(value).map(Some).ok_or_else(|| mismatch(path, value, expected))
}

fn mismatch(path: &[&str], found: &Value, expected: &'static str) -> PathError {
    let actual = match found {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "map",
    };
    PathError { path: format!(".{}", path.join(".")), expected, actual }
}
