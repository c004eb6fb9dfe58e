//! What is wrong with a file.

use std::fmt;

use super::node::Location;

/// What is wrong with a file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadProblem {
    /// The file as the user named it.
    pub origin: String,
    pub location: Option<Location>,
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl ReadProblem {
    /// A problem with a file as a whole.
    pub fn of_file(origin: impl Into<String>, message: impl Into<String>) -> Self {
        Self { origin: origin.into(), location: None, message: message.into(), hint: None }
    }

    /// Adds what to do about it.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for ReadProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.origin)?;
        if let Some(location) = self.location {
            write!(formatter, ":{location}")?;
        }
        write!(formatter, ": {}", self.message)
    }
}
