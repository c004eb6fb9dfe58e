//! Sending what was changed in the editor.

use serde_json::Value;

use crate::api_error::ApiError;
use crate::change::{
    Found, PatchType, Writer, merge_patch_between, patch_schema, three_way, with_last_applied,
};

/// How often a change is tried again when the object changed in between.
const ATTEMPTS: usize = 5;

/// What became of an edited object.
#[derive(Clone, Debug, PartialEq)]
pub enum Edited {
    Unchanged,
    /// The patch that was sent, and the object as the server has it now.
    Changed {
        patch: Value,
        object: Value,
    },
}

/// A change that was not saved.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    #[error("at least one of apiVersion, kind and name was changed")]
    OtherObject,
    #[error(transparent)]
    Api(#[from] ApiError),
}

/// Whether the object is kept in an annotation of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    Kept,
    NotKept,
}

/// Saves an object that was edited.
///
/// DEVIATION: when the object changed in the meantime, both changes are kept as far as they go together.
pub async fn save(
    writer: &Writer,
    found: &Found,
    subresource: Option<&str>,
    original: &Value,
    edited: &Value,
    record: Record,
) -> Result<Edited, SaveError> {
    let identity = |object: &Value| {
        (object["apiVersion"].clone(), object["kind"].clone(), object["metadata"]["name"].clone())
    };
    if identity(original) != identity(edited) {
        return Err(SaveError::OtherObject);
    }
    let recorded;
    let edited = if record == Record::Kept {
        recorded = with_last_applied(edited);
        &recorded
    } else {
        edited
    };
    if original == edited {
        return Ok(Edited::Unchanged);
    }
    let text = |field: &str| original[field].as_str().unwrap_or_default();
    let schema = patch_schema(text("apiVersion"), text("kind"));
    let namespace = found.namespace.as_deref();
    let mut current = original.clone();
    let mut attempt = 1;
    loop {
        let desired = three_way(original, edited, &current, schema.as_deref());
        let Some(mut patch) = merge_patch_between(&current, &desired) else {
            return Ok(Edited::Unchanged);
        };
        patch["metadata"]["resourceVersion"] = current["metadata"]["resourceVersion"].clone();
        let sent =
            writer.patch(&found.kind, namespace, &found.name, subresource, PatchType::Merge, &patch).await;
        match sent {
            Ok(object) => return Ok(Edited::Changed { patch, object }),
            Err(error) if error.code() == Some(409) && attempt < ATTEMPTS => {
                attempt += 1;
                current = writer.read_part(&found.kind, namespace, &found.name, subresource).await?;
            }
            Err(error) => return Err(error.into()),
        }
    }
}
