//! A mistake in a script.

use std::fmt;

/// Where a script is wrong, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::admission) enum ScriptError {
    /// It does not follow the grammar.
    Syntax {
        /// Line and column of the last character that was read; none at the end of the script.
        position: Option<(usize, usize)>,
        /// The token.
        token: String,
        /// What is wrong.
        message: &'static str,
    },
    /// It follows the grammar, but means nothing.
    Meaning {
        /// The line.
        line: usize,
        /// What is wrong.
        message: String,
    },
}

impl std::error::Error for ScriptError {}

impl fmt::Display for ScriptError {
    /// Writes it as upstream's Lua machine does, with the line feed at its end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax { position: None, message, .. } => writeln!(f, "<string> at EOF:   {message}"),
            Self::Syntax { position: Some((line, column)), token, message } => {
                writeln!(f, "<string> line:{line}(column:{column}) near '{token}':   {message}")
            }
            Self::Meaning { line, message } => {
                write!(f, "compile error near line({line}) <string>: {message}")
            }
        }
    }
}
