//! The error every command ends with, and the one way to print a chain of causes.

use std::error::Error;
use std::fmt;

use crate::api_error::ApiError;

/// How a command failed, which decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The user's input, the API or the machine said no.
    Failed,
    /// The command line makes no sense.
    Usage,
    /// Some of several clusters failed, others did what was asked.
    Partial,
    /// Something failed as for `Failed`, and the output says so already.
    Reported,
    /// Something failed as for `Partial`, and the output says so already.
    ReportedPartial,
    /// A command in a container ended with this exit code, and the output says so already.
    Ended(u8),
    /// The reader of our output is gone (`| head`): nothing to report.
    OutputClosed,
}

impl ErrorKind {
    /// Returns the exit code. A bug is a panic, which Rust ends with 101.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::OutputClosed => 0,
            Self::Ended(code) => code,
            Self::Failed | Self::Reported => 1,
            Self::Usage => 2,
            Self::Partial | Self::ReportedPartial => 3,
        }
    }
}

/// A failed command: what happened, why, and what the user can do.
#[derive(Debug)]
pub struct CliError {
    kind: ErrorKind,
    source: Box<dyn Error + Send + Sync>,
    hints: Vec<String>,
    /// The reason of the API server's answer when that answer is the whole story.
    server_reason: Option<String>,
}

impl CliError {
    /// A failure caused by input, the API or the machine.
    pub fn failed(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(ErrorKind::Failed, source)
    }

    /// A command line that makes no sense.
    pub fn usage(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(ErrorKind::Usage, source)
    }

    /// A failure of some clusters only.
    pub fn partial(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(ErrorKind::Partial, source)
    }

    /// An error of the given kind.
    pub fn new(kind: ErrorKind, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind, source: source.into(), hints: Vec::new(), server_reason: None }
    }

    /// Adds a way out, printed as a `hint:` line.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds a way out if there is one.
    pub fn with_hints(mut self, hints: impl IntoIterator<Item = String>) -> Self {
        self.hints.extend(hints);
        self
    }

    /// Marks the error as the API server's answer, which is printed with its reason.
    pub fn with_server_reason(mut self, reason: Option<&str>) -> Self {
        self.server_reason = reason.map(str::to_owned);
        self
    }

    /// The kind, which decides the exit code.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The ways out.
    pub fn hints(&self) -> &[String] {
        &self.hints
    }

    /// Returns the lines to print: the error, then one line per cause that adds something.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = chain_lines(self.source.as_ref());
        if let Some(first) = lines.first_mut() {
            *first = match &self.server_reason {
                Some(reason) => format!("Error from server ({reason}): {first}"),
                None => format!("error: {first}"),
            };
        }
        lines
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(formatter)
    }
}

impl Error for CliError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.source()
    }
}

impl From<ApiError> for CliError {
    fn from(error: ApiError) -> Self {
        let server_reason = error.reason().map(str::to_owned);
        let hints = error.hints();
        Self { server_reason, ..Self::failed(error).with_hints(hints) }
    }
}

/// The tokio runtime did not start.
#[derive(Debug, thiserror::Error)]
#[error("cannot start the runtime")]
pub struct RuntimeError(#[source] pub std::io::Error);

/// Returns one line for the error and one per cause, without a cause that the line above already contains.
pub fn chain_lines(error: &dyn Error) -> Vec<String> {
    let mut lines = vec![error.to_string()];
    let mut above = error.to_string();
    let mut cause = error.source();
    while let Some(current) = cause {
        let text = current.to_string();
        if !above.contains(&text) {
            lines.push(format!("  caused by: {text}"));
            above = text;
        }
        cause = current.source();
    }
    lines
}

/// Returns the chain of causes on one line, for a cell or a log.
pub fn chain_line(error: &dyn Error) -> String {
    chain_lines(error)
        .iter()
        .map(|line| line.trim_start_matches("  caused by: "))
        .collect::<Vec<_>>()
        .join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Layer {
        text: &'static str,
        #[source]
        source: Option<Box<Self>>,
    }

    fn chain(texts: &[&'static str]) -> Layer {
        let (first, rest) = texts.split_first().unwrap();
        Layer { text: first, source: (!rest.is_empty()).then(|| Box::new(chain(rest))) }
    }

    #[test]
    fn skips_a_cause_that_the_line_above_already_contains() {
        let error = chain(&["cannot read x: not found", "not found", "os error 2"]);
        assert_eq!(chain_lines(&error), ["cannot read x: not found", "  caused by: os error 2"]);
        assert_eq!(chain_line(&error), "cannot read x: not found: os error 2");
    }

    #[test]
    fn exit_codes_tell_users_usage_and_partial_failures_apart() {
        let codes = [ErrorKind::OutputClosed, ErrorKind::Failed, ErrorKind::Usage, ErrorKind::Partial]
            .map(ErrorKind::exit_code);
        assert_eq!(codes, [0, 1, 2, 3]);
    }
}
