//! Conversion of a value to a type and back.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::table::{Field, FieldType, Zero, fields_of};
use crate::object::Quantity;

/// A value does not fit its type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: cannot read {found} as {expected}")]
pub struct TypeError {
    /// Where the value stands, from the root of what was converted.
    pub path: String,
    /// What the type asks for.
    pub expected: &'static str,
    /// What is there.
    pub found: &'static str,
}

/// Returns a value as a type writes it after reading it.
///
/// A type that the table does not have reads anything.
///
/// # Errors
///
/// When a value anywhere inside has the wrong type.
pub fn convert(type_name: &str, value: &Value) -> Result<Value, TypeError> {
    convert_struct(type_name, value).map_err(|mut error| {
        error.path.insert_str(0, type_name);
        error
    })
}

fn convert_struct(type_name: &str, value: &Value) -> Result<Value, TypeError> {
    let Some(fields) = fields_of(type_name) else { return Ok(value.clone()) };
    let empty = Map::new();
    let source = match value {
        Value::Object(source) => source,
        Value::Null => &empty,
        other => return Err(mismatch("an object", other)),
    };
    let mut target = Map::new();
    for (name, field) in fields {
        let present = source.get(name).filter(|value| !value.is_null());
        let converted = match present {
            Some(value) => convert_field(field, value).map_err(|error| inside(error, name))?,
            None => zero_of(field),
        };
        if let Some(converted) = converted {
            target.insert(name.clone(), converted);
        }
    }
    Ok(Value::Object(target))
}

fn convert_field(field: &Field, value: &Value) -> Result<Option<Value>, TypeError> {
    let converted = convert_value(&field.field_type, value)?;
    let drop = field.zero == Zero::Omitted
        && !matches!(field.field_type, FieldType::Struct(_))
        && is_zero(&converted);
    Ok((!drop).then_some(converted))
}

fn convert_value(field_type: &FieldType, value: &Value) -> Result<Value, TypeError> {
    match field_type {
        FieldType::Text => text(value).map(|text| Value::String(text.to_owned())),
        FieldType::Bytes => text(value).map(|text| Value::String(text.to_owned())),
        FieldType::Boolean => match value {
            Value::Bool(_) => Ok(value.clone()),
            other => Err(mismatch("a boolean", other)),
        },
        FieldType::Integer32 => integer(value, i64::from(i32::MIN)..=i64::from(i32::MAX)),
        FieldType::Integer64 => integer(value, i64::MIN..=i64::MAX),
        FieldType::Float => value.as_f64().map(|_| value.clone()).ok_or_else(|| mismatch("a number", value)),
        FieldType::Quantity => quantity(value),
        FieldType::Time => time(value, "%Y-%m-%dT%H:%M:%SZ"),
        FieldType::MicroTime => time(value, "%Y-%m-%dT%H:%M:%S.%6fZ"),
        FieldType::IntegerOrText => match value {
            Value::String(_) => Ok(value.clone()),
            other => integer(other, i64::from(i32::MIN)..=i64::from(i32::MAX)),
        },
        FieldType::Anything => Ok(value.clone()),
        FieldType::Struct(name) => convert_struct(name, value),
        FieldType::List(element) => {
            let Value::Array(elements) = value else { return Err(mismatch("a list", value)) };
            elements
                .iter()
                .enumerate()
                .map(|(index, value)| {
                    element_value(element, value).map_err(|error| inside(error, &index.to_string()))
                })
                .collect::<Result<Vec<_>, _>>()
                .map(Value::Array)
        }
        FieldType::Map(element) => {
            let Value::Object(members) = value else { return Err(mismatch("a map", value)) };
            members
                .iter()
                .map(|(key, value)| {
                    let converted = element_value(element, value).map_err(|error| inside(error, key))?;
                    Ok((key.clone(), converted))
                })
                .collect::<Result<Map<_, _>, _>>()
                .map(Value::Object)
        }
    }
}

