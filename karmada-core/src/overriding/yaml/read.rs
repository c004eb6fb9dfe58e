//! Reading of YAML text.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::print::number_text;

/// The text is no YAML document.
#[derive(Clone, Debug, thiserror::Error)]
#[error("invalid YAML")]
pub struct YamlError(#[source] std::sync::Arc<serde_saphyr::Error>);

/// Reads the first document of a YAML text.
pub fn parse(text: &str) -> Result<Value, YamlError> {
    let options = serde_saphyr::options! {
        legacy_octal_numbers: true,
        strict_booleans: false,
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::LastWins,
    };
    let mut source = text.as_bytes();
    serde_saphyr::read_with_options::<_, Node>(&mut source, options)
        .next()
        .unwrap_or(Ok(Node(Value::Null)))
        .map(|node| node.0)
        .map_err(|error| YamlError(std::sync::Arc::new(error)))
}

/// A value whose keys are read like any other scalar and then become text: the key `y` is `true`.
struct Node(Value);

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        Node::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Node, E> {
        let number = serde_json::Number::from_f64(value);
        number.map(|number| Node(number.into())).ok_or_else(|| E::custom("JSON has no such number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let mut elements = Vec::new();
        while let Some(Node(element)) = seq.next_element()? {
            elements.push(element);
        }
        Ok(Node(elements.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut members = serde_json::Map::new();
        while let Some((Node(key), Node(member))) = map.next_entry()? {
            let key = match key {
                Value::String(text) => text,
                Value::Number(number) => number_text(&number),
                Value::Bool(value) => value.to_string(),
                Value::Null => "null".to_owned(),
                Value::Array(_) | Value::Object(_) => return Err(de::Error::custom("a key is no scalar")),
            };
            members.insert(key, member);
        }
        Ok(Node(members.into()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_yaml_1_1_scalars() {
        let value = parse("a: yes\nb: 0644\nc: off\nd: y\ne: 1.50\nf: ~\ng: \"yes\"\n").unwrap();
        assert_eq!(
            value,
            json!({"a": true, "b": 420, "c": false, "d": true, "e": 1.5, "f": null, "g": "yes"})
        );
    }

    #[test]
    fn reads_keys_like_other_scalars_and_lets_the_last_of_equal_keys_win() {
        assert_eq!(parse("y: 1\n8080: 2\na: 1\na: 2\n").unwrap(), json!({"true": 1, "8080": 2, "a": 2}));
    }

    #[test]
    fn merges_what_aliases_bring() {
        let value = parse("base: &b {q: 1, r: 1}\nmore:\n  <<: *b\n  r: 2\n").unwrap();
        assert_eq!(value["more"], json!({"q": 1, "r": 2}));
    }

    #[test]
    fn reads_only_the_first_document() {
        assert_eq!(parse("a: 1\n---\nb: 2\n").unwrap(), json!({"a": 1}));
        assert_eq!(parse("").unwrap(), Value::Null);
    }
}
