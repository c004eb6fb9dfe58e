//! Why a script gives no answer.

use super::LimitError;

/// The name under which scripts run; messages of Lua start with it and the line.
pub(super) const CHUNK: &str = "script";

/// A script is wrong, or failed when it ran.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    /// Lua cannot read the script.
    #[error("{}{message}", at_line(*.line))]
    Syntax {
        /// The line, when Lua names one.
        line: Option<u32>,
        /// What is wrong.
        message: String,
    },
    /// The script failed.
    #[error("{}{message}", at_line(*.line))]
    Runtime {
        /// The line, when it is known.
        line: Option<u32>,
        /// What went wrong.
        message: String,
    },
    /// A function returned something else than it should.
    #[error("expected {expected} as the result of {function}, got {found}")]
    Result {
        /// The function.
        function: &'static str,
        /// What it should return.
        expected: &'static str,
        /// What it returned.
        found: String,
    },
    /// A result has no JSON form.
    #[error("the result has no JSON form: {reason}")]
    Encode {
        /// Why not.
        reason: String,
    },
    /// A result is not what it should be.
    #[error("the result is wrong: {reason}")]
    Invalid {
        /// Why.
        reason: String,
    },
    /// A limit was reached.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// The sandbox itself failed.
    #[error("the sandbox failed: {message}")]
    Sandbox {
        /// How.
        message: String,
    },
}

impl ScriptError {
    /// Returns the line of the script that is wrong, when it is known.
    pub fn line(&self) -> Option<u32> {
        match self {
            Self::Syntax { line, .. } | Self::Runtime { line, .. } => *line,
            _ => None,
        }
    }

    pub(super) fn syntax(message: &str) -> Self {
        let (line, message) = split_line(message);
        Self::Syntax { line, message }
    }

    pub(super) fn runtime(message: &str) -> Self {
        let (line, message) = split_line(message);
        Self::Runtime { line, message }
    }

    pub(super) fn encode(reason: impl Into<String>) -> Self {
        Self::Encode { reason: reason.into() }
    }

    pub(super) fn invalid(reason: impl Into<String>) -> Self {
        Self::Invalid { reason: reason.into() }
    }

    pub(super) fn sandbox(error: &mlua::Error) -> Self {
        Self::Sandbox { message: error.to_string() }
    }
}

/// A script that failed, and for which object.
#[derive(Debug, thiserror::Error)]
#[error("{rule} of customization {customization:?} failed for {object}")]
pub struct RuleError {
    /// The customization.
    pub customization: String,
    /// The rule: the field that has the script.
    pub rule: &'static str,
    /// Kind, namespace and name of the object.
    pub object: String,
    /// Why.
    #[source]
    pub source: ScriptError,
}

fn at_line(line: Option<u32>) -> String {
    line.map(|line| format!("line {line}: ")).unwrap_or_default()
}

/// Splits a message of Lua into the line and what is wrong there.
fn split_line(message: &str) -> (Option<u32>, String) {
    let located = message.strip_prefix(CHUNK).and_then(|rest| rest.strip_prefix(':')?.split_once(':'));
    match located.and_then(|(line, rest)| Some((line.parse().ok()?, rest))) {
        Some((line, rest)) => (Some(line), rest.trim_start().to_owned()),
        None => (None, message.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_line_in_messages_of_lua() {
        assert_eq!(split_line("script:12: oops: 1"), (Some(12), "oops: 1".to_owned()));
        assert_eq!(split_line("oops"), (None, "oops".to_owned()));
        assert_eq!(split_line("script: oops"), (None, "script: oops".to_owned()));
        assert_eq!(ScriptError::runtime("script:2: x").to_string(), "line 2: x");
    }
}
