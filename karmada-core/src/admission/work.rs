//! Work.

use serde_json::Value;

use super::{AdmissionDenied, AdmissionInput, entry::decode};
use crate::{api::work::Work, work};

/// Gives a Work its identifier and brings its manifests into their form.
pub(super) fn mutate(input: &AdmissionInput<'_>) -> Result<Value, AdmissionDenied> {
    decode::<Work>(input.object)?;
    let mut object = input.object.clone();
    work::stamp(&mut object, input.uuid)
        .map_err(|error| AdmissionDenied::by_webhook(input.kind, error.to_string(), Vec::new()))?;
    Ok(object)
}
