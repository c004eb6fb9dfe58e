//! Webhook configurations and API services.

use serde_json::{Value, json};

use super::super::field_error::FieldError;
use super::super::names;
use super::expressions;
use super::fields::{check_choice, check_required, default, flag, has, items, items_mut, text};
use crate::cel::{AdmissionScope, admission_environment};

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
        errors.push(FieldError::required(field.as_str(), "must specify one of v1, v1beta1"));
    } else if !versions.iter().any(|version| matches!(version.as_str(), Some("v1" | "v1beta1"))) {
        errors.push(FieldError::invalid(
            field.as_str(),
            &webhook["admissionReviewVersions"],
            "must include at least one of v1, v1beta1",
        ));
    }
    for (index, version) in versions.iter().enumerate() {
        let (field, text) = (format!("{field}[{index}]"), version.as_str().unwrap_or_default());
        if versions[..index].contains(version) {
            errors.push(FieldError::invalid(field, version, "duplicate version"));
        } else {
            errors.extend(names::invalid_each(&field, text, names::label_1035(text)));
        }
    }
    validate_rules(items(webhook, "rules"), &format!("{path}.rules"), errors);
    check_choice(webhook, "reinvocationPolicy", path, &["IfNeeded", "Never"], errors);
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
    let env = admission_environment(&AdmissionScope::default());
    expressions::match_conditions(webhook, path, &env, errors);
}

/// Reports what is wrong with rules: of webhooks and of admission policies.
pub(super) fn validate_rules(rules: &[Value], path: &str, errors: &mut Vec<FieldError>) {
    for (index, rule) in rules.iter().enumerate() {
        validate_rule(rule, &format!("{path}[{index}]"), errors);
    }
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
    for (field, what) in
        [("operations", "operations"), ("apiGroups", "API groups"), ("apiVersions", "API versions")]
    {
        let entries = items(rule, field);
        if entries.is_empty() && field != "operations" {
            errors.push(FieldError::required(format!("{path}.{field}"), ""));
        }
        if entries.len() > 1 && entries.iter().any(|entry| entry == "*") {
            let detail = format!("if '*' is present, must not specify other {what}");
            errors.push(FieldError::invalid(format!("{path}.{field}"), &rule[field], detail));
        }
    }
    for (index, version) in items(rule, "apiVersions").iter().enumerate() {
        if version == "" {
            errors.push(FieldError::required(format!("{path}.apiVersions[{index}]"), ""));
        }
    }
    validate_resources(rule, &format!("{path}.resources"), errors);
    check_choice(rule, "scope", path, &["*", "Cluster", "Namespaced"], errors);
}

/// Reports resources that others of the same rule contain already.
fn validate_resources(rule: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let entries = items(rule, "resources");
    if entries.is_empty() {
        errors.push(FieldError::required(path, ""));
        return;
    }
    let texts: Vec<&str> = entries.iter().map(|entry| entry.as_str().unwrap_or_default()).collect();
    // Patterns that stand before an entry: `*/sub` and `resource/*`.
    let mut seen: Vec<&str> = Vec::new();
    for (index, entry) in texts.iter().enumerate() {
        let field = format!("{path}[{index}]");
        if entry.is_empty() {
            errors.push(FieldError::required(field, ""));
            continue;
        }
        let Some((resource, part)) = entry.split_once('/') else { continue };
        let covering = [format!("*/{part}"), format!("{resource}/*"), "*/*".to_owned()];
        let covered =
            seen.iter().find(|pattern| **pattern != *entry && covering.iter().any(|c| c == *pattern));
        // The narrower pattern is named first.
        let narrow =
            covering.iter().take(2).find(|pattern| seen.contains(&pattern.as_str()) && *pattern != entry);
        if let Some(pattern) = narrow.map(String::as_str).or(covered.copied()) {
            let detail = format!("if '{pattern}' is present, must not specify {entry}");
            errors.push(FieldError::invalid(field, &Value::from(*entry), detail));
        }
        if resource == "*" || part == "*" {
            seen.push(entry);
        }
    }
    let has = |entry: &str| texts.contains(&entry);
    if has("*/*") && texts.len() > 1 {
        let detail = "if '*/*' is present, must not specify other resources";
        errors.push(FieldError::invalid(path, &rule["resources"], detail));
    }
    if has("*") && texts.iter().any(|entry| *entry != "*" && !entry.contains('/')) {
        let detail = "if '*' is present, must not specify other resources without subresources";
        errors.push(FieldError::invalid(path, &rule["resources"], detail));
    }
}

