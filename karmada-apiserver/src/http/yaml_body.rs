//! YAML bodies, with the keys that stand twice in a mapping.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::{DuplicateKeyPolicy, Spanned};

/// A parsed body.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct YamlBody {
    /// The content; of two equal keys the last one counts.
    pub(crate) value: Value,
    /// A line for each key that its mapping has already.
    pub(crate) duplicates: Vec<String>,
}

impl YamlBody {
    /// Parses a document.
    ///
    /// # Errors
    /// The parser's own.
    pub(crate) fn parse(text: &str) -> Result<Self, serde_saphyr::Error> {
        let options = serde_saphyr::options! {
            legacy_octal_numbers: true, duplicate_keys: DuplicateKeyPolicy::LastWins
        };
        serde_saphyr::from_str_with_options(text, options)
    }
}

impl From<Value> for YamlBody {
    fn from(value: Value) -> Self {
        Self { value, duplicates: Vec::new() }
    }
}

impl<'de> Deserialize<'de> for YamlBody {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Node)
    }
}

struct Node;

impl<'de> Visitor<'de> for Node {
    type Value = YamlBody;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<YamlBody, E> {
        Ok(Value::Bool(value).into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<YamlBody, E> {
        Ok(Value::from(value).into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<YamlBody, E> {
        Ok(Value::from(value).into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<YamlBody, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("number out of range"))?;
        Ok(Value::Number(number).into())
    }

    fn visit_str<E>(self, value: &str) -> Result<YamlBody, E> {
        Ok(Value::from(value).into())
    }

    fn visit_unit<E>(self) -> Result<YamlBody, E> {
        Ok(Value::Null.into())
    }

    fn visit_none<E>(self) -> Result<YamlBody, E> {
        Ok(Value::Null.into())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<YamlBody, D::Error> {
        YamlBody::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<YamlBody, A::Error> {
        let (mut list, mut duplicates) = (Vec::new(), Vec::new());
        while let Some(item) = items.next_element::<YamlBody>()? {
            list.push(item.value);
            duplicates.extend(item.duplicates);
        }
        Ok(YamlBody { value: Value::Array(list), duplicates })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<YamlBody, A::Error> {
        let (mut map, mut duplicates) = (Map::new(), Vec::new());
        while let Some((key, content)) = members.next_entry::<String, Spanned<YamlBody>>()? {
            if map.contains_key(&key) {
                // The real server names the line on which the value begins.
                let line = content.referenced.line();
                duplicates.push(format!("line {line}: key {key:?} already set in map"));
            }
            duplicates.extend(content.value.duplicates);
            map.insert(key, content.value.value);
        }
        Ok(YamlBody { value: Value::Object(map), duplicates })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keeps_the_last_of_two_equal_keys_and_names_its_line() {
        let body = YamlBody::parse("a: {x: 1}\nb:\n- c: 1\n  c: two\na:\n  y: 0644\n").unwrap();
        assert_eq!(body.value, json!({"a": {"y": 420}, "b": [{"c": "two"}]}));
        assert_eq!(
            body.duplicates,
            ["line 4: key \"c\" already set in map", "line 6: key \"a\" already set in map"]
        );
    }

    #[test]
    fn reads_what_a_plain_map_reads() {
        for text in [
            "a: [1, 2.5, true, null, ~, 'x']\nb: |\n  t\n",
            "{a: {b: {}}}",
            "a: &x {b: 1}\nc: *x\n",
            "1: a\n",
        ] {
            let options = serde_saphyr::options! { legacy_octal_numbers: true };
            let plain: Value = serde_saphyr::from_str_with_options(text, options).unwrap();
            assert_eq!(YamlBody::parse(text).unwrap().value, plain, "{text}");
        }
    }
}
