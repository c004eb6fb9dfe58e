//! PropagationPolicy and ClusterPropagationPolicy.

use serde_json::Value;

use super::{
    AdmissionDenied, AdmissionInput, FieldError, Operation,
    affinity::validate_selector_namespaces,
    entry::{decode, deny_if_any},
    placement::validate_placement,
};
use crate::{
    api::policy::{
        ApplicationFailoverBehavior, DivisionPreference, FailoverBehavior, Preemption, PropagationPolicy,
        PropagationSpec, PurgeMode, ReplicaSchedulingType, SpreadField, StatePreservation,
        constants::{
            CLUSTER_PROPAGATION_POLICY_FINALIZER, CLUSTER_PROPAGATION_POLICY_ID_LABEL,
            PROPAGATION_POLICY_FINALIZER, PROPAGATION_POLICY_ID_LABEL,
        },
    },
    object::{self, validation::qualified_name},
};

/// How long a graceful move may take when nothing is said.
const DEFAULT_GRACE_PERIOD_SECONDS: i32 = 600;

/// Fills in what the user left out.
pub(super) fn mutate(input: &AdmissionInput<'_>) -> Result<Value, AdmissionDenied> {
    // Both kinds have the same spec, and the metadata stays as it was written.
    let mut spec = decode::<PropagationPolicy>(input.object)?.spec;
    let is_namespaced = input.kind == "PropagationPolicy";
    if is_namespaced {
        let own =
            Some(object::namespace(input.object)).filter(|own| !own.is_empty()).unwrap_or(input.namespace);
        for selector in spec.resource_selectors.iter_mut().filter(|selector| selector.namespace.is_empty()) {
            own.clone_into(&mut selector.namespace);
        }
    }
    set_defaults(&mut spec);

    let mut policy = serde_json::json!({
        "apiVersion": input.object["apiVersion"],
        "kind": input.object["kind"],
        "metadata": input.object["metadata"],
        "spec": spec,
    });
    if !input.object["spec"]["resourceSelectors"].is_array()
        && let Some(spec) = policy["spec"].as_object_mut()
    {
        // What is missing stays missing, so that the schema's check tells so.
        spec.remove("resourceSelectors");
    }
    if input.operation == Operation::Create {
        let (label, finalizer) = marks(input.kind);
        object::set_label(&mut policy, label, input.uuid);
        add_finalizer(&mut policy, finalizer);
    }
    Ok(policy)
}

/// Refuses what is not valid.
pub(super) fn validate(input: &AdmissionInput<'_>) -> Result<(), AdmissionDenied> {
    let policy: PropagationPolicy = decode(input.object)?;
    let (label, _) = marks(input.kind);
    let id = object::label(input.object, label);
    if input.operation == Operation::Update
        && let Some(old) = input.old_object
    {
        let old_policy: PropagationPolicy = decode(old)?;
        if old_policy.spec.scheduler_name != policy.spec.scheduler_name {
            return Err(denied(input, "the schedulerName should not be updated".to_owned()));
        }
        if object::label(old, label).unwrap_or_default() != id.unwrap_or_default() {
            let explanation =
                format!("label {label} is immutable, it can only be set by the system during creation");
            return Err(denied(input, explanation));
        }
    }
    if id.is_none() {
        let explanation = format!(
            "label {label} is required, it should be set by the mutating admission webhook controller"
        );
        return Err(denied(input, explanation));
    }

    let mut errors = Vec::new();
    let spec = &policy.spec;
    validate_placement(&spec.placement, &input.object["spec"]["placement"], &mut errors);
    validate_failover(spec, &mut errors);
    if input.kind == "PropagationPolicy" {
        validate_selector_namespaces(&spec.resource_selectors, object::namespace(input.object), &mut errors);
    }
    validate_preemption(spec, &mut errors);
    validate_suspension(spec, &mut errors);
    deny_if_any(input.kind, errors)
}

fn marks(kind: &str) -> (&'static str, &'static str) {
    if kind == "PropagationPolicy" {
        (PROPAGATION_POLICY_ID_LABEL, PROPAGATION_POLICY_FINALIZER)
    } else {
        (CLUSTER_PROPAGATION_POLICY_ID_LABEL, CLUSTER_PROPAGATION_POLICY_FINALIZER)
    }
}

fn denied(input: &AdmissionInput<'_>, explanation: String) -> AdmissionDenied {
    AdmissionDenied::by_webhook(input.kind, explanation, Vec::new())
}

