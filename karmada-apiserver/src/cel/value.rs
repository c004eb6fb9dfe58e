//! Values of expressions.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::super::registry::Quantity;
use super::functions::Authorization;
use super::types::Type;

/// A value. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    String(Arc<str>),
    Bytes(Arc<[u8]>),
    Timestamp(Timestamp),
    Duration(SignedDuration),
    List(Arc<List>),
    Map(Arc<BTreeMap<Key, Self>>),
    Optional(Option<Arc<Self>>),
    Type(Type),
    Quantity(Quantity),
    Ip(IpAddr),
    Cidr(IpAddr, u8),
    Url(Arc<Url>),
    Semver(Arc<Semver>),
    /// A named format, such as `dns1123Label`.
    Format(&'static str),
    /// A variable that could not be evaluated: whoever reads it fails.
    Failed(Arc<str>),
    /// A question to the authorizer, or its answer.
    Authorization(Arc<Authorization>),
}

/// A list, and how a schema says that it is compared and joined.
#[derive(Clone, Debug, Default)]
pub(crate) struct List {
    pub(crate) items: Vec<Value>,
    pub(crate) merge: Merge,
}

/// `x-kubernetes-list-type`.
#[derive(Clone, Debug, Default)]
pub(crate) enum Merge {
    #[default]
    Atomic,
    Set,
    /// Items are identified by these keys.
    Map(Arc<[String]>),
}

/// A key of a map.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    Bool(bool),
    Int(i64),
    /// Unsigned numbers that are no [`Key::Int`].
    Uint(u64),
    String(Arc<str>),
}

/// The parts of a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Url {
    pub(crate) text: String,
    pub(crate) scheme: String,
    pub(crate) host: String,
    pub(crate) hostname: String,
    pub(crate) port: String,
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, Vec<String>>,
}

/// A semantic version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Semver {
    pub(crate) numbers: [u64; 3],
    pub(crate) prerelease: Vec<String>,
}

impl Value {
    pub(crate) fn string(text: impl Into<Arc<str>>) -> Self {
        Self::String(text.into())
    }

    pub(crate) fn list(items: Vec<Self>) -> Self {
        Self::List(Arc::new(List { items, merge: Merge::Atomic }))
    }

    pub(crate) fn map(entries: BTreeMap<Key, Self>) -> Self {
        Self::Map(Arc::new(entries))
    }

    pub(crate) fn some(value: Self) -> Self {
        Self::Optional(Some(Arc::new(value)))
    }

    /// Returns the type of a value, as `type(x)` does.
    pub(crate) fn type_of(&self) -> Type {
        match self {
            Self::Null => Type::Null,
            Self::Bool(_) => Type::Bool,
            Self::Int(_) => Type::Int,
            Self::Uint(_) => Type::Uint,
            Self::Double(_) => Type::Double,
            Self::String(_) => Type::String,
            Self::Bytes(_) => Type::Bytes,
            Self::Timestamp(_) => Type::Timestamp,
            Self::Duration(_) => Type::Duration,
            Self::List(_) => Type::list(Type::Dyn),
            Self::Map(_) => Type::map(Type::Dyn, Type::Dyn),
            Self::Optional(_) => Type::optional(Type::Dyn),
            Self::Type(_) => Type::Kind(Arc::new(Type::Dyn)),
            Self::Quantity(_) => Type::Opaque("kubernetes.Quantity"),
            Self::Ip(_) => Type::Opaque("net.IP"),
            Self::Cidr(..) => Type::Opaque("net.CIDR"),
            Self::Url(_) => Type::Opaque("kubernetes.URL"),
            Self::Semver(_) => Type::Opaque("kubernetes.Semver"),
            Self::Format(_) => Type::Opaque("kubernetes.NamedFormat"),
            Self::Failed(_) => Type::Error,
            Self::Authorization(question) => Type::Opaque(question.type_name()),
        }
    }

    /// Returns the key that a value is in a map.
    pub(crate) fn as_key(&self) -> Option<Key> {
        Some(match self {
            Self::Bool(value) => Key::Bool(*value),
            Self::Int(value) => Key::Int(*value),
            Self::Uint(value) => i64::try_from(*value).map_or(Key::Uint(*value), Key::Int),
            Self::Double(value) if value.fract() == 0.0 && value.abs() < 9e15 => Key::Int(*value as i64),
            Self::String(text) => Key::String(text.clone()),
            _ => return None,
        })
    }

    /// How large a value is for the cost of reading it.
    pub(crate) fn size(&self) -> u64 {
        match self {
            Self::String(text) => text.len() as u64,
            Self::Bytes(data) => data.len() as u64,
            Self::List(list) => list.items.len() as u64,
            Self::Map(entries) => entries.len() as u64,
            Self::Optional(Some(inner)) => inner.size(),
            Self::Url(url) => url.text.len() as u64,
            _ => 1,
        }
    }

