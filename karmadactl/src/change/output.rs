//! What is printed of a changed object.

use clap::ValueEnum;
use serde_json::Value;

use crate::printer::DocumentFormat;

/// What is printed of a changed object, instead of a line about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ChangeFormat {
    /// JSON
    Json,
    /// YAML
    Yaml,
    /// TYPE/NAME, one a line
    Name,
}

impl ChangeFormat {
    /// The format of a document; nothing for names.
    pub fn document(self) -> Option<DocumentFormat> {
        match self {
            Self::Json => Some(DocumentFormat::Json),
            Self::Yaml => Some(DocumentFormat::Yaml),
            Self::Name => None,
        }
    }
}

/// Takes the owners of fields out of an object: people rarely want to read them.
pub fn hide_managed_fields(object: &mut Value) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
}
