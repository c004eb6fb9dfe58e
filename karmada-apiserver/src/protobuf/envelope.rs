//! What surrounds a message: its kind, and the frame of an event.

use serde_json::{Value, json};

use super::decode::{DecodeError, Decoder};
use super::encode::{self, EncodeError};
use super::messages;
use super::reader::{Content, Reader};
use super::writer::Message;

/// How every enveloped object starts.
const MAGIC: &[u8] = b"k8s\0";

/// A message with its kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Envelope<'a> {
    /// Empty where the sender leaves it to the receiver.
    pub(crate) api_version: String,
    pub(crate) kind: String,
    raw: &'a [u8],
}

/// Whether bytes start as an enveloped object does.
pub(crate) fn is_enveloped(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// Returns the name of a kind's OpenAPI definition, which has the fields of its message.
pub(crate) fn definition(api_version: &str, kind: &str) -> Option<String> {
    descriptor(api_version, kind).map(messages::Descriptor::definition)
}

/// Encodes an object with its envelope.
///
/// # Errors
///
/// When its kind has no message or a field is of a type that its kind does not have.
pub(crate) fn encode(object: &Value) -> Result<Vec<u8>, EncodeError> {
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    let descriptor = descriptor(api_version, kind).ok_or_else(|| EncodeError::NoMessage {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
    })?;
    let mut type_meta = Message::default();
    type_meta.text(1, api_version);
    type_meta.text(2, kind);
    let mut unknown = Message::default();
    unknown.message(1, &type_meta);
    unknown.message(2, &encode::object(descriptor, object)?);
    unknown.text(3, "");
    unknown.text(4, "");
    Ok([MAGIC, &unknown.into_bytes()].concat())
}

/// Encodes an event of a watch as a frame: its length in four bytes, then a bare message with an enveloped object.
///
/// # Errors
///
/// As [`encode`].
pub(crate) fn encode_event(event_type: &str, object: &Value) -> Result<Vec<u8>, EncodeError> {
    let mut raw = Message::default();
    raw.bytes(1, &encode(object)?);
    let mut event = Message::default();
    event.text(1, event_type);
    event.message(2, &raw);
    let event = event.into_bytes();
    let length = u32::try_from(event.len()).map_err(|_| EncodeError::TooLarge)?;
    Ok([length.to_be_bytes().as_slice(), &event].concat())
}

impl<'a> Envelope<'a> {
    /// Takes an envelope apart without looking at the message.
    pub(crate) fn open(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(DecodeError::NoEnvelope)?;
        let mut envelope = Self::default();
        let mut reader = Reader::new(rest);
        while let Some((number, content)) = reader.next()? {
            match (number, content) {
                (1, Content::Bytes(bytes)) => {
                    let mut reader = Reader::new(bytes);
                    while let Some((number, content)) = reader.next()? {
                        let Content::Bytes(text) = content else { continue };
                        let text = String::from_utf8_lossy(text).into_owned();
                        match number {
                            1 => envelope.api_version = text,
                            2 => envelope.kind = text,
                            _ => {}
                        }
                    }
                }
                (2, Content::Bytes(bytes)) => envelope.raw = bytes,
                (1 | 2, _) => return Err(DecodeError::WireType { message: "Unknown".to_owned(), number }),
                _ => {}
            }
        }
        Ok(envelope)
    }

    /// Whether there is neither a kind nor a message.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns version and kind of the object: its own, or those that the receiver expects where it has none.
    pub(crate) fn of_kind<'s>(&'s self, api_version: &'s str, kind: &'s str) -> (&'s str, &'s str) {
        let own_version = self.api_version.as_str();
        // What is no version is none.
        let has_version = !own_version.is_empty() && own_version.matches('/').count() < 2;
        (
            if has_version { own_version } else { api_version },
            if self.kind.is_empty() { kind } else { self.kind.as_str() },
        )
    }

    /// Decodes the object; it is of the default version and kind when it does not say.
    ///
    /// # Errors
    ///
    /// When no message of that kind is known or the bytes are another message.
    pub(crate) fn decode(&self, default: (&str, &str)) -> Result<Value, DecodeError> {
        self.decode_with(default, &mut Decoder::default())
    }

    /// Decodes an object inside of another.
    pub(super) fn decode_with(
        &self,
        default: (&str, &str),
        decoder: &mut Decoder,
    ) -> Result<Value, DecodeError> {
        let (api_version, kind) = self.of_kind(default.0, default.1);
        let descriptor = descriptor(api_version, kind).ok_or_else(|| DecodeError::NoMessage {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
        })?;
        let mut object = decoder.message(descriptor, self.raw)?;
        if object.is_null() {
            object = json!({});
        }
        if object.is_object() {
            object["apiVersion"] = api_version.into();
            object["kind"] = kind.into();
        }
        Ok(object)
    }
}

fn descriptor(api_version: &str, kind: &str) -> Option<&'static messages::Descriptor> {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    messages::of_kind(group, version, kind)
}
