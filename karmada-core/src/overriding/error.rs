//! Why overrides do not apply.

use super::{PatchError, ReferenceError, YamlError};
use crate::native::TypeError;

/// An override policy cannot be applied to an object.
#[derive(Debug, thiserror::Error)]
pub enum OverrideError {
    /// An image text is no image reference.
    #[error("failed to parse image value({image})")]
    Image {
        /// The text.
        image: String,
        /// Why not.
        #[source]
        source: ReferenceError,
    },
    /// The component of an image overrider is unknown.
    #[error("unsupported image component({component})")]
    ImageComponent {
        /// The component.
        component: String,
    },
    /// A path does not lead to a text.
    #[error("no text at path {path}: {reason}")]
    NoText {
        /// The path.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The object is no valid object of its kind.
    #[error("failed to convert {kind} from unstructured object")]
    Convert {
        /// The object's kind.
        kind: String,
        /// What does not fit.
        #[source]
        source: TypeError,
    },
    /// A list of containers is no list of objects.
    #[error("{path} is no list of containers")]
    Containers {
        /// Where the list should be.
        path: String,
    },
    /// A patch does not apply.
    #[error("failed to apply the patch")]
    Patch(#[source] PatchError),
    /// The text of a field is no JSON.
    #[error("the text at {path} is no JSON")]
    Json {
        /// The field.
        path: String,
        /// Why not.
        #[source]
        source: serde_json::Error,
    },
    /// The text of a field is no YAML.
    #[error("the text at {path} is no YAML")]
    Yaml {
        /// The field.
        path: String,
        /// Why not.
        #[source]
        source: YamlError,
    },
    /// The patched object is no object with a kind any more.
    #[error("object 'Kind' is missing")]
    KindMissing,
}
