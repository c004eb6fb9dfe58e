//! A YAML value that knows where it stands in the file.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::Spanned;

/// A place in a file, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    pub line: u64,
    pub column: u64,
}

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.line, self.column)
    }
}

impl From<serde_saphyr::Location> for Location {
    fn from(location: serde_saphyr::Location) -> Self {
        Self { line: location.line(), column: location.column() }
    }
}

/// A value and its place.
#[derive(Clone, Debug)]
pub struct Node {
    pub location: Location,
    pub value: NodeValue,
}

/// What stands in one place of a file.
#[derive(Clone, Debug)]
pub enum NodeValue {
    Scalar(Value),
    List(Vec<Node>),
    /// Keys with their own places.
    Object(Vec<(String, Location, Node)>),
}

impl Node {
    /// Returns the value without places.
    pub fn to_json(&self) -> Value {
        match &self.value {
            NodeValue::Scalar(value) => value.clone(),
            NodeValue::List(items) => Value::Array(items.iter().map(Self::to_json).collect()),
            NodeValue::Object(fields) => Value::Object(
                fields.iter().map(|(key, _, node)| (key.clone(), node.to_json())).collect::<Map<_, _>>(),
            ),
        }
    }

    /// Returns the value of a field.
    pub fn field(&self, name: &str) -> Option<&Self> {
        match &self.value {
            NodeValue::Object(fields) => {
                fields.iter().find(|(key, _, _)| key == name).map(|(_, _, node)| node)
            }
            _ => None,
        }
    }

    /// Returns the place of `spec.containers[0].image`, or of the deepest part of it that exists.
    ///
    /// Keys may contain dots: of two that fit, the longer one is taken.
    pub fn locate(&self, path: &str) -> Location {
        self.find(path).1
    }

    /// Returns the place of the name of a field; of an item of a list that of the item.
    ///
    /// Of a path that does not exist it is the deepest part that does.
    pub fn locate_key(&self, path: &str) -> Location {
        self.find(path).0
    }

    /// Returns the places of the last key and of its value.
    fn find(&self, path: &str) -> (Location, Location) {
        let mut found = (self.location, self.location);
        let mut node = self;
        let mut rest = path;
        while let Some((key, next, after)) = node.step(rest) {
            found = (key, next.location);
            node = next;
            rest = after;
        }
        found
    }

    /// Returns what the first step of a path leads to, with its key's place, and the rest of the path.
    fn step<'a>(&self, path: &'a str) -> Option<(Location, &Self, &'a str)> {
        let path = path.strip_prefix('.').unwrap_or(path);
        let (inner, bracket) = match path.strip_prefix('[') {
            Some(inner) => (inner, "]"),
            None => (path, ""),
        };
        match &self.value {
            NodeValue::Scalar(_) => None,
            NodeValue::List(items) => {
                let (index, rest) = inner.split_once([']', '.']).unwrap_or((inner, ""));
                items.get(index.parse::<usize>().ok()?).map(|item| (item.location, item, rest))
            }
            NodeValue::Object(fields) => fields
                .iter()
                .filter(|(key, _, _)| !key.is_empty())
                .filter_map(|(key, location, node)| {
                    let rest = inner.strip_prefix(key.as_str())?.strip_prefix(bracket)?;
                    (rest.is_empty() || rest.starts_with(['.', '['])).then_some((*location, node, rest))
                })
                .min_by_key(|(_, _, rest)| rest.len()),
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<NodeValue>::deserialize(deserializer)?;
        Ok(Self { location: spanned.referenced.into(), value: spanned.value })
    }
}

impl<'de> Deserialize<'de> for NodeValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = NodeValue;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<NodeValue, E> {
        Ok(NodeValue::Scalar(Value::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<NodeValue, E> {
        Ok(NodeValue::Scalar(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<NodeValue, E> {
        Ok(NodeValue::Scalar(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<NodeValue, E> {
        Number::from_f64(value)
            .map(|number| NodeValue::Scalar(Value::Number(number)))
            .ok_or_else(|| E::custom("infinity and not-a-number have no JSON form"))
    }

    fn visit_str<E>(self, value: &str) -> Result<NodeValue, E> {
        Ok(NodeValue::Scalar(Value::String(value.to_owned())))
    }

    fn visit_string<E>(self, value: String) -> Result<NodeValue, E> {
        Ok(NodeValue::Scalar(Value::String(value)))
    }

    fn visit_unit<E>(self) -> Result<NodeValue, E> {
        Ok(NodeValue::Scalar(Value::Null))
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<NodeValue, E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<NodeValue, D::Error> {
        NodeValue::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<NodeValue, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<Node>()? {
            list.push(item);
        }
        Ok(NodeValue::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<NodeValue, A::Error> {
        let mut fields = Vec::new();
        while let Some(key) = entries.next_key::<Spanned<String>>()? {
            fields.push((key.value, key.referenced.into(), entries.next_value::<Node>()?));
        }
        Ok(NodeValue::Object(fields))
    }
}
