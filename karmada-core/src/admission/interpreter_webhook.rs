//! ResourceInterpreterWebhookConfiguration.

use std::collections::BTreeSet;

use super::{
    AdmissionDenied, AdmissionInput, FieldError,
    entry::{decode, deny_if_any},
    url,
};
use crate::{
    api::config::{
        InterpreterOperation, ResourceInterpreterWebhook, ResourceInterpreterWebhookConfiguration,
        RuleWithOperations, ServiceReference, WebhookClientConfig, constants::INTERPRETER_CONTEXT_VERSION,
    },
    object::validation::{dns_1035_label, dns_1123_subdomain},
};

/// What a webhook may be asked, in the order of the message.
const OPERATIONS: [&str; 9] = [
    "*",
    "AggregateStatus",
    "InterpretComponent",
    "InterpretDependency",
    "InterpretHealth",
    "InterpretReplica",
    "InterpretStatus",
    "Retain",
    "ReviseReplica",
];
const MAX_TIMEOUT_SECONDS: i32 = 30;
const DEFAULT_PORT: i32 = 443;
const URL_FORM: &str = "desired format: https://host[/path]";

/// Refuses what is not valid.
pub(super) fn validate(input: &AdmissionInput<'_>) -> Result<(), AdmissionDenied> {
    let configuration: ResourceInterpreterWebhookConfiguration = decode(input.object)?;
    let mut errors = Vec::new();
    let mut names = BTreeSet::new();
    for (index, webhook) in configuration.webhooks.iter().enumerate() {
        let path = format!("webhooks[{index}]");
        validate_webhook(webhook, &path, &mut errors);
        if !names.insert(&webhook.name) {
            errors.push(FieldError::duplicate(format!("{path}.name"), &webhook.name));
        }
    }
    deny_if_any(input.kind, errors)
}

fn validate_webhook(webhook: &ResourceInterpreterWebhook, path: &str, errors: &mut Vec<FieldError>) {
    validate_name(&webhook.name, &format!("{path}.name"), errors);
    for (index, rule) in webhook.rules.iter().enumerate() {
        validate_rule(rule, &format!("{path}.rules[{index}]"), errors);
    }
    if let Some(timeout) = webhook.timeout_seconds
        && !(1..=MAX_TIMEOUT_SECONDS).contains(&timeout)
    {
        let detail = format!("the timeout value must be between 1 and {MAX_TIMEOUT_SECONDS} seconds");
        errors.push(FieldError::invalid_value(format!("{path}.timeoutSeconds"), &timeout, detail));
    }
    validate_client(&webhook.client_config, &format!("{path}.clientConfig"), errors);
    let field = format!("{path}.interpreterContextVersions");
    validate_versions(&webhook.interpreter_context_versions, &field, errors);
}

fn validate_name(name: &str, field: &str, errors: &mut Vec<FieldError>) {
    if name.is_empty() {
        errors.push(FieldError::required(field, ""));
        return;
    }
    let domain = name.strip_suffix('.').unwrap_or(name);
    let messages = dns_1123_subdomain(domain);
    if messages.is_empty() && !domain.contains('.') {
        let detail = "should be a domain with at least two segments separated by dots";
        errors.push(FieldError::invalid(field, domain, detail));
    }
    errors.extend(messages.into_iter().map(|message| FieldError::invalid(field, domain, message)));
}

fn validate_rule(rule: &RuleWithOperations, path: &str, errors: &mut Vec<FieldError>) {
    let operations: Vec<String> =
        rule.operations.iter().map(|operation| operation.as_str().to_owned()).collect();
    let field = format!("{path}.operations");
    validate_choice(&operations, &field, "operations", errors);
    for (index, operation) in rule.operations.iter().enumerate() {
        let is_known = InterpreterOperation::KNOWN.contains(operation);
        if !is_known || *operation == InterpreterOperation::Prune {
            let field = format!("{field}[{index}]");
            errors.push(FieldError::not_supported(field, operation.as_str(), &OPERATIONS));
        }
    }
    validate_choice(&rule.api_groups, &format!("{path}.apiGroups"), "API groups", errors);
    for (name, title, choice) in
        [("apiVersions", "API versions", &rule.api_versions), ("kinds", "kinds", &rule.kinds)]
    {
        let field = format!("{path}.{name}");
        validate_choice(choice, &field, title, errors);
        for (index, _) in choice.iter().enumerate().filter(|(_, entry)| entry.is_empty()) {
            errors.push(FieldError::required(format!("{field}[{index}]"), ""));
        }
    }
}

