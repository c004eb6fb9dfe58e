//! FederatedHPA: its defaults and its own fields.

use serde_json::Value;

use super::{
    AdmissionDenied, AdmissionInput, FieldError,
    cron_federated_hpa::validate_reference,
    entry::{decode, deny_if_any},
    metrics::validate_metric,
    object_meta::{Scope, validate_metadata},
    scaling_rules::{set_scaling_defaults, validate_scaling_rules},
};
use crate::{
    api::autoscaling::{
        FederatedHPA, FederatedHPASpec, MetricSourceType, MetricSpec, MetricTarget, MetricTargetType,
        ResourceMetricSource,
    },
    object::validation::dns_1123_subdomain,
};

const DEFAULT_UTILIZATION: i32 = 80;

/// Fills in what the user left out.
pub(super) fn mutate(input: &AdmissionInput<'_>) -> Result<Value, AdmissionDenied> {
    let mut spec = decode::<FederatedHPA>(input.object)?.spec;
    spec.min_replicas.get_or_insert(1);
    if spec.metrics.is_empty() {
        spec.metrics = vec![default_metric()];
    }
    if let Some(behavior) = &mut spec.behavior {
        set_scaling_defaults(behavior, &input.object["spec"]["behavior"]);
    }
    let mut autoscaler = input.object.clone();
    autoscaler["spec"] = serde_json::to_value(spec).expect("wire types always serialise");
    keep_empty_policies(&mut autoscaler, input.object);
    Ok(autoscaler)
}

/// Puts empty lists of policies back, which are refused later.
///
/// DEVIATION: upstream drops them, so that the next write fills in defaults.
fn keep_empty_policies(autoscaler: &mut Value, written: &Value) {
    for direction in ["scaleUp", "scaleDown"] {
        let policies = &written["spec"]["behavior"][direction]["policies"];
        if policies.as_array().is_some_and(Vec::is_empty) {
            autoscaler["spec"]["behavior"][direction]["policies"] = policies.clone();
        }
    }
}

/// Refuses what is not valid.
pub(super) fn validate(input: &AdmissionInput<'_>) -> Result<(), AdmissionDenied> {
    let autoscaler: FederatedHPA = decode(input.object)?;
    let mut errors = Vec::new();
    validate_metadata(&input.object["metadata"], Scope::Namespaced, dns_1123_subdomain, &mut errors);
    validate_spec(&autoscaler.spec, &mut errors);
    if let Some(status) = &autoscaler.status {
        for (field, replicas) in
            [("currentReplicas", status.current_replicas), ("desiredReplicas", status.desired_replicas)]
        {
            if replicas < 0 {
                let detail = "must be greater than or equal to 0";
                errors.push(FieldError::invalid_value(format!("status.{field}"), &replicas, detail));
            }
        }
    }
    deny_if_any(input.kind, errors)
}

fn default_metric() -> MetricSpec {
    let target = MetricTarget {
        type_: MetricTargetType::Utilization,
        average_utilization: Some(DEFAULT_UTILIZATION),
        ..MetricTarget::default()
    };
    MetricSpec {
        type_: MetricSourceType::Resource,
        resource: Some(ResourceMetricSource { name: "cpu".to_owned(), target }),
        ..MetricSpec::default()
    }
}

fn validate_spec(spec: &FederatedHPASpec, errors: &mut Vec<FieldError>) {
    if let Some(min) = spec.min_replicas.filter(|min| *min < 1) {
        let detail = "must be greater than or equal to 1";
        errors.push(FieldError::invalid_value("spec.minReplicas", &min, detail));
    }
    let max = spec.max_replicas;
    let mut refuse = |detail: &str| errors.push(FieldError::invalid_value("spec.maxReplicas", &max, detail));
    if max < 1 {
        refuse("must be greater than 0");
    }
    if spec.min_replicas.is_some_and(|min| max < min) {
        refuse("must be greater than or equal to `minReplicas`");
    }
    validate_reference(&spec.scale_target_ref, "spec.scaleTargetRef", errors);
    for (index, metric) in spec.metrics.iter().enumerate() {
        validate_metric(metric, &format!("spec.metrics[{index}]"), errors);
    }
    if let Some(behavior) = &spec.behavior {
        for (name, rules) in [("scaleUp", &behavior.scale_up), ("scaleDown", &behavior.scale_down)] {
            if let Some(rules) = rules {
                validate_scaling_rules(rules, &format!("spec.behavior.{name}"), errors);
            }
        }
    }
}
