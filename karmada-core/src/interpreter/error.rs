//! Why a resource cannot be interpreted.

use super::Operation;
use crate::native::TypeError;
use crate::object::PathError;

/// A resource cannot be interpreted.
#[derive(Debug, thiserror::Error)]
pub enum InterpretError {
    /// No layer has the operation for the kind.
    #[error("default {operation} interpreter for {kind:?} not found")]
    NotFound {
        /// The operation.
        operation: Operation,
        /// The kind.
        kind: String,
    },
    /// The object is no valid object of its kind.
    #[error("failed to convert {kind} from unstructured object")]
    Convert {
        /// The type it should have.
        kind: String,
        /// What does not fit.
        #[source]
        source: TypeError,
    },
    /// A field has the wrong type.
    #[error(transparent)]
    Field(#[from] PathError),
    /// A field that must be there is missing.
    #[error("failed to get {path} from {kind} {namespace}/{name}")]
    MissingField {
        /// Path of the field, with dots.
        path: &'static str,
        /// The object's kind.
        kind: String,
        /// The object's namespace.
        namespace: String,
        /// The object's name.
        name: String,
    },
    /// The annotation with the template's generation is no number.
    #[error("the template generation {text:?} is no number")]
    TemplateGeneration {
        /// The annotation's value, empty when it is missing.
        text: String,
        /// Why not.
        #[source]
        source: std::num::ParseIntError,
    },
    /// A dependency does not say which objects it means.
    #[error("dependencies[{index}]: {reason}")]
    Dependency {
        /// Its place.
        index: usize,
        /// What is wrong.
        reason: String,
    },
    /// A customization, script or webhook failed.
    #[error("{operation} of the customization failed")]
    Customization {
        /// The operation.
        operation: Operation,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
