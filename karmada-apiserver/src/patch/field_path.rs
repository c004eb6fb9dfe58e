//! One step of the path to a field, as managedFields and conflict messages print it.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use serde::Serializer as _;
use serde_json::Value;

use super::field_name::FieldName;

/// One step of the path to a field. Steps sort as: fields, keys, values, indices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathElement {
    /// A member of an object.
    Field(FieldName),
    /// The item of a list whose key fields have these values, sorted by name.
    Key(Arc<[(String, Value)]>),
    /// The item of a list of scalars that has this value.
    Value(Value),
    /// The item of a list at this position.
    Index(i64),
}

impl PathElement {
    /// Reads the form used in FieldsV1: `f:name`, `k:{"name":"x"}`, `v:"x"`, `i:0`.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        match kind {
            "f" => Some(Self::Field(rest.into())),
            "k" => match serde_json::from_str(rest).ok()? {
                Value::Object(fields) => Some(Self::Key(fields.into_iter().collect())),
                _ => None,
            },
            "v" => serde_json::from_str(rest).ok().map(Self::Value),
            "i" => rest.parse().ok().map(Self::Index),
            _ => None,
        }
    }

    /// Prints the form used in FieldsV1.
    pub fn to_key(&self) -> String {
        match self {
            Self::Field(name) => ["f:", name.as_str()].concat(),
            Self::Key(fields) => key_text(fields),
            Self::Value(value) => format!("v:{value}"),
            Self::Index(index) => format!("i:{index}"),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Field(_) => 0,
            Self::Key(_) => 1,
            Self::Value(_) => 2,
            Self::Index(_) => 3,
        }
    }
}

impl Ord for PathElement {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Field(a), Self::Field(b)) => a.cmp(b),
            (Self::Key(a), Self::Key(b)) => compare_lists(a, b, |(a_name, a_value), (b_name, b_value)| {
                a_name.cmp(b_name).then_with(|| compare_values(a_value, b_value))
            }),
            (Self::Value(a), Self::Value(b)) => compare_values(a, b),
            (Self::Index(a), Self::Index(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for PathElement {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Prints the form used in messages: `.name`, `[name="x"]`, `[="x"]`, `[0]`.
impl fmt::Display for PathElement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(f, ".{name}"),
            Self::Key(fields) => {
                let fields = fields.iter().map(|(name, value)| format!("{name}={value}"));
                write!(f, "[{}]", fields.collect::<Vec<_>>().join(","))
            }
            Self::Value(value) => write!(f, "[={value}]"),
            Self::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// Prints the key fields of an item, which are sorted, as an object.
fn key_text(fields: &[(String, Value)]) -> String {
    let mut text = b"k:".to_vec();
    let object = fields.iter().map(|(name, value)| (name, value));
    serde_json::Serializer::new(&mut text).collect_map(object).expect("writing JSON to memory cannot fail");
    String::from_utf8(text).expect("JSON is text")
}

/// Prints a path as messages do, for example `.spec.containers[name="a"].image`.
pub fn print_path(path: &[PathElement]) -> String {
    path.iter().map(ToString::to_string).collect()
}

/// A total order of JSON values: numbers, texts, booleans, null, lists, objects.
fn compare_values(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            let exact = a.as_i64().zip(b.as_i64()).map(|(a, b)| a.cmp(&b));
            // What is no i64 is an u64 or a float; both have a float that orders them.
            exact.unwrap_or_else(|| a.as_f64().unwrap_or_default().total_cmp(&b.as_f64().unwrap_or_default()))
        }
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Array(a), Value::Array(b)) => compare_lists(a, b, compare_values),
        (Value::Object(a), Value::Object(b)) => {
            let (a, b): (Vec<_>, Vec<_>) = (a.iter().collect(), b.iter().collect());
            compare_lists(&a, &b, |a, b| a.0.cmp(b.0).then_with(|| compare_values(a.1, b.1)))
        }
        _ => value_rank(a).cmp(&value_rank(b)),
    }
}

fn compare_lists<T>(a: &[T], b: &[T], compare: impl Fn(&T, &T) -> Ordering) -> Ordering {
    let first = a.iter().zip(b).map(|(a, b)| compare(a, b)).find(|order| order.is_ne());
    first.unwrap_or_else(|| a.len().cmp(&b.len()))
}

fn value_rank(value: &Value) -> u8 {
    match value {
        Value::Number(_) => 0,
        Value::String(_) => 1,
        Value::Bool(_) => 2,
        Value::Null => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_and_prints_every_kind_of_step() {
        let check = |text: &str, printed: &str| {
            let element = PathElement::parse(text).unwrap();
            assert_eq!(element.to_key(), text);
            assert_eq!(element.to_string(), printed);
        };
        check("f:x.io/y", ".x.io/y");
        check(r#"k:{"port":80,"protocol":"TCP"}"#, r#"[port=80,protocol="TCP"]"#);
        check(r#"v:"example.com/a""#, r#"[="example.com/a"]"#);
        check("i:3", "[3]");
        for bad in ["bad", "k:[]", "v:{", "i:x", "z:1"] {
            assert_eq!(PathElement::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn fields_come_before_keys_values_and_indices() {
        let field = PathElement::Field("z".into());
        let key = PathElement::Key([("a".to_owned(), json!(1))].into());
        let value = PathElement::Value(json!("a"));
        let index = PathElement::Index(0);
        assert!(field < key && key < value && value < index);
        assert!(PathElement::Value(json!(2)) < PathElement::Value(json!(10)));
    }
}
