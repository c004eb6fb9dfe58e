//! YAML bodies, with the keys that stand twice in a mapping.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
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
        let options = serde_saphyr::options! { legacy_octal_numbers: true, duplicate_keys: DuplicateKeyPolicy::LastWins };
        let duplicates = RefCell::new(Vec::new());
        let node = Node { duplicates: &duplicates };
        let value = serde_saphyr::with_deserializer_from_str_with_options(text, options, |deserializer| {
            node.deserialize(deserializer)
        })?;
        Ok(Self { value, duplicates: duplicates.into_inner() })
    }
}

#[derive(Clone, Copy)]
struct Node<'a> {
    duplicates: &'a RefCell<Vec<String>>,
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("number out of range"))?;
        Ok(Value::Number(number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = members.next_key::<Spanned<String>>()? {
            let (line, key) = (key.referenced.line(), key.value);
            if map.contains_key(&key) {
                self.duplicates.borrow_mut().push(format!("line {line}: key {key:?} already set in map"));
            }
            let value = members.next_value_seed(self)?;
            map.insert(key, value);
        }
        Ok(Value::Object(map))
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
            ["line 4: key \"c\" already set in map", "line 5: key \"a\" already set in map"]
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
