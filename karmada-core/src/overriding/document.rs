//! JSON text that is changed in place: what is not touched keeps its key order and number spelling.

use std::fmt::{self, Write as _};

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// A JSON value whose untouched parts stay as they were written.
#[derive(Clone, Debug)]
pub(super) enum Document {
    /// Members in the order of the text.
    Object(Vec<(String, Self)>),
    /// Elements.
    Array(Vec<Self>),
    /// A null, a boolean, a number or a string.
    Scalar(Scalar),
}

/// A scalar: one that was computed, or the text it was read from.
#[derive(Clone, Debug)]
pub(super) enum Scalar {
    /// A value.
    Value(Value),
    /// A number or a string as it was spelt.
    Text(Box<RawValue>),
}

impl Document {
    /// Reads JSON text.
    pub(super) fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Returns whether the value is null.
    pub(super) fn is_null(&self) -> bool {
        match self {
            Self::Scalar(Scalar::Value(value)) => value.is_null(),
            _ => false,
        }
    }

    /// Returns the value, numbers read as such.
    pub(super) fn into_value(self) -> Value {
        match self {
            Self::Object(members) => {
                Value::Object(members.into_iter().map(|(key, member)| (key, member.into_value())).collect())
            }
            Self::Array(elements) => Value::Array(elements.into_iter().map(Self::into_value).collect()),
            Self::Scalar(Scalar::Value(value)) => value,
            Self::Scalar(Scalar::Text(raw)) => serde_json::from_str(raw.get()).unwrap_or(Value::Null),
        }
    }

    /// Returns the text without insignificant blanks, `<`, `>` and `&` escaped as Go's encoder does.
    pub(super) fn to_text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) {
        match self {
            Self::Object(members) => {
                text.push('{');
                for (index, (key, member)) in members.iter().enumerate() {
                    if index > 0 {
                        text.push(',');
                    }
                    write_string(text, key);
                    text.push(':');
                    member.write(text);
                }
                text.push('}');
            }
            Self::Array(elements) => {
                text.push('[');
                for (index, element) in elements.iter().enumerate() {
                    if index > 0 {
                        text.push(',');
                    }
                    element.write(text);
                }
                text.push(']');
            }
            Self::Scalar(Scalar::Value(Value::String(string))) => write_string(text, string),
            Self::Scalar(Scalar::Value(value)) => {
                let _ = write!(text, "{value}");
            }
            Self::Scalar(Scalar::Text(raw)) => write_escaped(text, raw.get()),
        }
    }
}

impl From<Value> for Document {
    fn from(value: Value) -> Self {
        match value {
            Value::Object(members) => {
                Self::Object(members.into_iter().map(|(key, member)| (key, member.into())).collect())
            }
            Value::Array(elements) => Self::Array(elements.into_iter().map(Self::from).collect()),
            scalar => Self::Scalar(Scalar::Value(scalar)),
        }
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The raw text tells the kind of value, and keeps the spelling of numbers and strings.
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let text = raw.get();
        let parsed = match text.as_bytes().first() {
            Some(b'{') => {
                serde_json::Deserializer::from_str(text).deserialize_map(MembersVisitor).map(Self::Object)
            }
            Some(b'[') => {
                serde_json::Deserializer::from_str(text).deserialize_seq(ElementsVisitor).map(Self::Array)
            }
            Some(b'"' | b'-' | b'0'..=b'9') => return Ok(Self::Scalar(Scalar::Text(raw))),
            _ => serde_json::from_str(text).map(|value| Self::Scalar(Scalar::Value(value))),
        };
        parsed.map_err(serde::de::Error::custom)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Vec<(String, Document)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members: Self::Value = Vec::new();
        while let Some((key, member)) = map.next_entry::<String, Document>()? {
            match members.iter_mut().find(|(known, _)| *known == key) {
                Some(known) => known.1 = member,
                None => members.push((key, member)),
            }
        }
        Ok(members)
    }
}

struct ElementsVisitor;

impl<'de> Visitor<'de> for ElementsVisitor {
    type Value = Vec<Document>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element()? {
            elements.push(element);
        }
        Ok(elements)
    }
}

/// Writes JSON text as it is, but safe inside HTML; outside of strings it has none of these characters.
fn write_escaped(text: &mut String, json: &str) {
    for character in json.chars() {
        if matches!(character, '<' | '>' | '&' | '\u{2028}' | '\u{2029}') {
            let _ = write!(text, "\\u{:04x}", u32::from(character));
        } else {
            text.push(character);
        }
    }
}

/// Writes a string as Go's JSON encoder does by default: safe inside HTML.
pub(super) fn write_string(text: &mut String, string: &str) {
    text.push('"');
    for character in string.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                let _ = write!(text, "\\u{:04x}", u32::from(character));
            }
            other => text.push(other),
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_key_order_and_number_spelling() {
        let text = r#"{ "b":1, "a":{"x":[1, 2]}, "f":1.50, "big":12345678901234567890123 }"#;
        let document = Document::parse(text).unwrap();
        assert_eq!(Document::parse(r#"["\u0041\/<"]"#).unwrap().to_text(), r#"["\u0041\/\u003c"]"#);
        assert_eq!(document.to_text(), r#"{"b":1,"a":{"x":[1,2]},"f":1.50,"big":12345678901234567890123}"#);
    }

    #[test]
    fn escapes_what_html_would_read() {
        assert_eq!(
            Document::from(serde_json::json!({"a<b": "x&y\u{2028}"})).to_text(),
            r#"{"a\u003cb":"x\u0026y\u2028"}"#
        );
    }
}
