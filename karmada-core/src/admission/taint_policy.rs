//! ClusterTaintPolicy.

use super::{
    AdmissionDenied, AdmissionInput, FieldError, FieldErrorType, TaintPolicyRule,
    entry::{decode, deny_if_any},
    field_error::quote,
};
use crate::api::{cluster::constants::EFFECT_NO_EXECUTE, policy::ClusterTaintPolicy};

/// Refuses taints that are there twice, and evicting taints where they are not allowed.
pub(super) fn validate(input: &AdmissionInput<'_>) -> Result<(), AdmissionDenied> {
    let policy: ClusterTaintPolicy = decode(input.object)?;
    let taints = &policy.spec.taints;
    let mut errors = Vec::new();
    for (index, taint) in taints.iter().enumerate() {
        let field = format!("spec.taints[{index}]");
        let again =
            |other: &&crate::api::policy::PolicyTaint| other.key == taint.key && other.effect == taint.effect;
        if taints.iter().skip(index + 1).find(again).is_some() {
            let text = format!(
                "Duplicate taint with the same key({}) and effect({}) is not allowed",
                taint.key, taint.effect
            );
            let value = Some(quote(&text));
            let field = field.clone();
            errors.push(FieldError { type_: FieldErrorType::Duplicate, field, value, detail: String::new() });
        }
        if taint.effect == EFFECT_NO_EXECUTE && input.taint_policies == TaintPolicyRule::NoExecuteForbidden {
            errors.push(FieldError::forbidden(
                field,
                "Configuring taint with NoExecute effect is not allowed, this capability must be explicitly enabled by administrators through command-line flags",
            ));
        }
    }
    deny_if_any(input.kind, errors)
}
