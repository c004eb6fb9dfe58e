//! From messages to JSON values.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Number, Value};

use super::envelope::{Envelope, is_enveloped};
use super::messages::{self, Descriptor, Field, Form, Kind, Shape};
use super::reader::{Content, Reader};

/// How deep messages nest; as deep as the JSON parser goes.
const DEPTH: usize = 128;
/// How many values one body may hold: a small body can state very many empty ones.
const VALUES: usize = 1 << 20;

/// Why bytes are no object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DecodeError {
    #[error("the data does not start as an enveloped object does")]
    NoEnvelope,
    #[error("unexpected EOF")]
    Truncated,
    #[error("proto: {0}")]
    Malformed(&'static str),
    // DEVIATION: the real server names the field of the Go structure.
    #[error("proto: wrong wireType for field {number} of {message}")]
    WireType { message: String, number: u32 },
    #[error("no message for kind {kind:?} of version {api_version:?}")]
    NoMessage { api_version: String, kind: String },
    #[error("{0} holds no JSON")]
    NoJson(String),
}

/// Decodes one object.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    depth: usize,
    values: usize,
}

impl Decoder {
    /// Decodes a message in the form that it has in JSON.
    pub(super) fn message(&mut self, descriptor: &Descriptor, bytes: &[u8]) -> Result<Value, DecodeError> {
        self.count()?;
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(DecodeError::Malformed("messages nest too deep"));
        }
        let value = self.form(descriptor, bytes)?;
        self.depth -= 1;
        Ok(value)
    }

    fn form(&mut self, descriptor: &Descriptor, bytes: &[u8]) -> Result<Value, DecodeError> {
        if descriptor.form == Form::Object {
            let mut map = Map::new();
            self.fields(descriptor, bytes, &mut map)?;
            return Ok(Value::Object(map));
        }
        // An empty time is one that is not set.
        if bytes.is_empty() && matches!(descriptor.form, Form::Time | Form::MicroTime) {
            return Ok(Value::Null);
        }
        let mut map = Map::new();
        if !matches!(descriptor.form, Form::Json | Form::RawExtension) {
            self.fields(descriptor, bytes, &mut map)?;
        }
        let integer = |map: &Map<String, Value>, key: &str| map.get(key).and_then(Value::as_i64).unwrap_or(0);
        Ok(match descriptor.form {
            Form::Object => Value::Object(map),
            Form::Time => {
                time(integer(&map, "seconds"), 0)?.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into()
            }
            Form::MicroTime => {
                let time = time(integer(&map, "seconds"), integer(&map, "nanos"))?;
                time.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string().into()
            }
            Form::Quantity => match map.remove("string") {
                Some(Value::String(text)) if !text.is_empty() => text.into(),
                _ => "0".into(),
            },
            Form::IntOrString if integer(&map, "type") == 0 => integer(&map, "intVal").into(),
            Form::IntOrString => map.remove("strVal").unwrap_or_else(|| "".into()),
            Form::Json | Form::RawExtension => self.raw(descriptor, bytes)?,
            Form::List => map.remove("items").unwrap_or_else(|| Value::Array(Vec::new())),
            Form::SchemaOrBool => match map.remove("schema") {
                Some(schema) => schema,
                None => map.remove("allows").unwrap_or(Value::Bool(false)),
            },
            Form::SchemaOrList => match map.remove("jSONSchemas") {
                Some(schemas) => schemas,
                None => map.remove("schema").unwrap_or(Value::Null),
            },
            Form::SchemaOrTexts => match map.remove("property") {
                Some(texts) => texts,
                None => map.remove("schema").unwrap_or(Value::Null),
            },
        })
    }

    /// Reads the one field of raw bytes.
    fn raw(&mut self, descriptor: &Descriptor, bytes: &[u8]) -> Result<Value, DecodeError> {
        let mut reader = Reader::new(bytes);
        let mut raw: &[u8] = b"";
        while let Some((number, content)) = reader.next()? {
            match (number, content) {
                (1, Content::Bytes(bytes)) => raw = bytes,
                (1, _) => return Err(wire_type(descriptor, number)),
                _ => {}
            }
        }
        if raw.is_empty() {
            return Ok(Value::Null);
        }
        if descriptor.form == Form::RawExtension && is_enveloped(raw) {
            return Envelope::open(raw)?.decode_with(("", ""), self);
        }
        serde_json::from_slice(raw).map_err(|_| DecodeError::NoJson(descriptor.name.clone()))
    }

    fn fields(
        &mut self,
        descriptor: &Descriptor,
        bytes: &[u8],
        map: &mut Map<String, Value>,
    ) -> Result<(), DecodeError> {
        let mut reader = Reader::new(bytes);
        while let Some((number, content)) = reader.next()? {
            let Some(field) = descriptor.field(number) else { continue };
            self.field(descriptor, field, content, map)?;
        }
        Ok(())
    }

    fn field(
        &mut self,
        owner: &Descriptor,
        field: &Field,
        content: Content<'_>,
        map: &mut Map<String, Value>,
    ) -> Result<(), DecodeError> {
        match (field.shape, content) {
            (Shape::Inline, Content::Bytes(bytes)) => {
                let Kind::Message(index) = field.kind else { return Err(wire_type(owner, field.number)) };
                // A message may be inlined again and again in bytes, not in the table.
                self.fields(messages::at(index), bytes, map)
            }
            (Shape::Map, Content::Bytes(bytes)) => {
                let (key, value) = self.entry(owner, field, bytes)?;
                if let Value::Object(entries) = slot(map, field, || Value::Object(Map::new())) {
                    entries.insert(key, value);
                }
                Ok(())
            }
            (Shape::Many, Content::Bytes(bytes)) if is_number(field.kind) => {
                // Lists of numbers may come packed.
                let mut packed = Reader::new(bytes);
                while !packed.is_empty() {
                    let value = self.value(owner, field, Content::Varint(packed.varint()?))?;
                    push(map, field, value);
                }
                Ok(())
            }
            (Shape::Many, content) => {
                let value = self.value(owner, field, content)?;
                push(map, field, value);
                Ok(())
            }
            (Shape::One, Content::Bytes(bytes)) => {
                // A message in parts is one message.
                if let (Kind::Message(index), Some(Value::Object(parts))) =
                    (field.kind, map.get_mut(&field.name))
                    && messages::at(index).form == Form::Object
                {
                    return self.fields(messages::at(index), bytes, parts);
                }
                let value = self.value(owner, field, content)?;
                map.insert(field.name.clone(), value);
                Ok(())
            }
            (Shape::One, content) => {
                let value = self.value(owner, field, content)?;
                map.insert(field.name.clone(), value);
                Ok(())
            }
            (Shape::Inline | Shape::Map, _) => Err(wire_type(owner, field.number)),
        }
    }

    fn value(
        &mut self,
        owner: &Descriptor,
        field: &Field,
        content: Content<'_>,
    ) -> Result<Value, DecodeError> {
        self.count()?;
        Ok(match (field.kind, content) {
            (Kind::Bool, Content::Varint(number)) => Value::Bool(number != 0),
            // Numbers wrap as they do in other implementations.
            (Kind::Int32, Content::Varint(number)) => Value::from(number as i32),
            (Kind::Int64, Content::Varint(number)) => Value::from(number as i64),
            (Kind::Double, Content::Fixed64(bits)) => double(f64::from_bits(bits))?,
            (Kind::Text, Content::Bytes(bytes)) => Value::from(String::from_utf8_lossy(bytes).into_owned()),
            (Kind::Bytes, Content::Bytes(bytes)) => Value::from(STANDARD.encode(bytes)),
            (Kind::Message(index), Content::Bytes(bytes)) => self.message(messages::at(index), bytes)?,
            _ => return Err(wire_type(owner, field.number)),
        })
    }

    fn entry(
        &mut self,
        owner: &Descriptor,
        field: &Field,
        bytes: &[u8],
    ) -> Result<(String, Value), DecodeError> {
        let (mut key, mut value) = (String::new(), None);
        let mut reader = Reader::new(bytes);
        while let Some((number, content)) = reader.next()? {
            match (number, content) {
                (1, Content::Bytes(bytes)) => key = String::from_utf8_lossy(bytes).into_owned(),
                (2, content) => value = Some(self.value(owner, field, content)?),
                (1, _) => return Err(wire_type(owner, field.number)),
                _ => {}
            }
        }
        let value = match (value, field.kind) {
            (Some(value), _) => value,
            (None, Kind::Bool) => Value::Bool(false),
            (None, Kind::Int32 | Kind::Int64 | Kind::Double) => Value::from(0),
            (None, Kind::Text | Kind::Bytes) => Value::from(""),
            (None, Kind::Message(index)) => self.message(messages::at(index), b"")?,
        };
        Ok((key, value))
    }

    fn count(&mut self) -> Result<(), DecodeError> {
        self.values += 1;
        if self.values > VALUES { Err(DecodeError::Malformed("too many values")) } else { Ok(()) }
    }
}