    /// Counts what a value holds, down to its scalars: the work of comparing it. Stops at the limit, as values may
    /// share parts and so be larger than memory.
    pub(crate) fn deep_size(&self, limit: u64) -> u64 {
        let mut count = 0;
        self.count(limit, &mut count);
        count
    }

    fn count(&self, limit: u64, count: &mut u64) {
        *count += 1;
        if *count >= limit {
            return;
        }
        if matches!(self, Self::String(_) | Self::Bytes(_)) {
            *count += self.size() / 10;
        }
        let children: Box<dyn Iterator<Item = &Self> + '_> = match self {
            Self::List(list) => Box::new(list.items.iter()),
            Self::Map(entries) => Box::new(entries.values()),
            Self::Optional(Some(inner)) => Box::new(std::iter::once(&**inner)),
            _ => return,
        };
        for child in children {
            if *count >= limit {
                return;
            }
            child.count(limit, count);
        }
    }

    /// Orders two values that have an order.
    pub(crate) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => Some(a.cmp(b)),
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(b)),
            (Self::Uint(a), Self::Uint(b)) => Some(a.cmp(b)),
            (Self::Double(a), Self::Double(b)) => a.partial_cmp(b),
            (Self::Int(a), Self::Uint(b)) => Some(i128::from(*a).cmp(&i128::from(*b))),
            (Self::Uint(a), Self::Int(b)) => Some(i128::from(*a).cmp(&i128::from(*b))),
            (Self::Int(a), Self::Double(b)) => (*a as f64).partial_cmp(b),
            (Self::Double(a), Self::Int(b)) => a.partial_cmp(&(*b as f64)),
            (Self::Uint(a), Self::Double(b)) => (*a as f64).partial_cmp(b),
            (Self::Double(a), Self::Uint(b)) => a.partial_cmp(&(*b as f64)),
            (Self::String(a), Self::String(b)) => Some(a.cmp(b)),
            (Self::Bytes(a), Self::Bytes(b)) => Some(a.cmp(b)),
            (Self::Timestamp(a), Self::Timestamp(b)) => Some(a.cmp(b)),
            (Self::Duration(a), Self::Duration(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::List(a), Self::List(b)) => a.equals(b),
            (Self::Map(a), Self::Map(b)) => {
                a.len() == b.len()
                    && a.iter().all(|(key, value)| b.get(key).is_some_and(|found| found == value))
            }
            (Self::Optional(a), Self::Optional(b)) => a == b,
            (Self::Type(a), Self::Type(b)) => a == b,
            (Self::Quantity(a), Self::Quantity(b)) => a.compare(*b) == Ordering::Equal,
            (Self::Ip(a), Self::Ip(b)) => a == b,
            (Self::Cidr(a, x), Self::Cidr(b, y)) => a == b && x == y,
            (Self::Url(a), Self::Url(b)) => a.text == b.text,
            (Self::Semver(a), Self::Semver(b)) => a == b,
            (Self::Format(a), Self::Format(b)) => a == b,
            (a, b) => a.compare(b) == Some(Ordering::Equal),
        }
    }
}

impl List {
    fn equals(&self, other: &Self) -> bool {
        if self.items.len() != other.items.len() {
            return false;
        }
        match (&self.merge, &other.merge) {
            (Merge::Atomic, Merge::Atomic) => self.items == other.items,
            (Merge::Map(keys), _) | (_, Merge::Map(keys)) => self.items.iter().all(|item| {
                other.items.iter().find(|candidate| same_keys(keys, item, candidate)) == Some(item)
            }),
            // Order means nothing in sets.
            _ => self.items.iter().all(|item| other.items.contains(item)),
        }
    }

    /// Joins two lists: sets and maps keep one item of each.
    pub(crate) fn join(&self, other: &Self) -> Self {
        let mut items = self.items.clone();
        match &self.merge {
            Merge::Atomic => items.extend(other.items.iter().cloned()),
            Merge::Set => {
                for item in &other.items {
                    if !items.contains(item) {
                        items.push(item.clone());
                    }
                }
            }
            Merge::Map(keys) => {
                for item in &other.items {
                    match items.iter_mut().find(|candidate| same_keys(keys, item, candidate)) {
                        Some(found) => *found = item.clone(),
                        None => items.push(item.clone()),
                    }
                }
            }
        }
        Self { items, merge: self.merge.clone() }
    }

    /// Whether comparing and joining look at every pair.
    pub(crate) fn is_associative(&self) -> bool {
        !matches!(self.merge, Merge::Atomic)
    }
}

fn same_keys(keys: &[String], a: &Value, b: &Value) -> bool {
    let (Value::Map(a), Value::Map(b)) = (a, b) else { return a == b };
    keys.iter().all(|key| {
        let key = Key::String(key.as_str().into());
        a.get(&key) == b.get(&key)
    })
}

impl Key {
    pub(crate) fn to_value(&self) -> Value {
        match self {
            Self::Bool(value) => Value::Bool(*value),
            Self::Int(value) => Value::Int(*value),
            Self::Uint(value) => Value::Uint(*value),
            Self::String(text) => Value::String(text.clone()),
        }
    }
}
