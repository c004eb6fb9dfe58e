//! What a reconcile may fail with.

use std::error::Error as StdError;

/// Why a reconcile did not reach its end.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// A call of an API server failed.
    #[error("failed to {operation}")]
    Api {
        operation: String,
        #[source]
        source: Box<kube::Error>,
    },
    /// A decision could not be made from the inputs.
    #[error("failed to {operation}")]
    Decision {
        operation: String,
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// Something that must happen first has not happened yet.
    #[error("waiting for {0}")]
    Waiting(String),
}

impl ReconcileError {
    /// Wraps an API error with what was being done.
    pub fn api(operation: impl Into<String>) -> impl FnOnce(kube::Error) -> Self {
        let operation = operation.into();
        move |source| Self::Api { operation, source: Box::new(source) }
    }

    /// Wraps a decision's error with what was being decided.
    pub fn decision<E: StdError + Send + Sync + 'static>(
        operation: impl Into<String>,
    ) -> impl FnOnce(E) -> Self {
        let operation = operation.into();
        move |source| Self::Decision { operation, source: Box::new(source) }
    }

    /// The API server's own words, when it is what refused; conflicts resolve by themselves and have none.
    pub fn answer(&self) -> Option<&str> {
        match self {
            Self::Api { source, .. } if !self.is_conflict() => match &**source {
                kube::Error::Api(status) => Some(&status.message),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether another writer was faster, which the next try resolves by itself.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Api { source, .. } if is_status(source, 409))
    }
}

/// Whether an API call failed with the HTTP status `code`.
pub(crate) fn is_status(error: &kube::Error, code: u16) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == code)
}

/// Whether an API call failed because the object does not exist.
pub(crate) fn is_not_found(error: &kube::Error) -> bool {
    is_status(error, 404)
}

/// Prints an error with its causes, leaving out a cause that the text before it already contains.
pub(crate) fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
