//! Protection from deletion.

use super::{AdmissionDenied, AdmissionInput};
use crate::{
    api::reserved::{DELETION_PROTECTION_ALWAYS, DELETION_PROTECTION_LABEL},
    object,
};

/// Refuses to delete a protected object.
pub(super) fn validate(input: &AdmissionInput<'_>) -> Result<(), AdmissionDenied> {
    let protection = input.old_object.and_then(|stored| object::label(stored, DELETION_PROTECTION_LABEL));
    if protection != Some(DELETION_PROTECTION_ALWAYS) {
        return Ok(());
    }
    let explanation = format!(
        "This resource is protected, please make sure to remove the label: {DELETION_PROTECTION_LABEL}"
    );
    Err(AdmissionDenied::by_webhook("ResourceDeletionProtection", explanation, Vec::new()))
}
