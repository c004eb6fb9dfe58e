//! What did not work with one object.

use std::fmt;

use crate::api_error::ApiError;
use crate::error::CliError;
use crate::printer::Printer;

/// A refused request, with what it was for.
#[derive(Debug)]
pub struct Failure {
    what: String,
    source: ApiError,
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.what, self.source)
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// Words a refused request as kubectl does: the reason, what it was for, the server's message.
pub fn while_doing(what: impl Into<String>, source: ApiError) -> CliError {
    let reason = source.reason().map(str::to_owned);
    let hints = source.hints();
    CliError::failed(Failure { what: what.into(), source })
        .with_server_reason(reason.as_deref())
        .with_hints(hints)
}

/// Prints all failures but the last, which ends the command.
pub fn conclude(printer: &Printer, mut failures: Vec<CliError>) -> Result<(), CliError> {
    let Some(last) = failures.pop() else { return Ok(()) };
    for failure in &failures {
        printer.fail(failure);
    }
    Err(last)
}
