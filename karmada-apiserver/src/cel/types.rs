//! Types of expressions.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The type of a value, as far as it is known before evaluation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Type {
    /// Known at run time only.
    Dyn,
    /// Stands where a mistake was reported already.
    Error,
    Null,
    Bool,
    Int,
    Uint,
    Double,
    String,
    Bytes,
    Timestamp,
    Duration,
    List(Arc<Self>),
    Map(Arc<Self>, Arc<Self>),
    Optional(Arc<Self>),
    /// A type as value, such as `int`.
    Kind(Arc<Self>),
    Object(Arc<ObjectType>),
    /// A type of a library, such as `kubernetes.Quantity`.
    Opaque(&'static str),
    /// A type variable of the checker.
    Param(usize),
}

/// An object with known fields.
#[derive(Debug, PartialEq)]
pub(crate) struct ObjectType {
    pub(crate) name: String,
    /// Fields by the names that expressions use.
    pub(crate) fields: BTreeMap<String, Type>,
}

impl Type {
    pub(crate) fn list(item: Self) -> Self {
        Self::List(Arc::new(item))
    }

    pub(crate) fn map(key: Self, value: Self) -> Self {
        Self::Map(Arc::new(key), Arc::new(value))
    }

    pub(crate) fn optional(inner: Self) -> Self {
        Self::Optional(Arc::new(inner))
    }

    pub(crate) fn object(name: impl Into<String>, fields: BTreeMap<String, Self>) -> Self {
        Self::Object(Arc::new(ObjectType { name: name.into(), fields }))
    }

    pub(crate) fn is_dyn(&self) -> bool {
        matches!(self, Self::Dyn | Self::Error | Self::Param(_))
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Dyn | Self::Param(_) => "dyn",
            Self::Error => "!error!",
            Self::Null => "null",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Uint => "uint",
            Self::Double => "double",
            Self::String => "string",
            Self::Bytes => "bytes",
            Self::Timestamp => "timestamp",
            Self::Duration => "duration",
            Self::List(item) => return write!(f, "list({item})"),
            Self::Map(key, value) => return write!(f, "map({key}, {value})"),
            Self::Optional(inner) => return write!(f, "optional_type({inner})"),
            Self::Kind(inner) => return write!(f, "type({inner})"),
            Self::Object(object) => object.name.as_str(),
            Self::Opaque(name) => name,
        };
        f.write_str(name)
    }
}
