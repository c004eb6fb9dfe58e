//! Webhook configurations and API services.

use serde_json::{Value, json};

use super::super::field_error::FieldError;
use super::super::names;
use super::fields::{check_choice, check_required, default, flag, has, items, items_mut, text};

pub(super) fn default_configuration(kind: &str, object: &mut Value) {
    for webhook in items_mut(object, "webhooks") {
        default(webhook, "failurePolicy", "Fail");
        default(webhook, "matchPolicy", "Equivalent");
        default(webhook, "namespaceSelector", json!({}));
        default(webhook, "objectSelector", json!({}));
        default(webhook, "timeoutSeconds", 10);
        if kind == "MutatingWebhookConfiguration" {
            default(webhook, "reinvocationPolicy", "Never");
        }
        for rule in items_mut(webhook, "rules") {
            default(rule, "scope", "*");
        }
        if let Some(service) = webhook.get_mut("clientConfig").and_then(|config| config.get_mut("service")) {
            default(service, "port", 443);
        }
    }
}

pub(super) fn default_api_service(object: &mut Value) {
    if let Some(service) = object.get_mut("spec").and_then(|spec| spec.get_mut("service")) {
        default(service, "port", 443);
    }
}

/// Returns what is wrong with a webhook configuration.
pub(super) fn validate_configuration(object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for (index, webhook) in items(object, "webhooks").iter().enumerate() {
        let path = format!("webhooks[{index}]");
        let name = text(webhook, "name");
        webhook_name(name, &path, &mut errors);
        if !seen.insert(name) {
            errors.push(FieldError::duplicate(format!("{path}.name"), &webhook["name"]));
        }
        validate_webhook(webhook, &path, &mut errors);
    }
    errors
}

/// Returns what is wrong with an API service.
pub(super) fn validate_api_service(object: &Value) -> Vec<FieldError> {
    let spec = &object["spec"];
    let mut errors = Vec::new();
    let required = format!("{}.{}", text(spec, "version"), text(spec, "group"));
    if text(&object["metadata"], "name") != required {
        errors.push(FieldError::invalid(
            "metadata.name",
            &object["metadata"]["name"],
            format!("must be `spec.version+\".\"+spec.group`: \"{required}\""),
        ));
    }
    let mut in_range = |field: &str, limit: i64| {
        let value = spec[field].as_i64().unwrap_or_default();
        if value <= 0 || value > limit {
            errors.push(FieldError::invalid(
                format!("spec.{field}"),
                &Value::from(value),
                format!("must be positive and less than {limit}"),
            ));
        }
    };
    in_range("groupPriorityMinimum", 20000);
    in_range("versionPriority", 1000);
    let Some(service) = spec.get("service").filter(|service| !service.is_null()) else {
        if !text(spec, "caBundle").is_empty() {
            errors.push(FieldError::invalid(
                "spec.caBundle",
                &spec["caBundle"],
                "local APIServices may not have a caBundle",
            ));
        }
        return errors;
    };
    check_required(service, "namespace", "spec.service", "", &mut errors);
    check_required(service, "name", "spec.service", "", &mut errors);
    if flag(spec, "insecureSkipTLSVerify") && !text(spec, "caBundle").is_empty() {
        errors.push(FieldError::invalid(
            "spec.insecureSkipTLSVerify",
            &spec["insecureSkipTLSVerify"],
            "may not be true if caBundle is present",
        ));
    }
    errors
}

fn webhook_name(name: &str, path: &str, errors: &mut Vec<FieldError>) {
    let field = format!("{path}.name");
    if name.is_empty() {
        errors.push(FieldError::required(field, ""));
        return;
    }
    let problems = names::subdomain(name);
    if problems.is_empty() && name.split('.').count() < 3 {
        errors.push(FieldError::invalid(
            field,
            &Value::from(name),
            "should be a domain with at least three segments separated by dots",
        ));
    } else {
        errors.extend(names::invalid_each(&field, name, problems));
    }
}

fn validate_webhook(webhook: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let versions = items(webhook, "admissionReviewVersions");
    let field = format!("{path}.admissionReviewVersions");
    if versions.is_empty() {
        errors.push(FieldError::required(field, "must specify one of v1, v1beta1"));
    } else if !versions.iter().any(|version| matches!(version.as_str(), Some("v1" | "v1beta1"))) {
        errors.push(FieldError::invalid(
            field,
            &webhook["admissionReviewVersions"],
            "must include at least one of v1, v1beta1",
        ));
    }
    for (index, rule) in items(webhook, "rules").iter().enumerate() {
        validate_rule(rule, &format!("{path}.rules[{index}]"), errors);
    }
    check_choice(webhook, "failurePolicy", path, &["Fail", "Ignore"], errors);
    check_choice(webhook, "matchPolicy", path, &["Equivalent", "Exact"], errors);
    if text(webhook, "sideEffects").is_empty() {
        errors.push(FieldError::required(
            format!("{path}.sideEffects"),
            "must specify one of None, NoneOnDryRun",
        ));
    } else {
        check_choice(webhook, "sideEffects", path, &["None", "NoneOnDryRun"], errors);
    }
    if let Some(seconds) = webhook["timeoutSeconds"].as_i64()
        && !(1..=30).contains(&seconds)
    {
        errors.push(FieldError::invalid(
            format!("{path}.timeoutSeconds"),
            &webhook["timeoutSeconds"],
            "the timeout value must be between 1 and 30 seconds",
        ));
    }
    for selector in ["namespaceSelector", "objectSelector"] {
        super::selector::validate(webhook.get(selector), &format!("{path}.{selector}"), errors);
    }
    client_config(&webhook["clientConfig"], &format!("{path}.clientConfig"), errors);
}

fn validate_rule(rule: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let operations = items(rule, "operations");
    if operations.is_empty() {
        errors.push(FieldError::required(format!("{path}.operations"), ""));
    }
    let supported = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];
    for (index, operation) in operations.iter().enumerate() {
        if !supported.contains(&operation.as_str().unwrap_or_default()) {
            errors.push(FieldError::not_supported(
                format!("{path}.operations[{index}]"),
                operation,
                &supported,
            ));
        }
    }
    for field in ["apiGroups", "apiVersions", "resources"] {
        if items(rule, field).is_empty() {
            errors.push(FieldError::required(format!("{path}.{field}"), ""));
        }
    }
    check_choice(rule, "scope", path, &["*", "Cluster", "Namespaced"], errors);
}

/// Reports a client configuration that names no address, two, or an insecure one.
pub(super) fn client_config(config: &Value, path: &str, errors: &mut Vec<FieldError>) {
    if has(config, "url") == has(config, "service") {
        errors.push(FieldError::required(path, "exactly one of url or service is required"));
        return;
    }
    if let Some(url) = config.get("url").and_then(Value::as_str) {
        const FORMAT: &str = "; desired format: https://host[/path]";
        let field = format!("{path}.url");
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        let host = rest.split('/').next().unwrap_or_default();
        if scheme != "https" {
            errors.push(FieldError::invalid(
                &field,
                &Value::from(scheme),
                format!("'https' is the only allowed URL scheme{FORMAT}"),
            ));
        }
        if host.is_empty() {
            errors.push(FieldError::invalid(
                &field,
                &Value::from(""),
                format!("host must be specified{FORMAT}"),
            ));
        }
    }
    if let Some(service) = config.get("service") {
        check_required(service, "name", &format!("{path}.service"), "service name is required", errors);
        check_required(
            service,
            "namespace",
            &format!("{path}.service"),
            "service namespace is required",
            errors,
        );
    }
}
