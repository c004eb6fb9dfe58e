//! From structural schemas to types, and from JSON to values.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::functions::{parse_duration, parse_timestamp};
use super::types::Type;
use super::value::{Key, Merge, Value};

/// Bytes of the largest request.
const MAX_REQUEST: u64 = 3 * 1024 * 1024;
const RESERVED: &[&str] = &[
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// What expressions know about a node of a schema.
#[derive(Debug)]
pub(crate) struct Declaration {
    pub(crate) value_type: Type,
    shape: Shape,
    /// Characters or entries that a value has at most.
    pub(crate) max_size: u64,
    /// Bytes that a value takes at least in a request.
    min_bytes: u64,
}

#[derive(Debug)]
enum Shape {
    /// Read by its JSON type: int-or-string.
    Open,
    Bool,
    Int,
    Double,
    String,
    Bytes,
    Date,
    Timestamp,
    Duration,
    List(Arc<Declaration>, Merge),
    Map(Arc<Declaration>),
    /// Fields by their JSON names, with the names of expressions.
    Object(BTreeMap<String, (Arc<str>, Arc<Declaration>)>),
}

/// Whether a schema is that of a whole object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Root,
    Nested,
}

impl Declaration {
    /// Reads a schema node; `None` for what expressions cannot see, such as values of any type.
    pub(crate) fn from_schema(source: &Json, level: Level) -> Option<Arc<Self>> {
        declare(source, level, "selfType").map(Arc::new)
    }

    pub(crate) fn field(&self, name: &str) -> Option<&Arc<Self>> {
        match &self.shape {
            Shape::Object(fields) => fields.get(name).map(|(_, field)| field),
            _ => None,
        }
    }

    /// Returns the field that expressions know by this name.
    pub(crate) fn escaped_field(&self, name: &str) -> Option<&Arc<Self>> {
        match &self.shape {
            Shape::Object(fields) => {
                fields.values().find(|(escaped, _)| &**escaped == name).map(|(_, field)| field)
            }
            _ => None,
        }
    }

    /// Returns the declaration of the items of a list or the values of a map.
    pub(crate) fn element(&self) -> Option<&Arc<Self>> {
        match &self.shape {
            Shape::List(item, _) | Shape::Map(item) => Some(item),
            _ => None,
        }
    }

    /// Converts JSON that the schema describes.
    pub(crate) fn value(&self, json: &Json) -> Value {
        match (&self.shape, json) {
            (Shape::Int, Json::Number(number)) => number
                .as_i64()
                .or_else(|| number.as_f64().map(|value| value as i64))
                .map_or(Value::Null, Value::Int),
            (Shape::Double, Json::Number(number)) => number.as_f64().map_or(Value::Null, Value::Double),
            (Shape::Bytes, Json::String(text)) => {
                use base64::Engine as _;
                let decoded = base64::engine::general_purpose::STANDARD.decode(text);
                decoded.map_or_else(|_| from_json(json), |data| Value::Bytes(data.into()))
            }
            (Shape::Timestamp, Json::String(text)) => {
                parse_timestamp(text).map_or_else(|_| from_json(json), Value::Timestamp)
            }
            (Shape::Date, Json::String(text)) => parse_timestamp(&format!("{text}T00:00:00Z"))
                .map_or_else(|_| from_json(json), Value::Timestamp),
            (Shape::Duration, Json::String(text)) => {
                parse_duration(text).map_or_else(|_| from_json(json), Value::Duration)
            }
            (Shape::List(item, merge), Json::Array(items)) => {
                let items = items.iter().map(|json| item.value(json)).collect();
                Value::List(Arc::new(super::value::List { items, merge: merge.clone() }))
            }
            (Shape::Map(item), Json::Object(map)) => Value::map(
                map.iter().map(|(key, json)| (Key::String(key.as_str().into()), item.value(json))).collect(),
            ),
            (Shape::Object(fields), Json::Object(map)) => Value::map(
                map.iter()
                    .map(|(key, json)| match fields.get(key) {
                        Some((escaped, field)) => (Key::String(escaped.clone()), field.value(json)),
                        None => (Key::String(key.as_str().into()), from_json(json)),
                    })
                    .collect(),
            ),
            _ => from_json(json),
        }
    }
}

/// Converts JSON of which nothing is known.
pub(crate) fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(value), _) => Value::Int(value),
            (_, Some(value)) => Value::Uint(value),
            _ => number.as_f64().map_or(Value::Null, Value::Double),
        },
        Json::String(text) => Value::string(text.as_str()),
        Json::Array(items) => Value::list(items.iter().map(from_json).collect()),
        Json::Object(map) => Value::map(
            map.iter().map(|(key, json)| (Key::String(key.as_str().into()), from_json(json))).collect(),
        ),
    }
}

