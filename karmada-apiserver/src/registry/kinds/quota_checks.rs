//! Validation of resource quotas.

use serde_json::Value;

use super::super::field_error::FieldError;
use super::super::names;
use super::super::quantity::Quantity;
use super::fields::{check_immutable, items, text};

const STANDARD: &[&str] = &[
    "configmaps",
    "cpu",
    "ephemeral-storage",
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "memory",
    "persistentvolumeclaims",
    "pods",
    "replicationcontrollers",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
    "requests.storage",
    "resourcequotas",
    "secrets",
    "services",
    "services.loadbalancers",
    "services.nodeports",
    "storage",
];
/// Resources that are counted in whole numbers.
const WHOLE: &[&str] = &[
    "configmaps",
    "persistentvolumeclaims",
    "pods",
    "replicationcontrollers",
    "resourcequotas",
    "secrets",
    "services",
    "services.loadbalancers",
    "services.nodeports",
];
const SCOPES: &[&str] = &[
    "BestEffort",
    "CrossNamespacePodAffinity",
    "NotBestEffort",
    "NotTerminating",
    "PriorityClass",
    "Terminating",
    "VolumeAttributesClass",
];

/// Returns what is wrong with a quota.
pub(super) fn validate(object: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let spec = &object["spec"];
    let mut errors = Vec::new();
    for (name, amount) in spec.get("hard").and_then(Value::as_object).into_iter().flatten() {
        let path = format!("spec.hard[{name}]");
        resource_name(name, &path, &mut errors);
        let Some(quantity) = amount.as_str().and_then(Quantity::parse) else { continue };
        if quantity.is_negative() {
            errors.push(FieldError::invalid(&path, amount, "must be greater than or equal to 0"));
        }
        if WHOLE.contains(&name.as_str()) && !quantity.is_whole() {
            errors.push(FieldError::invalid(path, amount, "must be an integer"));
        }
    }
    scopes(spec, &mut errors);
    selector(spec, &mut errors);
    if let Some(old) = old {
        check_immutable(spec, &old["spec"], "scopes", "spec", &mut errors);
    }
    errors
}

fn resource_name(name: &str, path: &str, errors: &mut Vec<FieldError>) {
    errors.extend(names::invalid_each(path, name, names::qualified_name(name)));
    let huge = ["hugepages-", "limits.hugepages-", "requests.hugepages-"];
    let standard = STANDARD.contains(&name) || huge.iter().any(|prefix| name.starts_with(prefix));
    if !name.contains('/') && !standard {
        errors.push(FieldError::invalid(path, &Value::from(name), "must be a standard resource for quota"));
    }
}

fn scopes(spec: &Value, errors: &mut Vec<FieldError>) {
    let scopes = items(spec, "scopes");
    if scopes.is_empty() {
        return;
    }
    let has = |name: &str| scopes.iter().any(|scope| scope == name);
    for scope in scopes {
        if !SCOPES.contains(&scope.as_str().unwrap_or_default()) {
            errors.push(FieldError::invalid("spec.scopes", &spec["scopes"], "unsupported scope"));
        }
    }
    if (has("BestEffort") && has("NotBestEffort")) || (has("Terminating") && has("NotTerminating")) {
        errors.push(FieldError::invalid("spec.scopes", &spec["scopes"], "conflicting scopes"));
    }
    let limited = spec.get("hard").and_then(Value::as_object).into_iter().flatten();
    for (name, _) in limited {
        let only_pods = name == "pods" || name == "count/pods";
        let compute = only_pods
            || matches!(name.as_str(), "cpu" | "memory" | "ephemeral-storage")
            || name.starts_with("requests.")
            || name.starts_with("limits.");
        let fits = if has("BestEffort") { only_pods } else { compute && name != "requests.storage" };
        if !fits {
            errors.push(FieldError::invalid(
                "spec.scopes",
                &spec["scopes"],
                "unsupported scope applied to resource",
            ));
        }
    }
}

fn selector(spec: &Value, errors: &mut Vec<FieldError>) {
    let path = "spec.scopeSelector.matchExpressions";
    for expression in items(&spec["scopeSelector"], "matchExpressions") {
        let (scope, operator) = (text(expression, "scopeName"), text(expression, "operator"));
        let values = items(expression, "values");
        if !SCOPES.contains(&scope) {
            let field = format!("{path}.scopeName");
            errors.push(FieldError::invalid(field, &Value::from(scope), "unsupported scope"));
        }
        let only_exists = matches!(
            scope,
            "BestEffort" | "NotBestEffort" | "Terminating" | "NotTerminating" | "CrossNamespacePodAffinity"
        );
        if only_exists && operator != "Exists" {
            errors.push(FieldError::invalid(
                format!("{path}.operator"),
                &Value::from(operator),
                "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, \
                 ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or \
                 ResourceQuotaScopeCrossNamespacePodAffinity",
            ));
        }
        match operator {
            "In" | "NotIn" if values.is_empty() => errors.push(FieldError::required(
                format!("{path}.values"),
                "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
            )),
            "Exists" | "DoesNotExist" if !values.is_empty() => errors.push(FieldError::invalid(
                format!("{path}.values"),
                &expression["values"],
                "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector",
            )),
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            other => errors.push(FieldError::invalid(
                format!("{path}.operator"),
                &Value::from(other),
                "not a valid selector operator",
            )),
        }
    }
}