/// Reports what is wrong with the URL of a webhook.
fn check_url(url: &str, field: &str, errors: &mut Vec<FieldError>) {
    const FORMAT: &str = "; desired format: https://host[/path]";
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) => (scheme, Some(rest)),
        None => ("", url.strip_prefix("//")),
    };
    let rest = rest.unwrap_or_default();
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let authority = rest.split('/').next().unwrap_or_default();
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    if let Some(bad) = host.chars().find(|c| *c == ' ' || *c == '"' || c.is_control()) {
        let detail = format!(
            "url must be a valid URL: parse {url:?}: invalid character {:?} in host name{FORMAT}",
            bad.to_string()
        );
        errors.push(FieldError::required(field, detail));
        return;
    }
    let mut invalid = |value: &str, detail: String| {
        errors.push(FieldError::invalid(field, &Value::from(value), detail));
    };
    if scheme != "https" {
        invalid(scheme, format!("'https' is the only allowed URL scheme{FORMAT}"));
    }
    if host.is_empty() {
        invalid("", format!("host must be specified{FORMAT}"));
    }
    for (part, what) in
        [(user, "user information is"), (fragment, "fragments are"), (query, "query parameters are")]
    {
        if !part.is_empty() {
            invalid(part, format!("{what} not permitted in the URL"));
        }
    }
}

/// Reports what is wrong with the path below a service.
fn check_service_path(service: &Value, field: &str, errors: &mut Vec<FieldError>) {
    let path = text(service, "path");
    if path.is_empty() {
        return;
    }
    let mut invalid = |detail: String| errors.push(FieldError::invalid(field, &service["path"], detail));
    if path == "//" {
        invalid("segment[0] may not be empty".to_owned());
        return;
    }
    if !path.starts_with('/') {
        invalid("must start with a '/'".to_owned());
    }
    let path = path.strip_suffix('/').unwrap_or(path);
    let mut segments = path.split('/');
    let first = segments.next().unwrap_or_default();
    if !first.is_empty() {
        invalid("segment[0] may not be empty".to_owned());
    }
    for (index, segment) in segments.enumerate() {
        if segment.is_empty() {
            invalid(format!("segment[{index}] may not be empty"));
            continue;
        }
        for problem in names::subdomain(segment) {
            invalid(format!("segment[{index}]: {problem}"));
        }
    }
}

/// Reports a client configuration that names no address, two, or an insecure one.
pub(super) fn client_config(config: &Value, path: &str, errors: &mut Vec<FieldError>) {
    if has(config, "url") == has(config, "service") {
        errors.push(FieldError::required(path, "exactly one of url or service is required"));
        return;
    }
    if let Some(url) = config.get("url").and_then(Value::as_str) {
        check_url(url, &format!("{path}.url"), errors);
    }
    if let Some(service) = config.get("service") {
        for field in ["name", "namespace"] {
            check_required(service, field, &format!("{path}.service"), "", errors);
        }
        check_service_path(service, &format!("{path}.service.path"), errors);
        if let Some(port) = service["port"].as_i64()
            && !(1..=65_535).contains(&port)
        {
            let detail = "port is not valid: must be between 1 and 65535, inclusive";
            errors.push(FieldError::invalid(format!("{path}.service.port"), &service["port"], detail));
        }
    }
}
