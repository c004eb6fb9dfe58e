//! How fast an autoscaler may move.

use serde_json::Value;

use super::FieldError;
use crate::api::autoscaling::{
    HPAScalingPolicy, HPAScalingPolicyType, HPAScalingRules, HorizontalPodAutoscalerBehavior,
    ScalingPolicySelect,
};

const MAX_WINDOW_SECONDS: i32 = 3600;
const MAX_PERIOD_SECONDS: i32 = 1800;
/// Fields of one direction: the policies it has when none are named, and its window.
const UP: ([(HPAScalingPolicyType, i32); 2], Option<i32>) =
    ([(HPAScalingPolicyType::Pods, 4), (HPAScalingPolicyType::Percent, 100)], Some(0));
const DOWN: ([(HPAScalingPolicyType, i32); 1], Option<i32>) = ([(HPAScalingPolicyType::Percent, 100)], None);
const DEFAULT_PERIOD_SECONDS: i32 = 15;

/// Fills in both directions; `written` is the behaviour as the user wrote it: an empty list of
/// policies is not the same as none.
pub(super) fn set_scaling_defaults(behavior: &mut HorizontalPodAutoscalerBehavior, written: &Value) {
    let up = behavior.scale_up.get_or_insert_default();
    complete(up, &written["scaleUp"], &UP.0, UP.1);
    let down = behavior.scale_down.get_or_insert_default();
    complete(down, &written["scaleDown"], &DOWN.0, DOWN.1);
}

fn complete(
    rules: &mut HPAScalingRules,
    written: &Value,
    policies: &[(HPAScalingPolicyType, i32)],
    window: Option<i32>,
) {
    rules.stabilization_window_seconds = rules.stabilization_window_seconds.or(window);
    rules.select_policy.get_or_insert(ScalingPolicySelect::Max);
    if written["policies"].is_null() {
        let policy = |(type_, value): &(HPAScalingPolicyType, i32)| HPAScalingPolicy {
            type_: type_.clone(),
            value: *value,
            period_seconds: DEFAULT_PERIOD_SECONDS,
        };
        rules.policies = policies.iter().map(policy).collect();
    }
}

/// Checks one direction.
pub(super) fn validate_scaling_rules(rules: &HPAScalingRules, path: &str, errors: &mut Vec<FieldError>) {
    if let Some(window) = rules.stabilization_window_seconds {
        let field = format!("{path}.stabilizationWindowSeconds");
        if window < 0 {
            let detail = "must be greater than or equal to zero";
            errors.push(FieldError::invalid_value(&field, &window, detail));
        }
        if window > MAX_WINDOW_SECONDS {
            let detail = format!("must be less than or equal to {MAX_WINDOW_SECONDS}");
            errors.push(FieldError::invalid_value(field, &window, detail));
        }
    }
    if let Some(select) = &rules.select_policy
        && !ScalingPolicySelect::KNOWN.contains(select)
    {
        let field = format!("{path}.selectPolicy");
        errors.push(FieldError::not_supported(field, select.as_str(), &["Disabled", "Max", "Min"]));
    }
    if rules.policies.is_empty() {
        errors.push(FieldError::required(format!("{path}.policies"), "must specify at least one Policy"));
    }
    for (index, policy) in rules.policies.iter().enumerate() {
        validate_policy(policy, &format!("{path}.policies[{index}]"), errors);
    }
}

fn validate_policy(policy: &HPAScalingPolicy, path: &str, errors: &mut Vec<FieldError>) {
    if !HPAScalingPolicyType::KNOWN.contains(&policy.type_) {
        let field = format!("{path}.type");
        errors.push(FieldError::not_supported(field, policy.type_.as_str(), &["Percent", "Pods"]));
    }
    for (name, value) in [("value", policy.value), ("periodSeconds", policy.period_seconds)] {
        if value <= 0 {
            let field = format!("{path}.{name}");
            errors.push(FieldError::invalid_value(field, &value, "must be greater than zero"));
        }
    }
    if policy.period_seconds > MAX_PERIOD_SECONDS {
        let detail = format!("must be less than or equal to {MAX_PERIOD_SECONDS}");
        let field = format!("{path}.periodSeconds");
        errors.push(FieldError::invalid_value(field, &policy.period_seconds, detail));
    }
}
