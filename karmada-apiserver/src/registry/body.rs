//! A JSON body with what a map forgets: duplicate keys and the order of fields.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;

use bytes::Bytes;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::prepare::FieldValidation;
use super::trail::Trail;

/// A parsed body.
#[derive(Clone, Debug, Default)]
pub struct Body {
    /// The content; a duplicate key has its last value, merged where both are objects.
    pub value: Value,
    /// Problems that the parser found, such as `duplicate field "data.a"`, in the order of the body.
    pub problems: Vec<Problem>,
    /// The order of fields is looked up here when there is something to sort.
    text: Bytes,
}

/// Something that strict decoding refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Path of the field, such as `spec.ports[0].name`.
    pub path: String,
    pub text: String,
}

/// What a walk through the text noted.
struct Notes {
    duplicates: Vec<Problem>,
    /// Path to position; absent when nobody wants to know.
    order: Option<HashMap<String, usize>>,
}

struct Node<'a> {
    trail: Trail<'a>,
    notes: &'a RefCell<Notes>,
}

impl Body {
    /// Parses JSON text.
    ///
    /// # Errors
    ///
    /// The parser's error for text that is not one JSON value.
    pub fn parse(text: &Bytes) -> Result<Self, serde_json::Error> {
        // The order matters only when there is a problem: paths are not even printed before.
        let (value, notes) = Notes::of(text, None)?;
        if notes.duplicates.is_empty() {
            return Ok(Self { value, problems: Vec::new(), text: text.clone() });
        }
        let (value, notes) = Notes::of(text, Some(HashMap::new()))?;
        Ok(Self { value, problems: notes.duplicates, text: text.clone() })
    }

    /// Notes the keys that stand twice in the mappings of a YAML body; they come before all other problems.
    ///
    /// Each is a warning of its own; a refusal has them together.
    pub(crate) fn with_duplicate_lines(lines: &[String], validation: FieldValidation) -> Self {
        let texts = match validation {
            _ if lines.is_empty() => Vec::new(),
            FieldValidation::Strict => vec![format!("yaml: unmarshal errors:\n  {}", lines.join("\n  "))],
            FieldValidation::Ignore | FieldValidation::Warn => lines.to_vec(),
        };
        let problems = texts.into_iter().map(|text| Problem { path: String::new(), text }).collect();
        Self { problems, ..Self::default() }
    }

    /// Joins the parser's problems with later ones.
    ///
    /// The result is in the order of the body; problems with fields that are not in the body come last.
    pub(crate) fn ordered(&self, later: Vec<Problem>) -> Vec<String> {
        let mut all: Vec<Problem> = self.problems.iter().cloned().chain(later).collect();
        if all.len() > 1
            && let Ok((_, Notes { order: Some(order), .. })) = Notes::of(&self.text, Some(HashMap::new()))
        {
            all.sort_by_key(|problem| order.get(&problem.path).copied().unwrap_or(usize::MAX));
        }
        all.into_iter().map(|problem| problem.text).collect()
    }
}

impl Notes {
    fn of(text: &[u8], order: Option<HashMap<String, usize>>) -> Result<(Value, Self), serde_json::Error> {
        let notes = RefCell::new(Self { duplicates: Vec::new(), order });
        let mut deserializer = serde_json::Deserializer::from_slice(text);
        let value = Node { trail: Trail::Root, notes: &notes }.deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok((value, notes.into_inner()))
    }

    /// Notes a member in the order of first sight. Returns the problem when there was one of its name.
    fn member(&mut self, trail: &Trail<'_>, is_duplicate: bool) -> Option<Problem> {
        let path = (is_duplicate || self.order.is_some()).then(|| trail.to_string())?;
        let position = self.order.as_ref().map_or(0, HashMap::len);
        if is_duplicate {
            // A duplicate is reported where it stands.
            let text = format!("duplicate field \"{path}\"");
            let path = format!("{path}\u{0}{position}");
            return Some(Problem { path, text });
        }
        self.order.as_mut()?.insert(path, position);
        None
    }
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
        f.write_str("a JSON value")
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
        let number = serde_json::Number::from_f64(value).ok_or_else(|| E::custom("number out of range"))?;
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

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        loop {
            let trail = Trail::Item(&self.trail, list.len());
            match items.next_element_seed(Node { trail, notes: self.notes })? {
                Some(item) => list.push(item),
                None => return Ok(Value::Array(list)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            let trail = Trail::Member(&self.trail, &key);
            let seen = map.contains_key(&key);
            let position = self.notes.borrow().order.as_ref().map_or(0, HashMap::len);
            let reported = self.notes.borrow_mut().member(&trail, seen);
            let value = members.next_value_seed(Node { trail, notes: self.notes })?;
            if let Some(problem) = reported {
                let mut notes = self.notes.borrow_mut();
                if let Some(order) = &mut notes.order {
                    order.insert(problem.path.clone(), position);
                }
                notes.duplicates.push(problem);
            }
            if seen {
                merge_member(&mut map, key, value);
            } else {
                map.insert(key, value);
            }
        }
        Ok(Value::Object(map))
    }
}

fn merge_member(map: &mut Map<String, Value>, key: String, value: Value) {
    match (map.get_mut(&key), value) {
        (Some(Value::Object(old)), Value::Object(new)) => {
            for (key, value) in new {
                merge_member(old, key, value);
            }
        }
        (_, value) => {
            map.insert(key, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merges_duplicate_objects_and_reports_the_duplicates_in_order() {
        let body =
            Body::parse(&Bytes::from_static(br#"{"data":{"a":"1","a":"2"},"data":{"b":"3"}}"#)).unwrap();
        assert_eq!(body.value, serde_json::json!({"data": {"a": "2", "b": "3"}}));
        assert_eq!(body.ordered(Vec::new()), ["duplicate field \"data.a\"", "duplicate field \"data\""]);
    }

    #[test]
    fn sorts_later_problems_by_their_place_in_the_body() {
        let body = Body::parse(&Bytes::from_static(br#"{"metadata":{"lables":1},"dta":2}"#)).unwrap();
        let problem = |path: &str| Problem { path: path.to_owned(), text: path.to_owned() };
        assert_eq!(
            body.ordered(vec![problem("dta"), problem("metadata.lables")]),
            ["metadata.lables", "dta"]
        );
    }
}
