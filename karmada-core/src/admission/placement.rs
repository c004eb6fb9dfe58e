//! Placements.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{FieldError, affinity::validate_cluster_affinity};
use crate::{
    api::policy::{
        ClusterAffinity, ClusterAffinityTerm, DivisionPreference, DynamicWeightFactor, Placement,
        ReplicaSchedulingType, SpreadConstraint, SpreadField, WorkloadAffinity, WorkloadAffinityTerm,
    },
    object::validation::qualified_name,
};

const PATH: &str = "spec.placement";

/// Checks a placement.
///
/// `written` is the placement as the user wrote it: an empty list is not the same as none.
pub(super) fn validate_placement(placement: &Placement, written: &Value, errors: &mut Vec<FieldError>) {
    if placement.cluster_affinity.is_some() && written["clusterAffinities"].is_array() {
        errors.push(FieldError::invalid_value(
            PATH,
            placement,
            "clusterAffinities cannot co-exist with clusterAffinity",
        ));
    }
    if let Some(affinity) = &placement.cluster_affinity {
        validate_cluster_affinity(affinity, &format!("{PATH}.clusterAffinity"), errors);
    }
    validate_cluster_affinities(placement, &written["clusterAffinities"], errors);
    validate_spread_constraints(&placement.spread_constraints, errors);
    for (index, toleration) in placement.cluster_tolerations.iter().enumerate() {
        if matches!(toleration.operator.as_str(), "Lt" | "Gt") {
            let field = format!("{PATH}.clusterTolerations[{index}].operator");
            errors.push(FieldError::not_supported(field, &toleration.operator, &["", "Exists", "Equal"]));
        }
    }
    if let Some(affinity) = &placement.workload_affinity {
        validate_workload_affinity(affinity, errors);
    }
}

fn validate_cluster_affinities(placement: &Placement, written: &Value, errors: &mut Vec<FieldError>) {
    let path = format!("{PATH}.clusterAffinities");
    let terms = &placement.cluster_affinities;
    let mut names = BTreeSet::new();
    for (index, term) in terms.iter().enumerate() {
        let field = format!("{path}[{index}]");
        push_messages(&field, &term.affinity_name, errors);
        if !names.insert(&term.affinity_name) {
            errors.push(FieldError::invalid_value(
                &path,
                terms,
                "each affinity term in a policy must have a unique name",
            ));
        }
        validate_cluster_affinity(&term.affinity, &field, errors);
        if written[index]["overflowAffinities"].is_array() {
            validate_overflow(placement, term, &format!("{field}.overflowAffinities"), errors);
        }
    }
}

fn validate_overflow(
    placement: &Placement,
    term: &ClusterAffinityTerm,
    path: &str,
    errors: &mut Vec<FieldError>,
) {
    if !divides_by_room(placement) {
        errors.push(FieldError::invalid_value(
            path,
            &term.overflow_affinities,
            "overflowAffinities can only be used together with dynamic weight or aggregated scheduling",
        ));
    }
    if term.affinity == ClusterAffinity::default() {
        errors.push(FieldError::invalid_value(
            path,
            &term.overflow_affinities,
            "overflowAffinities can only be used together with the inline ClusterAffinity",
        ));
    }
    let mut names = BTreeSet::from([&term.affinity_name]);
    for (index, overflow) in term.overflow_affinities.iter().enumerate() {
        let field = format!("{path}[{index}]");
        push_messages(&format!("{field}.affinityName"), &overflow.affinity_name, errors);
        if !names.insert(&overflow.affinity_name) {
            errors.push(FieldError::invalid(
                format!("{field}.affinityName"),
                &overflow.affinity_name,
                "overflow affinity name must be unique and must not duplicate the primary group's affinityName",
            ));
        }
        validate_cluster_affinity(&overflow.affinity, &field, errors);
    }
}

/// Returns true when shares depend on the room clusters have.
fn divides_by_room(placement: &Placement) -> bool {
    let Some(strategy) = &placement.replica_scheduling else {
        return false;
    };
    if strategy.replica_scheduling_type != ReplicaSchedulingType::Divided {
        return false;
    }
    match strategy.replica_division_preference {
        DivisionPreference::Aggregated => true,
        DivisionPreference::Weighted => strategy
            .weight_preference
            .as_ref()
            .is_some_and(|preference| preference.dynamic_weight != DynamicWeightFactor::Unset),
        _ => false,
    }
}

fn validate_spread_constraints(constraints: &[SpreadConstraint], errors: &mut Vec<FieldError>) {
    let path = format!("{PATH}.spreadConstraints");
    let mut fields: BTreeMap<&SpreadField, usize> = BTreeMap::new();
    for (index, constraint) in constraints.iter().enumerate() {
        let mut refuse = |detail: &str| {
            errors.push(FieldError::invalid_value(format!("{path}[{index}]"), constraint, detail));
        };
        if !constraint.spread_by_field.is_unset() && !constraint.spread_by_label.is_empty() {
            refuse("spreadByLabel should not co-exist with spreadByField");
        }
        if constraint.min_groups < 0 {
            refuse("minGroups lower than 0 is not allowed");
        }
        if constraint.max_groups < 0 {
            refuse("maxGroups lower than 0 is not allowed");
        }
        if constraint.max_groups > 0 && constraint.max_groups < constraint.min_groups {
            refuse("maxGroups lower than minGroups is not allowed");
        }
        if !constraint.spread_by_field.is_unset() {
            *fields.entry(&constraint.spread_by_field).or_default() += 1;
        }
    }
    for (field, _) in fields.iter().filter(|(_, count)| **count > 1) {
        let detail = format!("multiple {field} spread constraints are not allowed");
        errors.push(FieldError::invalid_value(&path, constraints, detail));
    }
    if !fields.is_empty() && !fields.contains_key(&SpreadField::Cluster) {
        errors.push(FieldError::invalid_value(
            &path,
            constraints,
            "the cluster spread constraint must be enabled in one of the constraints in case of SpreadByField is enabled",
        ));
    }
}

fn validate_workload_affinity(affinity: &WorkloadAffinity, errors: &mut Vec<FieldError>) {
    let path = format!("{PATH}.workloadAffinity");
    let mut check = |name: &str, term: Option<&WorkloadAffinityTerm>| {
        if let Some(term) = term {
            push_messages(&format!("{path}.{name}.groupByLabelKey"), &term.group_by_label_key, errors);
        }
    };
    check("affinity", affinity.affinity.as_ref());
    check("antiAffinity", affinity.anti_affinity.as_ref());
    if let (Some(together), Some(apart)) = (&affinity.affinity, &affinity.anti_affinity)
        && together.group_by_label_key == apart.group_by_label_key
    {
        errors.push(FieldError::invalid_value(
            path,
            affinity,
            "affinity and antiAffinity must not use the same groupByLabelKey",
        ));
    }
}

fn push_messages(field: &str, name: &str, errors: &mut Vec<FieldError>) {
    errors.extend(qualified_name(name).into_iter().map(|message| FieldError::invalid(field, name, message)));
}
