//! The OpenAPI v2 document in the protobuf form that older clients ask for.
//!
//! Only what clients read is written: the definitions. Numbers are those of the public `openapi.v2` messages.

use serde_json::{Map, Value};

use crate::protobuf::Message;

/// Media type that a client asks for.
pub(super) const ACCEPTED: &str = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
/// Media type of the answer, which differs in one character.
pub(super) const CONTENT_TYPE: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

/// Encodes a `Document` of these definitions.
pub(super) fn document(definitions: &Map<String, Value>) -> Vec<u8> {
    let mut info = Message::default();
    info.text(1, "Kubernetes");
    info.text(2, "v1.36.2");
    let mut all = Message::default();
    for (name, definition) in definitions {
        all.message(1, &named_schema(name, definition));
    }
    let mut document = Message::default();
    document.text(1, "2.0");
    document.message(2, &info);
    document.message(8, &Message::default());
    document.message(9, &all);
    document.into_bytes()
}

fn named_schema(name: &str, source: &Value) -> Message {
    let mut named = Message::default();
    named.text(1, name);
    named.message(2, &schema(source));
    named
}

fn schema(source: &Value) -> Message {
    let mut message = Message::default();
    for (field, key) in [(1, "$ref"), (2, "format"), (3, "title"), (4, "description"), (13, "pattern")] {
        if let Some(text) = source[key].as_str().filter(|text| !text.is_empty()) {
            message.text(field, text);
        }
    }
    if let Some(value) = source.get("default").filter(|value| !value.is_null()) {
        message.message(5, &any(value));
    }
    for (field, key) in [(6, "multipleOf"), (7, "maximum"), (9, "minimum")] {
        if let Some(number) = source[key].as_f64() {
            message.double(field, number);
        }
    }
    let counts = [
        (11, "maxLength"),
        (12, "minLength"),
        (14, "maxItems"),
        (15, "minItems"),
        (17, "maxProperties"),
        (18, "minProperties"),
    ];
    for (field, key) in counts {
        if let Some(count) = source[key].as_u64() {
            message.varint(field, count);
        }
    }
    for (field, key) in [(8, "exclusiveMaximum"), (10, "exclusiveMinimum"), (16, "uniqueItems")] {
        if source[key] == true {
            message.varint(field, 1);
        }
    }
    for name in source["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        message.text(19, name);
    }
    for value in source["enum"].as_array().into_iter().flatten() {
        message.message(20, &any(value));
    }
    if source["additionalProperties"].is_object() {
        let mut item = Message::default();
        item.message(1, &schema(&source["additionalProperties"]));
        message.message(21, &item);
    }
    if let Some(name) = source["type"].as_str() {
        let mut item = Message::default();
        item.text(1, name);
        message.message(22, &item);
    }
    if source["items"].is_object() {
        let mut item = Message::default();
        item.message(1, &schema(&source["items"]));
        message.message(23, &item);
    }
    for part in source["allOf"].as_array().into_iter().flatten() {
        message.message(24, &schema(part));
    }
    if let Some(properties) = source["properties"].as_object().filter(|properties| !properties.is_empty()) {
        let mut all = Message::default();
        for (name, property) in properties {
            all.message(1, &named_schema(name, property));
        }
        message.message(25, &all);
    }
    for (name, value) in source.as_object().into_iter().flatten().filter(|(name, _)| name.starts_with("x-")) {
        let mut extension = Message::default();
        extension.text(1, name);
        extension.message(2, &any(value));
        message.message(31, &extension);
    }
    message
}

/// An `Any` carries YAML text; JSON is YAML.
fn any(value: &Value) -> Message {
    let mut message = Message::default();
    message.text(2, &value.to_string());
    message
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn encodes_a_definition() {
        let definitions = json!({"a": {"type": "string", "required": ["x"]}});
        let bytes = document(definitions.as_object().unwrap());
        let schema = [b"\xb2\x01\x08\x0a\x06string".as_slice()].concat();
        let required = b"\x9a\x01\x01x";
        let has = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
        assert!(bytes.starts_with(b"\x0a\x032.0"));
        assert!(has(&schema) && has(required));
    }
}