fn set_defaults(spec: &mut PropagationSpec) {
    for constraint in &mut spec.placement.spread_constraints {
        if constraint.spread_by_label.is_empty() && constraint.spread_by_field.is_unset() {
            constraint.spread_by_field = SpreadField::Cluster;
        }
        if constraint.min_groups == 0 {
            constraint.min_groups = 1;
        }
    }
    let imports_services = spec.resource_selectors.iter().any(|selector| {
        selector.api_version == "multicluster.x-k8s.io/v1alpha1" && selector.kind == "ServiceImport"
    });
    // What an imported service needs has to come along.
    spec.propagate_deps |= imports_services;
    if let Some(strategy) = &mut spec.placement.replica_scheduling
        && strategy.replica_scheduling_type == ReplicaSchedulingType::Divided
        && strategy.replica_division_preference.is_unset()
    {
        strategy.replica_division_preference = DivisionPreference::Weighted;
    }
    if let Some(application) = spec.failover.as_mut().and_then(|failover| failover.application.as_mut())
        && application.purge_mode == PurgeMode::Gracefully
    {
        application.grace_period_seconds.get_or_insert(DEFAULT_GRACE_PERIOD_SECONDS);
    }
}

fn add_finalizer(policy: &mut Value, finalizer: &str) {
    let finalizers = &mut policy["metadata"]["finalizers"];
    if !finalizers.is_array() {
        *finalizers = Value::Array(Vec::new());
    }
    if let Some(finalizers) = finalizers.as_array_mut()
        && !finalizers.iter().any(|present| present == finalizer)
    {
        finalizers.push(finalizer.into());
    }
}

fn validate_failover(spec: &PropagationSpec, errors: &mut Vec<FieldError>) {
    let Some(FailoverBehavior { application, cluster }) = &spec.failover else {
        return;
    };
    if let Some(application) = application {
        if !spec.propagate_deps {
            errors.push(FieldError::invalid_value(
                "spec.propagateDeps",
                &false,
                "application failover is set, propagateDeps must be true",
            ));
        }
        validate_application_failover(application, errors);
    }
    if let Some(cluster) = cluster {
        validate_state(cluster.state_preservation.as_ref(), "spec.failover.cluster", errors);
    }
}

fn validate_application_failover(application: &ApplicationFailoverBehavior, errors: &mut Vec<FieldError>) {
    let path = "spec.failover.application";
    let field = format!("{path}.decisionConditions.tolerationSeconds");
    match application.decision_conditions.toleration_seconds {
        // DEVIATION: upstream crashes here when the schema's default is missing.
        None => errors.push(FieldError::required(field, "")),
        Some(seconds) if seconds < 0 => {
            errors.push(FieldError::invalid_value(field, &seconds, "must be greater than or equal to 0"));
        }
        Some(_) => {}
    }

    let field = format!("{path}.gracePeriodSeconds");
    let seconds = application.grace_period_seconds;
    let mut refuse = |detail: &str| errors.push(FieldError::invalid_value(&field, &seconds, detail));
    match (application.purge_mode == PurgeMode::Gracefully, seconds) {
        (true, None) => refuse("should not be empty when purgeMode is gracefully"),
        (false, Some(_)) => refuse("only takes effect when purgeMode is gracefully"),
        _ => {}
    }
    if seconds.is_some_and(|seconds| seconds <= 0) {
        refuse("must be greater than 0");
    }
    validate_state(application.state_preservation.as_ref(), path, errors);
}

fn validate_state(state: Option<&StatePreservation>, path: &str, errors: &mut Vec<FieldError>) {
    for (index, rule) in state.iter().flat_map(|state| &state.rules).enumerate() {
        let field = format!("{path}.statePreservation.rules[{index}].aliasLabelName");
        let messages = qualified_name(&rule.alias_label_name).into_iter();
        errors.extend(messages.map(|message| FieldError::invalid(&field, &rule.alias_label_name, message)));
    }
}

fn validate_preemption(spec: &PropagationSpec, errors: &mut Vec<FieldError>) {
    if spec.preemption != Preemption::Always {
        return;
    }
    for (index, selector) in spec.resource_selectors.iter().enumerate() {
        if selector.name.is_empty() {
            errors.push(FieldError::invalid(
                format!("spec.resourceSelectors[{index}].name"),
                "",
                "name cannot be empty if preemption is Always, the empty name may cause unexpected resources preemption",
            ));
        }
    }
}

fn validate_suspension(spec: &PropagationSpec, errors: &mut Vec<FieldError>) {
    let Some(suspension) = &spec.suspension else {
        return;
    };
    let names_clusters = suspension
        .dispatching_on_clusters
        .as_ref()
        .is_some_and(|clusters| !clusters.cluster_names.is_empty());
    if suspension.dispatching == Some(true) && names_clusters {
        errors.push(FieldError::invalid_value(
            "spec.suspension.suspension",
            suspension,
            "suspension dispatching cannot co-exist with dispatchingOnClusters.clusterNames",
        ));
    }
}