fn declare(source: &Json, level: Level, name: &str) -> Option<Declaration> {
    let text = |key: &str| source.get(key).and_then(Json::as_str).unwrap_or_default();
    let flag = |key: &str| source.get(key) == Some(&json!(true));
    let count = |key: &str| source.get(key).and_then(Json::as_u64);
    let make = |value_type: Type, shape: Shape, max_size: u64, min_bytes: u64| {
        Some(Declaration { value_type, shape, max_size, min_bytes })
    };
    if flag("x-kubernetes-int-or-string") {
        return make(Type::Dyn, Shape::Open, MAX_REQUEST - 2, 1);
    }
    match text("type") {
        "boolean" => make(Type::Bool, Shape::Bool, 1, 4),
        "integer" => make(Type::Int, Shape::Int, 1, 1),
        "number" => make(Type::Double, Shape::Double, 1, 1),
        "string" => {
            // A character has up to four bytes.
            let length = count("maxLength").map(|length| length.saturating_mul(4));
            match text("format") {
                "byte" => {
                    let limit = count("maxLength").unwrap_or(MAX_REQUEST - 2);
                    make(Type::Bytes, Shape::Bytes, limit, 2)
                }
                "duration" => make(Type::Duration, Shape::Duration, 17, 2),
                "date" => make(Type::Timestamp, Shape::Date, 12, 12),
                "date-time" => make(Type::Timestamp, Shape::Timestamp, 27, 22),
                _ => {
                    let options = source.get("enum").and_then(Json::as_array);
                    let longest = options.map(|options| {
                        options
                            .iter()
                            .filter_map(Json::as_str)
                            .map(|option| option.len() as u64)
                            .max()
                            .unwrap_or(0)
                    });
                    make(Type::String, Shape::String, length.or(longest).unwrap_or(MAX_REQUEST - 2), 2)
                }
            }
        }
        "array" => {
            let item = declare(source.get("items")?, Level::Nested, &format!("{name}.@idx")).map(Arc::new)?;
            let merge = match text("x-kubernetes-list-type") {
                "set" => Merge::Set,
                "map" => Merge::Map(
                    source["x-kubernetes-list-map-keys"]
                        .as_array()
                        .into_iter()
                        .flatten()
                        .filter_map(Json::as_str)
                        .map(escape)
                        .collect(),
                ),
                _ => Merge::Atomic,
            };
            let limit = count("maxItems").unwrap_or((MAX_REQUEST - 2) / (item.min_bytes + 1));
            make(Type::list(item.value_type.clone()), Shape::List(item, merge), limit, 2)
        }
        "object" => {
            if let Some(additional @ Json::Object(_)) = source.get("additionalProperties") {
                let item = declare(additional, Level::Nested, &format!("{name}.@elem")).map(Arc::new)?;
                let limit = count("maxProperties").unwrap_or((MAX_REQUEST - 2) / (item.min_bytes + 6));
                return make(Type::map(Type::String, item.value_type.clone()), Shape::Map(item), limit, 2);
            }
            let level = if flag("x-kubernetes-embedded-resource") { Level::Root } else { level };
            Some(object(source, level, name))
        }
        _ => None,
    }
}

fn object(source: &Json, level: Level, name: &str) -> Declaration {
    let mut properties = source.get("properties").and_then(Json::as_object).cloned().unwrap_or_default();
    if level == Level::Root {
        let text = json!({"type": "string"});
        properties.insert("apiVersion".to_owned(), text.clone());
        properties.insert("kind".to_owned(), text.clone());
        let names = json!({"type": "object", "properties": {"name": text.clone(), "generateName": text}});
        properties.insert("metadata".to_owned(), names);
    }
    let required: Vec<&str> = source
        .get("required")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .collect();
    let mut min_bytes = 2;
    let mut fields = BTreeMap::new();
    let mut types = BTreeMap::new();
    for (key, node) in &properties {
        let Some(field) = declare(node, Level::Nested, &format!("{name}.{key}")).map(Arc::new) else {
            continue;
        };
        if required.contains(&key.as_str()) && node.get("default").is_none_or(Json::is_null) {
            min_bytes += key.len() as u64 + 4 + field.min_bytes;
        }
        if !is_reachable(key) {
            continue;
        }
        let escaped = escape(key);
        types.insert(escaped.clone(), field.value_type.clone());
        fields.insert(key.clone(), (Arc::from(escaped), field));
    }
    let value_type = Type::object(name, types);
    Declaration { value_type, shape: Shape::Object(fields), max_size: 1, min_bytes }
}

/// Whether expressions can spell the name of a property at all.
fn is_reachable(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '/');
    !name.starts_with(|c: char| c.is_ascii_digit()) && !name.is_empty() && name.chars().all(allowed)
}

/// Returns the name that expressions use for a property.
fn escape(name: &str) -> String {
    if RESERVED.contains(&name) {
        return format!("__{name}__");
    }
    name.replace("__", "__underscores__")
        .replace('.', "__dot__")
        .replace('-', "__dash__")
        .replace('/', "__slash__")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_expressions_cannot_spell() {
        let rows = [
            ("namespace", "__namespace__"),
            ("a-b", "a__dash__b"),
            ("a.b/c", "a__dot__b__slash__c"),
            ("x__y", "x__underscores__y"),
            ("plain_name", "plain_name"),
        ];
        for (name, expected) in rows {
            assert_eq!(escape(name), expected);
        }
    }
}
