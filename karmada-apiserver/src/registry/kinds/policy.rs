//! Pod disruption budgets.

use serde_json::Value;

use super::super::field_error::FieldError;
use super::fields::{check_choice, has};
use super::selector;

/// Returns what is wrong with a disruption budget.
pub(super) fn validate(object: &Value) -> Vec<FieldError> {
    let spec = &object["spec"];
    let mut errors = Vec::new();
    if has(spec, "minAvailable") && has(spec, "maxUnavailable") {
        errors.push(FieldError::invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set"));
    }
    for field in ["minAvailable", "maxUnavailable"] {
        let path = format!("spec.{field}");
        match &spec[field] {
            Value::Number(number) if number.as_i64().is_some_and(|number| number < 0) => {
                errors.push(FieldError::invalid(path, &spec[field], "must be greater than or equal to 0"));
            }
            Value::String(text) => {
                let percent = text.strip_suffix('%').and_then(|number| number.parse::<u32>().ok());
                match percent {
                    None => errors.push(FieldError::invalid(
                        path,
                        &spec[field],
                        "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or \
                         '93%', regex used for validation is '[0-9]+%')",
                    )),
                    Some(percent) if percent > 100 => {
                        errors.push(FieldError::invalid(path, &spec[field], "must not be greater than 100%"));
                    }
                    Some(_) => {}
                }
            }
            _ => {}
        }
    }
    selector::validate(spec.get("selector"), "spec.selector", &mut errors);
    let policies = ["AlwaysAllow", "IfHealthyBudget"];
    check_choice(spec, "unhealthyPodEvictionPolicy", "spec", &policies, &mut errors);
    errors
}
