//! Validation of a CRD itself.

use serde_json::Value;

use super::super::field_error::FieldError;

/// Returns what is wrong with a CRD, or with a change of it.
pub(crate) fn validate(crd: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let _ = old;
    super::resources(crd).err().unwrap_or_default()
}
