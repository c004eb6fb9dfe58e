//! Why a patch cannot be applied.

/// Why a patch cannot be applied, by the answer that a client gets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// The patch cannot be read: 400 with this text.
    #[error("{0}")]
    Malformed(String),
    /// An operation of the patch cannot be done: 422 with the server's general text.
    #[error("the server rejected our request due to an error in our request")]
    Rejected,
    /// A directive or merge key of the patch makes no sense: 500 with this text and no reason.
    #[error("{0}")]
    Meaningless(String),
}
