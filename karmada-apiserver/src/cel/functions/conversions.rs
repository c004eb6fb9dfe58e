//! Conversions between types, and optional values.

use jiff::{SignedDuration, Timestamp};

use super::super::error::EvalError;
use super::super::eval::Budget;
use super::super::value::Value;
use super::{Answer, failed, print, times};

pub(super) fn call(name: &str, args: &[Value], budget: &mut Budget) -> Answer {
    Some(match (name, args) {
        ("type", [value]) => Ok(Value::Type(value.type_of())),
        ("dyn", [value]) => Ok(value.clone()),
        ("int", [value]) => return int(value),
        ("uint", [value]) => return uint(value),
        ("double", [value]) => return double(value),
        ("bool", [Value::Bool(value)]) => Ok(Value::Bool(*value)),
        ("bool", [Value::String(text)]) => match &**text {
            "true" | "True" | "TRUE" | "t" | "1" => Ok(Value::Bool(true)),
            "false" | "False" | "FALSE" | "f" | "0" => Ok(Value::Bool(false)),
            _ => failed("type conversion error from 'string' to 'bool'"),
        },
        ("string", [value @ Value::Bytes(data)]) => match std::str::from_utf8(data) {
            Ok(text) => budget.charge(value.size() / 10).map(|()| Value::string(text)),
            Err(_) => failed("invalid UTF-8 in bytes, cannot convert to string"),
        },
        ("string", [Value::List(_) | Value::Map(_) | Value::Null | Value::Optional(_)]) => return None,
        ("string", [value]) => budget.charge(value.size() / 10).map(|()| Value::string(print::plain(value))),
        ("bytes", [value @ Value::Bytes(_)]) => Ok(value.clone()),
        ("bytes", [Value::String(text)]) => {
            budget.charge(text.len() as u64 / 10).map(|()| Value::Bytes(text.as_bytes().into()))
        }
        ("timestamp", [value @ Value::Timestamp(_)]) | ("duration", [value @ Value::Duration(_)]) => {
            Ok(value.clone())
        }
        ("timestamp", [Value::String(text)]) => times::parse_timestamp(text).map(Value::Timestamp),
        ("timestamp", [Value::Int(seconds)]) => Timestamp::from_second(*seconds)
            .map(Value::Timestamp)
            .map_err(|_| EvalError::failed("timestamp overflow")),
        ("duration", [Value::String(text)]) => times::parse_duration(text).map(Value::Duration),
        ("duration", [Value::Int(nanos)]) => Ok(Value::Duration(SignedDuration::from_nanos(*nanos))),
        ("optional.of", [value]) => Ok(Value::some(value.clone())),
        ("optional.none", []) => Ok(Value::Optional(None)),
        ("optional.ofNonZeroValue", [value]) => {
            Ok(if is_zero(value) { Value::Optional(None) } else { Value::some(value.clone()) })
        }
        ("hasValue", [Value::Optional(inner)]) => Ok(Value::Bool(inner.is_some())),
        ("value", [Value::Optional(inner)]) => match inner {
            Some(inner) => Ok(Value::clone(inner)),
            None => failed("optional.none() dereference"),
        },
        _ => return None,
    })
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Int(value) => *value == 0,
        Value::Uint(value) => *value == 0,
        Value::Double(value) => *value == 0.0,
        Value::String(_) | Value::Bytes(_) | Value::List(_) | Value::Map(_) => value.size() == 0,
        Value::Duration(span) => span.is_zero(),
        Value::Timestamp(time) => *time == Timestamp::UNIX_EPOCH,
        _ => false,
    }
}

fn int(value: &Value) -> Answer {
    let overflow = || EvalError::failed("integer overflow");
    Some(match value {
        Value::Int(value) => Ok(Value::Int(*value)),
        Value::Uint(value) => i64::try_from(*value).map(Value::Int).map_err(|_| overflow()),
        Value::Double(value) if value.is_finite() && value.abs() < 9.223_372_036_854_776e18 => {
            Ok(Value::Int(*value as i64))
        }
        Value::Double(_) => Err(overflow()),
        Value::String(text) => text.parse().map(Value::Int).map_err(|_| conversion_error("int")),
        Value::Timestamp(time) => Ok(Value::Int(time.as_second())),
        Value::Duration(span) => i64::try_from(span.as_nanos()).map(Value::Int).map_err(|_| overflow()),
        _ => return None,
    })
}

fn uint(value: &Value) -> Answer {
    let overflow = || EvalError::failed("unsigned integer overflow");
    Some(match value {
        Value::Uint(value) => Ok(Value::Uint(*value)),
        Value::Int(value) => u64::try_from(*value).map(Value::Uint).map_err(|_| overflow()),
        Value::Double(value) if *value >= 0.0 && *value < 1.844_674_407_370_955e19 => {
            Ok(Value::Uint(*value as u64))
        }
        Value::Double(_) => Err(overflow()),
        Value::String(text) => text.parse().map(Value::Uint).map_err(|_| conversion_error("uint")),
        _ => return None,
    })
}

fn double(value: &Value) -> Answer {
    Some(match value {
        Value::Double(value) => Ok(Value::Double(*value)),
        Value::Int(value) => Ok(Value::Double(*value as f64)),
        Value::Uint(value) => Ok(Value::Double(*value as f64)),
        Value::String(text) => text.parse().map(Value::Double).map_err(|_| conversion_error("double")),
        _ => return None,
    })
}

fn conversion_error(wanted: &str) -> EvalError {
    EvalError::failed(format!("type conversion error from 'string' to '{wanted}'"))
}
