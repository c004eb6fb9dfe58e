//! The table of types and their fields.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use serde::Deserialize;

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let text = include_str!("../../data/native-types.json");
    serde_json::from_str::<RawTable>(text).expect("the embedded table is valid").into()
});

/// What a field holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FieldType {
    Text,
    Boolean,
    Integer32,
    Integer64,
    Float,
    Quantity,
    Time,
    MicroTime,
    IntegerOrText,
    Bytes,
    Anything,
    Struct(String),
    List(Box<Self>),
    Map(Box<Self>),
}

/// What is written when the value is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Zero {
    /// Nothing; a struct is written as its zero value.
    Omitted,
    /// Whatever was there: absent and zero differ.
    Kept,
    /// Always the zero value.
    Written,
}

/// A field of a type.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) field_type: FieldType,
    pub(super) zero: Zero,
}

/// Fields of a type by name.
pub(super) type Fields = BTreeMap<String, Field>;

#[derive(Deserialize)]
struct RawTable {
    kinds: HashMap<String, String>,
    types: HashMap<String, BTreeMap<String, String>>,
}

struct Table {
    kinds: HashMap<String, String>,
    types: HashMap<String, Fields>,
}

impl From<RawTable> for Table {
    fn from(raw: RawTable) -> Self {
        let types = raw
            .types
            .into_iter()
            .map(|(name, fields)| {
                (name, fields.into_iter().map(|(name, text)| (name, parse_field(&text))).collect())
            })
            .collect();
        Self { kinds: raw.kinds, types }
    }
}

/// Returns the name of the type of a kind, when the table has it.
pub fn type_of(api_version: &str, kind: &str) -> Option<&'static str> {
    TABLE.kinds.get(&format!("{api_version}/{kind}")).map(String::as_str)
}

/// Returns the fields of a type.
pub(super) fn fields_of(type_name: &str) -> Option<&'static Fields> {
    TABLE.types.get(type_name)
}

fn parse_field(text: &str) -> Field {
    let (text, zero) = match text.strip_suffix('*') {
        Some(text) => (text, Zero::Kept),
        None => text.strip_suffix('!').map_or((text, Zero::Omitted), |text| (text, Zero::Written)),
    };
    Field { field_type: parse_type(text), zero }
}

fn parse_type(text: &str) -> FieldType {
    let rest = || text.get(1..).unwrap_or_default();
    match text.chars().next() {
        Some('s') => FieldType::Text,
        Some('b') => FieldType::Boolean,
        Some('i') => FieldType::Integer32,
        Some('l') => FieldType::Integer64,
        Some('f') => FieldType::Float,
        Some('q') => FieldType::Quantity,
        Some('t') => FieldType::Time,
        Some('u') => FieldType::MicroTime,
        Some('x') => FieldType::IntegerOrText,
        Some('y') => FieldType::Bytes,
        Some('@') => FieldType::Struct(rest().to_owned()),
        Some('[') => FieldType::List(Box::new(parse_type(rest()))),
        Some('{') => FieldType::Map(Box::new(parse_type(rest()))),
        _ => FieldType::Anything,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_fields_of_every_type_it_names() {
        for (name, fields) in &TABLE.types {
            for (field, Field { field_type, .. }) in fields {
                let mut inner = field_type;
                while let FieldType::List(next) | FieldType::Map(next) = inner {
                    inner = next;
                }
                if let FieldType::Struct(target) = inner {
                    assert!(fields_of(target).is_some(), "{name}.{field} has unknown type {target}");
                }
            }
        }
        assert!(TABLE.kinds.values().all(|name| fields_of(name).is_some()));
    }
}
