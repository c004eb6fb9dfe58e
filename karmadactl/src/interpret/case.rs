//! A case of a test file.

use std::fmt;

use jiff::Timestamp;
use karmada_core::interpreter::Operation;

use super::answer::Arguments;
use super::path::Path;
use crate::manifest::{Location, Node};

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file as the user named it.
    pub origin: String,
    /// Where in it.
    pub location: Location,
}

/// A question and the answer it should have.
#[derive(Clone, Debug)]
pub struct Case {
    /// What it shows.
    pub name: String,
    /// Where it stands.
    pub place: Place,
    /// The question.
    pub operation: Operation,
    /// What the question is about.
    pub arguments: Arguments,
    /// The time of conditions that the answer has.
    pub now: Timestamp,
    /// The answer.
    pub want: Want,
}

/// What a case wants.
#[derive(Clone, Debug)]
pub enum Want {
    /// These values.
    Values(Vec<Expectation>),
    /// An error, with this text somewhere in its message.
    Error(String),
}

/// A value that an answer should have.
#[derive(Clone, Debug)]
pub struct Expectation {
    /// The answer's name, and perhaps a field in it.
    pub(super) path: Path,
    /// The value with its places.
    pub(super) node: Node,
    /// The file.
    pub(super) origin: String,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.origin, self.location)
    }
}