fn is_number(kind: Kind) -> bool {
    matches!(kind, Kind::Bool | Kind::Int32 | Kind::Int64)
}

fn slot<'m>(map: &'m mut Map<String, Value>, field: &Field, empty: impl FnOnce() -> Value) -> &'m mut Value {
    map.entry(field.name.as_str()).or_insert_with(empty)
}

fn push(map: &mut Map<String, Value>, field: &Field, value: Value) {
    if let Value::Array(items) = slot(map, field, || Value::Array(Vec::new())) {
        items.push(value);
    }
}

fn time(seconds: i64, nanos: i64) -> Result<Timestamp, DecodeError> {
    let nanos = i32::try_from(nanos).unwrap_or(0);
    Timestamp::new(seconds, nanos).map_err(|_| DecodeError::Malformed("a time is out of range"))
}

/// Returns a number as JSON prints it: whole numbers have no fraction.
fn double(number: f64) -> Result<Value, DecodeError> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() < EXACT {
        return Ok(Value::from(number as i64));
    }
    Number::from_f64(number).map(Value::Number).ok_or(DecodeError::Malformed("a number is not finite"))
}

fn wire_type(owner: &Descriptor, number: u32) -> DecodeError {
    DecodeError::WireType { message: owner.name.clone(), number }
}
