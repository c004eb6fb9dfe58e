//! Permanent identifiers.

use serde_json::Value;

use super::{AdmissionInput, Operation};
use crate::{
    api::work::constants::{CLUSTER_RESOURCE_BINDING_ID_LABEL, RESOURCE_BINDING_ID_LABEL},
    object,
};

/// Gives a new binding its identifier, unless it has one.
pub(super) fn mutate_binding(input: &AdmissionInput<'_>) -> Value {
    let mut binding = input.object.clone();
    let label = if input.kind == "ResourceBinding" {
        RESOURCE_BINDING_ID_LABEL
    } else {
        CLUSTER_RESOURCE_BINDING_ID_LABEL
    };
    if input.operation == Operation::Create && object::label(&binding, label).unwrap_or_default().is_empty() {
        object::set_label(&mut binding, label, input.uuid);
    }
    binding
}
