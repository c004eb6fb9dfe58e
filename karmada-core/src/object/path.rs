//! Access to nested fields of an unstructured object.

use serde_json::{Map, Value};

/// Why a nested field could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path} is of the type {actual}, expected {expected}")]
pub struct PathError {
    /// The field, as `.spec.replicas`.
    pub path: String,
    /// What it should be.
    pub expected: &'static str,
    /// What it is.
    pub actual: &'static str,
}

/// Returns the value at a path; none when a part of the path is absent.
///
/// # Errors
/// When something on the way is neither absent, null nor a map.
pub fn nested<'a>(object: &'a Value, path: &[&str]) -> Result<Option<&'a Value>, PathError> {
    let mut value = object;
    for (depth, field) in path.iter().enumerate() {
        match value {
            Value::Object(map) => match map.get(*field) {
                Some(next) => value = next,
                None => return Ok(None),
            },
            Value::Null => return Ok(None),
            other => return Err(wrong_type(&path[..depth], "map", other)),
        }
    }
    Ok(Some(value))
}

/// Returns the text at a path.
pub fn nested_str<'a>(object: &'a Value, path: &[&str]) -> Result<Option<&'a str>, PathError> {
    typed(object, path, "string", Value::as_str)
}

/// Returns the integer at a path.
pub fn nested_i64(object: &Value, path: &[&str]) -> Result<Option<i64>, PathError> {
    typed(object, path, "integer", Value::as_i64)
}

/// Returns the map at a path.
pub fn nested_map<'a>(object: &'a Value, path: &[&str]) -> Result<Option<&'a Map<String, Value>>, PathError> {
    typed(object, path, "map", Value::as_object)
}

/// Returns the list at a path.
pub fn nested_list<'a>(object: &'a Value, path: &[&str]) -> Result<Option<&'a Vec<Value>>, PathError> {
    typed(object, path, "list", Value::as_array)
}

/// Writes a value at a path, making the maps on the way.
///
/// # Errors
/// When something on the way is neither absent, null nor a map.
pub fn set_nested(object: &mut Value, path: &[&str], value: Value) -> Result<(), PathError> {
    let mut target = object;
    for (depth, field) in path.iter().enumerate() {
        if target.is_null() {
            *target = Value::Object(Map::new());
        }
        let Value::Object(map) = target else {
            return Err(wrong_type(&path[..depth], "map", target));
        };
        target = map.entry(*field).or_insert(Value::Null);
    }
    *target = value;
    Ok(())
}

/// Removes the value at a path and returns it.
pub fn remove_nested(object: &mut Value, path: &[&str]) -> Option<Value> {
    let (last, parents) = path.split_last()?;
    let mut target = object;
    for field in parents {
        target = target.get_mut(*field)?;
    }
    target.as_object_mut()?.remove(*last)
}

fn typed<'a, T>(
    object: &'a Value,
    path: &[&str],
    expected: &'static str,
    convert: impl Fn(&'a Value) -> Option<T>,
) -> Result<Option<T>, PathError> {
    match nested(object, path)? {
        None | Some(Value::Null) => Ok(None),
        Some(value) => convert(value).map(Some).ok_or_else(|| wrong_type(path, expected, value)),
    }
}

fn wrong_type(path: &[&str], expected: &'static str, value: &Value) -> PathError {
    let actual = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "map",
    };
    PathError { path: path.iter().flat_map(|field| [".", field]).collect(), expected, actual }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn absent_fields_are_none_and_wrong_types_are_errors() {
        let object = json!({"spec": {"replicas": 3, "name": "x", "none": null}});
        assert_eq!(nested_i64(&object, &["spec", "replicas"]), Ok(Some(3)));
        assert_eq!(nested_i64(&object, &["spec", "none"]), Ok(None));
        assert_eq!(nested_i64(&object, &["status", "replicas"]), Ok(None));
        let error = nested_i64(&object, &["spec", "name"]).unwrap_err();
        assert_eq!(error.to_string(), ".spec.name is of the type string, expected integer");
        assert!(nested_str(&object, &["spec", "name", "deep"]).is_err());
    }

    #[test]
    fn writing_makes_the_maps_on_the_way() {
        let mut object = json!({"spec": null});
        set_nested(&mut object, &["spec", "a", "b"], json!(1)).unwrap();
        assert_eq!(object, json!({"spec": {"a": {"b": 1}}}));
        assert!(set_nested(&mut object, &["spec", "a", "b", "c"], json!(1)).is_err());
        assert_eq!(remove_nested(&mut object, &["spec", "a", "b"]), Some(json!(1)));
    }
}
