//! Access to nested fields of unstructured objects, with errors for values of the wrong type.

use serde_json::{Map, Value};

use super::FieldError;

/// Returns the value at a path, or `None` when it or something on the way is missing.
pub(super) fn nested<'a>(object: &'a Value, path: &[&str]) -> Result<Option<&'a Value>, FieldError> {
    let mut current = object;
    for name in path {
        current = match current {
            Value::Object(members) => match members.get(*name) {
                Some(next) => next,
                None => return Ok(None),
            },
            Value::Null => return Ok(None),
            other => return Err(mismatch(path, other, "an object")),
        };
    }
    Ok(Some(current))
}

/// Returns the integer at a path.
pub(super) fn integer(object: &Value, path: &[&str]) -> Result<Option<i64>, FieldError> {
    read(object, path, "an integer", Value::as_i64)
}

/// Returns the text at a path.
pub(super) fn text<'a>(object: &'a Value, path: &[&str]) -> Result<Option<&'a str>, FieldError> {
    read(object, path, "a string", Value::as_str)
}

/// Returns the boolean at a path.
pub(super) fn boolean(object: &Value, path: &[&str]) -> Result<Option<bool>, FieldError> {
    read(object, path, "a boolean", Value::as_bool)
}

/// Returns the map at a path.
pub(super) fn map<'a>(object: &'a Value, path: &[&str]) -> Result<Option<&'a Map<String, Value>>, FieldError> {
    read(object, path, "an object", Value::as_object)
}

/// Returns the map at a path, all of whose values are texts.
pub(super) fn text_map<'a>(object: &'a Value, path: &[&str]) -> Result<Option<&'a Map<String, Value>>, FieldError> {
    let found = map(object, path)?;
    match found.and_then(|map| map.values().find(|value| !value.is_string())) {
        Some(value) => Err(mismatch(path, value, "a string")),
        None => Ok(found),
    }
}

/// Returns the list at a path.
pub(super) fn list<'a>(object: &'a Value, path: &[&str]) -> Result<Option<&'a Vec<Value>>, FieldError> {
    read(object, path, "a list", Value::as_array)
}

/// Sets the value at a path, making objects on the way.
pub(super) fn set(object: &mut Value, path: &[&str], value: Value) -> Result<(), FieldError> {
    let (last, parents) = path.split_last().expect("a path has a last name");
    let mut current = object;
    for name in parents {
        let Value::Object(members) = current else { return Err(mismatch(path, current, "an object")) };
        let next = members.entry((*name).to_owned()).or_insert(Value::Null);
        if next.is_null() {
            *next = Value::Object(Map::new());
        }
        current = next;
    }
    match current {
        Value::Object(members) => {
            members.insert((*last).to_owned(), value);
            Ok(())
        }
        other => Err(mismatch(path, other, "an object")),
    }
}

fn read<'a, T>(
    object: &'a Value,
    path: &[&str],
    expected: &'static str,
    convert: impl Fn(&'a Value) -> Option<T>,
) -> Result<Option<T>, FieldError> {
    let Some(value) = nested(object, path)? else { return Ok(None) };
    convert(value).map(Some).ok_or_else(|| mismatch(path, value, expected))
}

fn mismatch(path: &[&str], found: &Value, expected: &'static str) -> FieldError {
    let found = match found {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a fraction",
        Value::Number(_) => "an integer",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    FieldError { path: format!(".{}", path.join(".")), found, expected }
}
