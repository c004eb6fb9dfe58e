//! From JSON values to messages.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::messages::{self, Descriptor, Field, Form, Kind, Shape};
use super::writer::Message;

const NANOS: i64 = 1_000_000_000;

/// Why an object has no protobuf form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EncodeError {
    #[error("no message for kind {kind:?} of version {api_version:?}")]
    NoMessage { api_version: String, kind: String },
    #[error("{field:?} of {message} holds a value of another type")]
    Mismatch { message: String, field: String },
    #[error("the message is longer than a frame can be")]
    TooLarge,
}

/// Encodes an object as a message. Fields that the message does not have are left out.
pub(super) fn object(descriptor: &Descriptor, value: &Value) -> Result<Message, EncodeError> {
    let mut message = Message::default();
    match descriptor.form {
        Form::Object => match value {
            Value::Object(map) => fields(descriptor, map, &mut message)?,
            Value::Null => {}
            _ => return Err(mismatch(descriptor, "")),
        },
        form => special(descriptor, form, value, &mut message).ok_or_else(|| mismatch(descriptor, ""))??,
    }
    Ok(message)
}

/// Encodes the messages that are no object in JSON; `None` for a value of a wrong type.
fn special(
    descriptor: &Descriptor,
    form: Form,
    value: &Value,
    message: &mut Message,
) -> Option<Result<(), EncodeError>> {
    let part = |message: &mut Message, number: u32, value: &Value| {
        let field = descriptor.field(number)?;
        Some(self::field(descriptor, field, value, message))
    };
    match (form, value) {
        (Form::Time | Form::MicroTime, Value::Null) => {}
        (Form::Time | Form::MicroTime, Value::String(text)) => {
            let time: Timestamp = text.parse().ok()?;
            // Seconds count down to the past, the rest counts up.
            let nanos = i64::from(time.subsec_nanosecond());
            message.varint(1, (time.as_second() + nanos.div_euclid(NANOS)) as u64);
            let nanos = if form == Form::Time { 0 } else { nanos.rem_euclid(NANOS) };
            message.varint(2, nanos as u64);
        }
        (Form::Quantity, Value::String(text)) => message.text(1, text),
        (Form::Quantity, Value::Number(number)) => message.text(1, &number.to_string()),
        (Form::Quantity, Value::Null) => message.text(1, "0"),
        (Form::IntOrString, Value::Number(_)) => {
            message.varint(1, 0);
            message.varint(2, integer(value)? as u64);
        }
        (Form::IntOrString, Value::String(text)) => {
            message.varint(1, 1);
            message.text(3, text);
        }
        (Form::IntOrString | Form::RawExtension, Value::Null) => {}
        (Form::Json | Form::RawExtension, value) => message.text(1, &value.to_string()),
        (Form::List | Form::SchemaOrList | Form::SchemaOrTexts, Value::Null) => {}
        (Form::List, list) => return part(message, 1, list),
        (Form::SchemaOrBool, Value::Bool(allows)) => message.varint(1, u64::from(*allows)),
        (Form::SchemaOrBool, schema) => {
            message.varint(1, 1);
            return part(message, 2, schema);
        }
        (Form::SchemaOrList | Form::SchemaOrTexts, list @ Value::Array(_)) => return part(message, 2, list),
        (Form::SchemaOrList | Form::SchemaOrTexts, schema) => return part(message, 1, schema),
        _ => return None,
    }
    Some(Ok(()))
}

fn fields(
    descriptor: &Descriptor,
    map: &Map<String, Value>,
    message: &mut Message,
) -> Result<(), EncodeError> {
    for field in &descriptor.fields {
        if let (Shape::Inline, Kind::Message(index)) = (field.shape, field.kind) {
            let mut inlined = Message::default();
            fields(messages::at(index), map, &mut inlined)?;
            if !inlined.is_empty() {
                message.message(field.number, &inlined);
            }
            continue;
        }
        let Some(value) = map.get(&field.name) else { continue };
        // Only raw JSON has a null of its own.
        let is_raw = matches!(field.kind, Kind::Message(index) if messages::at(index).form == Form::Json);
        if !value.is_null() || is_raw {
            self::field(descriptor, field, value, message)?;
        }
    }
    Ok(())
}

fn field(owner: &Descriptor, field: &Field, value: &Value, message: &mut Message) -> Result<(), EncodeError> {
    match (field.shape, value) {
        (Shape::One | Shape::Inline, value) => {
            scalar(owner, field, field.number, value, message)?;
        }
        (Shape::Many, Value::Array(items)) => {
            for item in items {
                scalar(owner, field, field.number, item, message)?;
            }
        }
        (Shape::Map, Value::Object(entries)) => {
            for (key, value) in entries {
                let mut entry = Message::default();
                entry.text(1, key);
                scalar(owner, field, 2, value, &mut entry)?;
                message.message(field.number, &entry);
            }
        }
        _ => return Err(mismatch(owner, &field.name)),
    }
    Ok(())
}

/// Appends one value under a number.
fn scalar(
    owner: &Descriptor,
    field: &Field,
    number: u32,
    value: &Value,
    message: &mut Message,
) -> Result<(), EncodeError> {
    let wrong = || mismatch(owner, &field.name);
    match (field.kind, value) {
        (Kind::Message(index), value) => message.message(number, &object(messages::at(index), value)?),
        // A missing item of a list or map is the zero of its type.
        (Kind::Bool | Kind::Int32 | Kind::Int64, Value::Null) => message.varint(number, 0),
        (Kind::Text | Kind::Bytes, Value::Null) => message.text(number, ""),
        (Kind::Double, Value::Null) => message.double(number, 0.0),
        (Kind::Bool, value) => message.varint(number, u64::from(value.as_bool().ok_or_else(wrong)?)),
        (Kind::Int32, value) => {
            let integer = i32::try_from(integer(value).ok_or_else(wrong)?).map_err(|_| wrong())?;
            message.varint(number, i64::from(integer) as u64);
        }
        (Kind::Int64, value) => message.varint(number, integer(value).ok_or_else(wrong)? as u64),
        (Kind::Double, value) => message.double(number, value.as_f64().ok_or_else(wrong)?),
        (Kind::Text, value) => message.text(number, value.as_str().ok_or_else(wrong)?),
        (Kind::Bytes, value) => {
            let bytes = STANDARD.decode(value.as_str().ok_or_else(wrong)?).map_err(|_| wrong())?;
            message.bytes(number, &bytes);
        }
    }
    Ok(())
}

/// Reads a whole number, however it is written.
fn integer(value: &Value) -> Option<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    value.as_i64().or_else(|| {
        let number = value.as_f64()?;
        (number.fract() == 0.0 && (-LIMIT..LIMIT).contains(&number)).then_some(number as i64)
    })
}

fn mismatch(owner: &Descriptor, field: &str) -> EncodeError {
    EncodeError::Mismatch { message: owner.name.clone(), field: field.to_owned() }
}
