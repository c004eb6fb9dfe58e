//! How scripts read, compute and write values.
//!
//! Null and absent are the same: nothing. A field of nothing, of a number or of a boolean cannot be read.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::{Map, Number, Value};

use crate::object::PathError;

static NOTHING: Value = Value::Null;

/// Returns the value at a path, null when there is none.
///
/// # Errors
/// When something before the last field has no fields.
pub(super) fn field<'a>(value: &'a Value, path: &[&str]) -> Result<&'a Value, PathError> {
    let mut value = value;
    for (depth, name) in path.iter().enumerate() {
        value = match value {
            Value::Object(map) => map.get(*name).unwrap_or(&NOTHING),
            // Lists and texts have fields, but none of a name that anyone asks for.
            Value::Array(_) | Value::String(_) => &NOTHING,
            other => return Err(mismatch(&path[..depth], "map", other)),
        };
    }
    Ok(value)
}

/// Returns the value at a path, null when there is none or something on the way is missing.
pub(super) fn guarded<'a>(value: &'a Value, path: &[&str]) -> &'a Value {
    field(value, path).unwrap_or(&NOTHING)
}

/// Returns the text at a path, empty when there is none.
pub(super) fn text<'a>(value: &'a Value, path: &[&str]) -> &'a str {
    guarded(value, path).as_str().unwrap_or_default()
}

/// Returns the elements of a list, none for anything else.
pub(super) fn elements(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Returns the number at a path; a text of digits counts as one.
///
/// # Errors
/// When there is no number.
pub(super) fn number(value: &Value, path: &[&str]) -> Result<f64, PathError> {
    let found = field(value, path)?;
    let number = match found {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => parse_number(text),
        _ => None,
    };
    number.ok_or_else(|| mismatch(path, "number", found))
}

/// Returns the number at a path, or a default when there is nothing.
pub(super) fn number_or(value: &Value, path: &[&str], default: f64) -> Result<f64, PathError> {
    if guarded(value, path).is_null() { Ok(default) } else { number(value, path) }
}

/// Returns the number of a text, as scripts read it: whole, or with a point.
pub(super) fn parse_number(text: &str) -> Option<f64> {
    let text = text.trim_matches([' ', '\n', '\t']);
    if text.contains('.') { text.parse().ok() } else { text.parse::<i64>().ok().map(|whole| whole as f64) }
}

/// Returns the number of a value that is one or a text of one.
pub(super) fn to_number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => parse_number(text),
        _ => None,
    }
}

/// Returns a number as a value: whole ones have no point.
pub(super) fn from_number(number: f64) -> Value {
    const WHOLE: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= WHOLE {
        return Value::from(number as i64);
    }
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

/// Returns a time as statuses have it.
pub(super) fn time_text(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Returns whether two values are equal; numbers are by value.
pub(super) fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        _ => a == b,
    }
}

/// Compares two fields of an object.
///
/// # Errors
/// When they are not two numbers or two texts.
pub(super) fn compare(object: &Value, a: &[&str], b: &[&str]) -> Result<Ordering, PathError> {
    let (left, right) = (field(object, a)?, field(object, b)?);
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => {
            left.as_f64().partial_cmp(&right.as_f64()).ok_or_else(|| mismatch(a, "number", &NOTHING))
        }
        (Value::String(left), Value::String(right)) => Ok(left.cmp(right)),
        (Value::Number(_) | Value::String(_), other) => Err(mismatch(b, "number", other)),
        (other, _) => Err(mismatch(a, "number", other)),
    }
}

/// Writes a value at a path; null removes what is there.
///
/// # Errors
/// When something before the last field is no map.
pub(super) fn assign(object: &mut Value, path: &[&str], value: Value) -> Result<(), PathError> {
    let Some((last, parents)) = path.split_last() else { return Ok(()) };
    let mut target = object;
    for (depth, name) in parents.iter().enumerate() {
        let Value::Object(map) = target else { return Err(mismatch(&path[..depth], "map", target)) };
        target = map.entry(*name).or_insert(Value::Null);
    }
    let target = map_of(target, parents)?;
    if value.is_null() {
        target.remove(*last);
    } else {
        target.insert((*last).to_owned(), value);
    }
    Ok(())
}

/// Returns the status of an object to write to, made when there is none.
pub(super) fn status_of(object: &mut Value) -> Result<&mut Map<String, Value>, PathError> {
    let root = map_of(object, &[])?;
    let status = root.entry("status").or_insert(Value::Null);
    if status.is_null() {
        *status = Value::Object(Map::new());
    }
    map_of(status, &["status"])
}

/// Drops everything but an object's kind, metadata and status.
pub(super) fn keep_identity(object: &mut Value) {
    if let Value::Object(map) = object {
        map.retain(|name, _| ["apiVersion", "kind", "metadata", "status"].contains(&name.as_str()));
    }
}

/// Returns the error for a value of the wrong type.
pub(super) fn mismatch(path: &[&str], expected: &'static str, found: &Value) -> PathError {
    let actual = match found {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "map",
    };
    PathError { path: path.iter().flat_map(|field| [".", field]).collect(), expected, actual }
}

fn map_of<'a>(value: &'a mut Value, path: &[&str]) -> Result<&'a mut Map<String, Value>, PathError> {
    // An empty list and an empty map are the same.
    if matches!(value, Value::Array(elements) if elements.is_empty()) {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(map) => Ok(map),
        other => Err(mismatch(path, "map", other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_fields_of_maps_only() {
        let object = json!({"spec": {"a": "b"}, "n": 1});
        assert_eq!(field(&object, &["spec", "a", "b"]).unwrap(), &Value::Null);
        let error = field(&object, &["status", "phase"]).unwrap_err();
        assert_eq!(error.to_string(), ".status is of the type null, expected map");
        assert!(field(&object, &["n", "x"]).is_err());
        assert_eq!(guarded(&object, &["status", "phase"]), &Value::Null);
    }

    #[test]
    fn counts_texts_of_digits_as_numbers_but_does_not_compare_them() {
        let object = json!({"a": "10", "b": 2, "c": "x"});
        assert_eq!(from_number(number(&object, &["a"]).unwrap()), json!(10));
        assert!(number(&object, &["c"]).is_err());
        assert!(compare(&object, &["a"], &["b"]).is_err());
        assert_eq!(compare(&object, &["a"], &["c"]).unwrap(), Ordering::Less);
        assert_eq!(parse_number("1e3"), None);
        assert_eq!(parse_number(" 1.5 "), Some(1.5));
    }

    #[test]
    fn assigns_into_maps_that_are_there() {
        let mut object = json!({"spec": []});
        assign(&mut object, &["spec", "replicas"], json!(1)).unwrap();
        assert_eq!(object, json!({"spec": {"replicas": 1}}));
        assert!(assign(&mut object, &["status", "a"], json!(1)).is_err());
        assign(&mut object, &["spec", "replicas"], Value::Null).unwrap();
        assert_eq!(object["spec"], json!({}));
    }
}
