//! ResourceBinding and ClusterResourceBinding.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    AdmissionDenied, AdmissionInput, Allowed, FieldError, Operation,
    binding_quota::check_quotas,
    entry::{decode, deny_if_any},
};
use crate::{
    api::{
        Feature,
        config::DependentObjectReference,
        work::{
            ClusterResourceBinding, Component, ResourceBinding,
            constants::{
                CLUSTER_RESOURCE_BINDING_ID_LABEL, DEPENDENCIES_ANNOTATION, RESOURCE_BINDING_ID_LABEL,
            },
        },
    },
    object,
};

/// Gives a new binding its identifier, unless it has one.
pub(super) fn mutate(input: &AdmissionInput<'_>) -> Result<Value, AdmissionDenied> {
    let label = if input.kind == ResourceBinding::KIND {
        decode::<ResourceBinding>(input.object)?;
        RESOURCE_BINDING_ID_LABEL
    } else {
        decode::<ClusterResourceBinding>(input.object)?;
        CLUSTER_RESOURCE_BINDING_ID_LABEL
    };
    let mut binding = input.object.clone();
    if input.operation == Operation::Create && object::label(&binding, label).unwrap_or_default().is_empty() {
        object::set_label(&mut binding, label, input.uuid);
    }
    Ok(binding)
}

/// Refuses what is not valid, and what would not fit into the quotas of the namespace.
pub(super) fn validate(input: &AdmissionInput<'_>) -> Result<Allowed, AdmissionDenied> {
    let binding: ResourceBinding = decode(input.object)?;
    let old = match (input.operation, input.old_object) {
        (Operation::Update, Some(old)) => Some(decode::<ResourceBinding>(old)?),
        _ => None,
    };
    let mut errors = Vec::new();
    validate_dependencies(input.object, &mut errors);
    if input.gates.is_enabled(Feature::MultiplePodTemplatesScheduling) {
        validate_components(&binding.spec.components, &mut errors);
    }
    deny_if_any(input.kind, errors)?;
    if !input.gates.is_enabled(Feature::FederatedQuotaEnforcement) {
        return Ok(Allowed::default());
    }
    let quota_uses = check_quotas(input, old.as_ref().map(|old| &old.spec), &binding.spec)?;
    Ok(Allowed { quota_uses })
}

fn validate_dependencies(binding: &Value, errors: &mut Vec<FieldError>) {
    let Some(dependencies) = object::annotation(binding, DEPENDENCIES_ANNOTATION) else {
        return;
    };
    if serde_json::from_str::<Option<Vec<DependentObjectReference>>>(dependencies).is_err() {
        let field = format!("metadata.annotations.{DEPENDENCIES_ANNOTATION}");
        errors.push(FieldError::invalid(field, dependencies, "annotation value must be a valid JSON"));
    }
}

fn validate_components(components: &[Component], errors: &mut Vec<FieldError>) {
    let mut names = BTreeSet::new();
    for (index, component) in components.iter().enumerate() {
        let field = format!("spec.components[{index}].name");
        if component.name.is_empty() {
            errors.push(FieldError::invalid(field, "", "component names must be non-empty"));
        } else if !names.insert(&component.name) {
            errors.push(FieldError::duplicate(field, &component.name));
        }
    }
}
