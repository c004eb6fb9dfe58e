//! Objects at rest: as text, which takes a fifth of the room of the trees that are made of it.

use std::fmt::{self, Write as _};
use std::ops::Range;
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use karmada_core::api::work::{ClusterResourceBinding, ResourceBinding, Work};
use serde::de::{DeserializeOwned, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserializer, Serialize, de};
use serde_json::{Number, Value};

/// Levels of maps and lists that a document may have: a text with more of them could not be read again.
const MOST_LEVELS: u8 = 127;

/// The JSON text of an object.
#[derive(Clone, Debug)]
pub struct Packed {
    text: Arc<str>,
    /// Where in the text the metadata is; empty where it is not known.
    metadata: Range<u32>,
}

impl Packed {
    /// Returns the document.
    pub(super) fn value(&self) -> Value {
        serde_json::from_str(&self.text).expect("the text was written from a document of no more levels")
    }

    /// Reads the metadata alone.
    ///
    /// # Errors
    /// When it is not the metadata of an object.
    pub(super) fn metadata(&self) -> Result<ObjectMeta, serde_json::Error> {
        if self.metadata.is_empty() {
            return Ok(ObjectMeta::default());
        }
        serde_json::from_str(&self.text[self.metadata.start as usize..self.metadata.end as usize])
    }
}

/// An object that can rest as text and come back as it was, but for who owns which of its fields.
pub trait Packable: Sized {
    /// Returns the text; none if the object cannot be read again from one.
    fn pack(&self) -> Option<Packed>;

    /// Returns the object.
    fn unpack(packed: &Packed) -> Self;
}

impl Packable for Work {
    fn pack(&self) -> Option<Packed> {
        pack_typed(self)
    }

    fn unpack(packed: &Packed) -> Self {
        unpack_typed(packed)
    }
}

impl Packable for ResourceBinding {
    fn pack(&self) -> Option<Packed> {
        pack_typed(self)
    }

    fn unpack(packed: &Packed) -> Self {
        unpack_typed(packed)
    }
}

impl Packable for ClusterResourceBinding {
    fn pack(&self) -> Option<Packed> {
        pack_typed(self)
    }

    fn unpack(packed: &Packed) -> Self {
        unpack_typed(packed)
    }
}

fn pack_typed<K: Serialize>(object: &K) -> Option<Packed> {
    let text = serde_json::to_string(object).ok()?;
    Some(Packed { text: text.into(), metadata: 0..0 })
}

fn unpack_typed<K: DeserializeOwned>(packed: &Packed) -> K {
    serde_json::from_str(&packed.text).expect("the text was written from an object that had been read")
}

/// A document that was copied into a text, without who owns which of its fields.
#[derive(Debug, Default)]
pub(super) struct Copied {
    text: String,
    metadata: Range<usize>,
    has_api_version: bool,
    has_kind: bool,
}

impl Copied {
    /// Copies a document as it is read, without making a tree of it.
    ///
    /// # Errors
    /// When it cannot be read, or has more levels than could be read again.
    pub(super) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut copied = Self::default();
        Copy { to: &mut copied, place: Place::Document, depth: 0 }.deserialize(deserializer)?;
        Ok(copied)
    }

    /// Whether it says of which type it is, which items of a list do not.
    pub(super) fn is_typed(&self) -> bool {
        self.has_api_version && self.has_kind
    }

    /// Returns the text for keeping.
    pub(super) fn into_packed(self) -> Packed {
        let position = |at: usize| u32::try_from(at).unwrap_or_default();
        let metadata = position(self.metadata.start)..position(self.metadata.end);
        Packed { text: self.text.into(), metadata }
    }
}

/// Where in a document a value is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Document,
    Metadata,
    Below,
}

struct Copy<'a> {
    to: &'a mut Copied,
    place: Place,
    depth: u8,
}

impl Copy<'_> {
    fn enter<E: de::Error>(&self) -> Result<u8, E> {
        if self.depth == MOST_LEVELS {
            return Err(E::custom(format_args!("a document of more than {MOST_LEVELS} levels")));
        }
        Ok(self.depth + 1)
    }

    fn number(self, number: impl fmt::Display) {
        // Writing to a text cannot fail.
        let _ = write!(self.to.text, "{number}");
    }
}