fn element_value(element: &FieldType, value: &Value) -> Result<Value, TypeError> {
    if value.is_null() { Ok(zero_value(element)) } else { convert_value(element, value) }
}

/// Returns what is written for an absent field.
fn zero_of(field: &Field) -> Option<Value> {
    match field.zero {
        Zero::Kept => None,
        Zero::Written => Some(zero_value(&field.field_type)),
        Zero::Omitted => {
            matches!(field.field_type, FieldType::Struct(_)).then(|| zero_value(&field.field_type))
        }
    }
}

fn zero_value(field_type: &FieldType) -> Value {
    match field_type {
        FieldType::Text | FieldType::Bytes => Value::from(""),
        FieldType::Boolean => Value::Bool(false),
        FieldType::Integer32 | FieldType::Integer64 | FieldType::Float | FieldType::IntegerOrText => {
            Value::from(0)
        }
        FieldType::Quantity => Value::from("0"),
        FieldType::Struct(name) => convert_struct(name, &Value::Null).unwrap_or(Value::Null),
        FieldType::Time
        | FieldType::MicroTime
        | FieldType::Anything
        | FieldType::List(_)
        | FieldType::Map(_) => Value::Null,
    }
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(elements) => elements.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}

fn text(value: &Value) -> Result<&str, TypeError> {
    value.as_str().ok_or_else(|| mismatch("a string", value))
}

fn integer(value: &Value, range: std::ops::RangeInclusive<i64>) -> Result<Value, TypeError> {
    match value.as_i64() {
        Some(number) if range.contains(&number) => Ok(Value::from(number)),
        _ => Err(mismatch("an integer", value)),
    }
}

fn quantity(value: &Value) -> Result<Value, TypeError> {
    let parsed: Option<Quantity> = match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.to_string().parse().ok(),
        _ => None,
    };
    parsed.map(|quantity| Value::String(quantity.to_string())).ok_or_else(|| mismatch("a quantity", value))
}

fn time(value: &Value, format: &str) -> Result<Value, TypeError> {
    let parsed: Option<Timestamp> = value.as_str().and_then(|text| text.parse().ok());
    parsed
        .map(|time| Value::String(time.strftime(format).to_string()))
        .ok_or_else(|| mismatch("a time", value))
}

fn mismatch(expected: &'static str, found: &Value) -> TypeError {
    let found = match found {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a fraction",
        Value::Number(_) => "an integer",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    TypeError { path: String::new(), expected, found }
}

fn inside(mut error: TypeError, name: &str) -> TypeError {
    error.path.insert_str(0, &format!(".{name}"));
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn drops_unknown_fields_and_zero_values() {
        let container = json!({"name": "c", "image": "", "x": 1, "envFrom": [], "stdin": false});
        assert_eq!(convert("Container", &container), Ok(json!({"name": "c", "resources": {}})));
    }

    #[test]
    fn keeps_zero_where_absent_means_something_else() {
        let spec = convert("DeploymentSpec", &json!({"replicas": 0, "minReadySeconds": 0})).unwrap();
        assert_eq!(spec.get("replicas"), Some(&json!(0)));
        assert_eq!(spec.get("minReadySeconds"), None);
    }

    #[test]
    fn says_where_a_value_has_the_wrong_type() {
        let error = convert("Deployment", &json!({"spec": {"template": {"spec": {"containers": ["x"]}}}}))
            .unwrap_err();
        assert_eq!(error.path, "Deployment.spec.template.spec.containers.0");
        assert_eq!(error.found, "a string");
    }

    #[test]
    fn writes_quantities_in_canonical_form() {
        let requests = json!({"requests": {"cpu": "1.25", "nvidia.com/gpu": 4}});
        assert_eq!(
            convert("ResourceRequirements", &requests),
            Ok(json!({"requests": {"cpu": "1250m", "nvidia.com/gpu": "4"}}))
        );
    }
}
