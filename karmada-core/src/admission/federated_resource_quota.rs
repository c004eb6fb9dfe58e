//! FederatedResourceQuota.

use std::collections::BTreeMap;

use super::{
    AdmissionDenied, AdmissionInput, FieldError,
    cluster::push_cluster_name_messages,
    entry::{decode, deny_if_any},
    resource_name::validate_quota_list,
};
use crate::{
    api::policy::{FederatedResourceQuota, FederatedResourceQuotaSpec, FederatedResourceQuotaStatus},
    object::{self, Quantity},
};

const MAX_NAME_LENGTH: usize = 63;

/// Refuses what is not valid, with the mistakes in the order of their texts.
pub(super) fn validate(input: &AdmissionInput<'_>) -> Result<(), AdmissionDenied> {
    let quota: FederatedResourceQuota = decode(input.object)?;
    let mut errors = Vec::new();
    let name = object::name(input.object);
    if name.len() > MAX_NAME_LENGTH {
        let detail = format!("must be no more than {MAX_NAME_LENGTH} characters");
        errors.push(FieldError::invalid("metadata.name", name, detail));
    }
    validate_spec(&quota.spec, &mut errors);
    if let Some(status) = &quota.status {
        validate_status(status, &mut errors);
    }
    // DEVIATION: upstream's order is random.
    errors.sort_by_cached_key(FieldError::to_string);
    deny_if_any(input.kind, errors)
}

fn validate_spec(spec: &FederatedResourceQuotaSpec, errors: &mut Vec<FieldError>) {
    validate_quota_list(&spec.overall, "spec.overall", errors);
    let mut assigned: BTreeMap<&str, Quantity> = BTreeMap::new();
    for (index, assignment) in spec.static_assignments.iter().enumerate() {
        let path = format!("spec.staticAssignments[{index}]");
        push_cluster_name_messages(&assignment.cluster_name, &format!("{path}.clusterName"), errors);
        validate_quota_list(&assignment.hard, &format!("{path}.hard"), errors);
        for (resource, quantity) in &assignment.hard {
            *assigned.entry(resource).or_default() += *quantity;
            if !spec.overall.contains_key(resource) {
                let detail = "assignment resourceName is not exist in overall";
                errors.push(FieldError::invalid(format!("{path}.hard[{resource}]"), resource, detail));
            }
        }
    }
    for (resource, overall) in &spec.overall {
        // Nothing assigned is more than a negative amount.
        if assigned.get(resource.as_str()).copied().unwrap_or_default() > *overall {
            let field = format!("spec.overall[{resource}]");
            errors.push(FieldError::invalid_value(field, overall, "overall is less than assignments"));
        }
    }
}

fn validate_status(status: &FederatedResourceQuotaStatus, errors: &mut Vec<FieldError>) {
    validate_quota_list(&status.overall, "status.overall", errors);
    validate_quota_list(&status.overall_used, "status.overallUsed", errors);
    for (index, cluster) in status.aggregated_status.iter().enumerate() {
        let path = format!("status.aggregatedStatus[{index}]");
        push_cluster_name_messages(&cluster.cluster_name, &format!("{path}.clusterName"), errors);
        validate_quota_list(&cluster.hard, &format!("{path}.hard"), errors);
        validate_quota_list(&cluster.used, &format!("{path}.used"), errors);
    }
}