impl<'de> DeserializeSeed<'de> for Copy<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Copy<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any valid JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.to.text.push_str("null");
        Ok(())
    }

    fn visit_none<E: de::Error>(self) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.to.text.push_str(if value { "true" } else { "false" });
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.number(value);
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.number(value);
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        match Number::from_f64(value) {
            Some(number) => self.number(number),
            None => self.to.text.push_str("null"),
        }
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        quote(&mut self.to.text, value);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let depth = self.enter()?;
        self.to.text.push('[');
        let first = self.to.text.len();
        loop {
            let start = self.to.text.len();
            if start > first {
                self.to.text.push(',');
            }
            if list.next_element_seed(Copy { to: &mut *self.to, place: Place::Below, depth })?.is_none() {
                self.to.text.truncate(start);
                break;
            }
        }
        self.to.text.push(']');
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let depth = self.enter()?;
        self.to.text.push('{');
        let first = self.to.text.len();
        loop {
            let start = self.to.text.len();
            if start > first {
                self.to.text.push(',');
            }
            let key = self.to.text.len();
            if map.next_key_seed(Key(&mut self.to.text))?.is_none() {
                self.to.text.truncate(start);
                break;
            }
            let place = match (self.place, &self.to.text[key..]) {
                (Place::Metadata, r#""managedFields""#) => {
                    self.to.text.truncate(start);
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
                (Place::Document, r#""metadata""#) => Place::Metadata,
                (Place::Document, r#""apiVersion""#) => {
                    self.to.has_api_version = true;
                    Place::Below
                }
                (Place::Document, r#""kind""#) => {
                    self.to.has_kind = true;
                    Place::Below
                }
                _ => Place::Below,
            };
            self.to.text.push(':');
            let value = self.to.text.len();
            map.next_value_seed(Copy { to: &mut *self.to, place, depth })?;
            if place == Place::Metadata {
                self.to.metadata = value..self.to.text.len();
            }
        }
        self.to.text.push('}');
        Ok(())
    }
}

struct Key<'a>(&'a mut String);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<(), E> {
        quote(self.0, key);
        Ok(())
    }
}

fn quote(text: &mut String, value: &str) {
    let is_plain = value.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\');
    text.push('"');
    if is_plain {
        text.push_str(value);
    } else {
        for character in value.chars() {
            match character {
                '"' => text.push_str("\\\""),
                '\\' => text.push_str("\\\\"),
                '\n' => text.push_str("\\n"),
                control if control < ' ' => {
                    // Writing to a text cannot fail.
                    let _ = write!(text, "\\u{:04x}", u32::from(control));
                }
                other => text.push(other),
            }
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn copy(value: &Value) -> Packed {
        Copied::read(value).unwrap().into_packed()
    }

    fn documents() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            // Those of more digits are rounded whenever they are read, here and elsewhere.
            any::<i32>().prop_map(|number| Value::from(f64::from(number) / 64.0)),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 64, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_document_comes_back_as_it_was(document in documents()) {
            prop_assert_eq!(copy(&document).value(), document.clone());
            // From its text, too, however that is written.
            let text = serde_json::to_string_pretty(&document).unwrap();
            let read = Copied::read(&mut serde_json::Deserializer::from_str(&text)).unwrap().into_packed();
            prop_assert_eq!(read.value(), document);
        }
    }

    #[test]
    fn the_metadata_is_found_and_the_owners_of_fields_are_left_out() {
        let packed = copy(&json!({
            "apiVersion": "v1", "kind": "ConfigMap", "data": {"metadata": "x", "managedFields": "y"},
            "metadata": {"labels": {"a": "b"}, "managedFields": [{"manager": "m"}], "name": "c"},
        }));
        assert_eq!(packed.metadata().unwrap().name.as_deref(), Some("c"));
        let expected = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "data": {"metadata": "x", "managedFields": "y"},
            "metadata": {"labels": {"a": "b"}, "name": "c"},
        });
        assert_eq!(packed.value(), expected);
        let alone = copy(&json!({"metadata": {"managedFields": []}}));
        assert_eq!(&*alone.text, r#"{"metadata":{}}"#);
    }

    #[test]
    fn a_document_that_is_too_deep_to_be_read_again_is_refused() {
        let nested = |levels: usize| (0..levels).fold(Value::Null, |inner, _| json!([inner]));
        let deep = nested(usize::from(MOST_LEVELS));
        assert_eq!(copy(&deep).value(), deep);
        assert!(Copied::read(&nested(usize::from(MOST_LEVELS) + 1)).is_err());
    }
}
