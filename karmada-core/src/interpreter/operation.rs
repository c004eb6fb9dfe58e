//! The operations of interpreters, and the kinds they are for.

use std::fmt;

use serde_json::Value;

/// A question about a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// How many replicas are wanted, and what one needs.
    InterpretReplica,
    /// Which components there are, and what they need.
    InterpretComponent,
    /// The same object with other replicas.
    ReviseReplica,
    /// What of a member's object is kept on an update.
    Retain,
    /// The status of the template, from those of the members.
    AggregateStatus,
    /// Which objects the object needs.
    InterpretDependency,
    /// The part of a member's status that is collected.
    InterpretStatus,
    /// Whether a member's object is healthy.
    InterpretHealth,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 8] = [
        Self::InterpretReplica,
        Self::InterpretComponent,
        Self::ReviseReplica,
        Self::Retain,
        Self::AggregateStatus,
        Self::InterpretDependency,
        Self::InterpretStatus,
        Self::InterpretHealth,
    ];

    /// Returns the operation of a name on the wire.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.name() == name)
    }

    /// Returns the name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::InterpretReplica => "InterpretReplica",
            Self::InterpretComponent => "InterpretComponent",
            Self::ReviseReplica => "ReviseReplica",
            Self::Retain => "Retain",
            Self::AggregateStatus => "AggregateStatus",
            Self::InterpretDependency => "InterpretDependency",
            Self::InterpretStatus => "InterpretStatus",
            Self::InterpretHealth => "InterpretHealth",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The group, version and kind of an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKind<'a> {
    /// Group and version, as in `apiVersion`.
    pub api_version: &'a str,
    /// Kind.
    pub kind: &'a str,
}

impl<'a> ObjectKind<'a> {
    /// Returns the kind of an object; one without a readable `apiVersion` has none.
    pub fn of(object: &'a Value) -> Self {
        let text = |field| object.get(field).and_then(Value::as_str).unwrap_or_default();
        let api_version = text("apiVersion");
        if api_version.matches('/').count() > 1 {
            return Self::default();
        }
        Self { api_version, kind: text("kind") }
    }
}

impl fmt::Display for ObjectKind<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (group, version) = self.api_version.split_once('/').unwrap_or(("", self.api_version));
        write!(f, "{group}/{version}, Kind={}", self.kind)
    }
}
