//! Overrider that patches the object itself.

use serde_json::Value;

use super::OverrideError;
use super::document::Document;
use super::json_patch::{self, PatchOperation};
use crate::api::policy::PlaintextOverrider;

/// Applies all items as one patch.
pub(super) fn apply(object: &mut Value, overriders: &[PlaintextOverrider]) -> Result<(), OverrideError> {
    let operations: Vec<_> = overriders
        .iter()
        .map(|overrider| PatchOperation {
            operator: overrider.operator.as_str().into(),
            path: overrider.path.as_str().into(),
            value: overrider.value.clone(),
        })
        .collect();
    patch_object(object, &operations)
}

/// Applies a patch to an object, which must stay an object with a kind.
///
/// On an error the object is lost.
pub(super) fn patch_object(
    object: &mut Value,
    operations: &[PatchOperation<'_>],
) -> Result<(), OverrideError> {
    if operations.is_empty() {
        return Ok(());
    }
    let mut document = Document::from(object.take());
    json_patch::apply(&mut document, operations).map_err(OverrideError::Patch)?;
    *object = document.into_value();
    match object.get("kind").and_then(Value::as_str) {
        Some(kind) if !kind.is_empty() => Ok(()),
        _ => Err(OverrideError::KindMissing),
    }
}