/// Checks that a list says something, and that `*` stands alone.
fn validate_choice(choice: &[String], field: &str, title: &str, errors: &mut Vec<FieldError>) {
    if choice.is_empty() {
        errors.push(FieldError::required(field, ""));
    }
    if choice.len() > 1 && choice.iter().any(|entry| entry == "*") {
        let detail = format!("if '*' is present, must not specify other {title}");
        errors.push(FieldError::invalid_value(field, choice, detail));
    }
}

fn validate_client(client: &WebhookClientConfig, path: &str, errors: &mut Vec<FieldError>) {
    match (&client.url, &client.service) {
        (Some(url), None) => validate_url(url, &format!("{path}.url"), errors),
        (None, Some(service)) => validate_service(service, &format!("{path}.service"), errors),
        _ => errors.push(FieldError::required(path, "exactly one of url or service is required")),
    }
}

fn validate_url(text: &str, field: &str, errors: &mut Vec<FieldError>) {
    let url = match url::parse(text) {
        Ok(url) => url,
        Err(error) => {
            let detail = format!("url must be a valid URL: {error}; {URL_FORM}");
            errors.push(FieldError::required(field, &detail));
            return;
        }
    };
    let mut refuse = |value: &str, detail: String| errors.push(FieldError::invalid(field, value, detail));
    if url.scheme != "https" {
        refuse(&url.scheme, format!("'https' is the only allowed URL scheme; {URL_FORM}"));
    }
    if url.host.is_empty() {
        refuse(url.host, format!("host must be specified; {URL_FORM}"));
    }
    if let Some(user) = url.user {
        refuse(user, "user information is not permitted in the URL".to_owned());
    }
    if !url.fragment.is_empty() {
        refuse(url.fragment, "fragments are not permitted in the URL".to_owned());
    }
    if !url.query.is_empty() {
        refuse(url.query, "query parameters are not permitted in the URL".to_owned());
    }
}

fn validate_service(service: &ServiceReference, path: &str, errors: &mut Vec<FieldError>) {
    for (name, value) in [("name", &service.name), ("namespace", &service.namespace)] {
        if value.is_empty() {
            errors.push(FieldError::required(format!("{path}.{name}"), ""));
        }
    }
    let port = service.port.unwrap_or(DEFAULT_PORT);
    if !(1..=65535).contains(&port) {
        let detail = "port is not valid: must be between 1 and 65535, inclusive";
        errors.push(FieldError::invalid_value(format!("{path}.port"), &port, detail));
    }
    if let Some(url_path) = &service.path {
        validate_url_path(url_path, &format!("{path}.path"), errors);
    }
}

fn validate_url_path(path: &str, field: &str, errors: &mut Vec<FieldError>) {
    let mut refuse = |detail: String| errors.push(FieldError::invalid(field, path, detail));
    match path {
        "" | "/" => return,
        "//" => return refuse("segment[0] may not be empty".to_owned()),
        _ => {}
    }
    if !path.starts_with('/') {
        refuse("must start with a '/'".to_owned());
    }
    // The first character counts as the slash, whatever it is.
    let mut characters = path.chars();
    characters.next();
    let rest = characters.as_str();
    for (index, segment) in rest.strip_suffix('/').unwrap_or(rest).split('/').enumerate() {
        if segment.is_empty() {
            refuse(format!("segment[{index}] may not be empty"));
            continue;
        }
        for message in dns_1123_subdomain(segment) {
            refuse(format!("segment[{index}]: {message}"));
        }
    }
}

fn validate_versions(versions: &[String], field: &str, errors: &mut Vec<FieldError>) {
    if versions.is_empty() {
        let detail = format!("must specify one of {INTERPRETER_CONTEXT_VERSION}");
        errors.push(FieldError::required(field, &detail));
        return;
    }
    let mut seen = BTreeSet::new();
    for (index, version) in versions.iter().enumerate() {
        let entry = format!("{field}[{index}]");
        if !seen.insert(version) {
            errors.push(FieldError::invalid(entry, version, "duplicate version"));
            continue;
        }
        let messages = dns_1035_label(version).into_iter();
        errors.extend(messages.map(|message| FieldError::invalid(&entry, version, message)));
    }
    if !seen.iter().any(|version| *version == INTERPRETER_CONTEXT_VERSION) {
        let detail = format!("must include at least one of {INTERPRETER_CONTEXT_VERSION}");
        errors.push(FieldError::invalid_value(field, versions, detail));
    }
}
