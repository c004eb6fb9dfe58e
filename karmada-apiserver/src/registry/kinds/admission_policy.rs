//! Admission policies and their bindings.

use serde_json::{Value, json};

use super::super::field_error::FieldError;
use super::super::names;
use super::expressions;
use super::fields::{check_choice, default, has, items, items_mut, text};
use super::webhook::validate_rules;
use crate::cel::{AdmissionScope, Type, admission_environment};

const REASONS: [&str; 3] = ["Forbidden", "Invalid", "RequestEntityTooLarge"];
const ACTIONS: [&str; 3] = ["Audit", "Deny", "Warn"];
const NEITHER: &str = "validations or auditAnnotations must contain at least one item";

pub(super) fn default_policy(object: &mut Value) {
    let Some(spec) = object.get_mut("spec") else { return };
    default(spec, "failurePolicy", "Fail");
    if let Some(constraints) = spec.get_mut("matchConstraints").filter(|value| value.is_object()) {
        default_match(constraints);
    }
}

pub(super) fn default_binding(object: &mut Value) {
    let resources = object.get_mut("spec").and_then(|spec| spec.get_mut("matchResources"));
    if let Some(resources) = resources.filter(|value| value.is_object()) {
        default_match(resources);
    }
}

fn default_match(constraints: &mut Value) {
    default(constraints, "matchPolicy", "Equivalent");
    default(constraints, "namespaceSelector", json!({}));
    default(constraints, "objectSelector", json!({}));
    for rules in ["resourceRules", "excludeResourceRules"] {
        for rule in items_mut(constraints, rules) {
            default(rule, "scope", "*");
        }
    }
}

/// Returns what is wrong with a `ValidatingAdmissionPolicy`.
pub(super) fn validate_policy(object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let spec = &object["spec"];
    let mut scope = AdmissionScope { params: has(spec, "paramKind"), variables: None };
    param_kind(spec, &mut errors);
    check_choice(spec, "failurePolicy", "spec", &["Fail", "Ignore"], &mut errors);
    if has(spec, "matchConstraints") {
        validate_match(&spec["matchConstraints"], "spec.matchConstraints", &mut errors);
        if items(&spec["matchConstraints"], "resourceRules").is_empty() {
            errors.push(FieldError::required("spec.matchConstraints.resourceRules", ""));
        }
    } else {
        errors.push(FieldError::required("spec.matchConstraints", ""));
    }
    expressions::match_conditions(spec, "spec", &admission_environment(&scope), &mut errors);
    variables(spec, &mut scope, &mut errors);
    let (validations, annotations) = (items(spec, "validations"), items(spec, "auditAnnotations"));
    if validations.is_empty() && annotations.is_empty() {
        errors.push(FieldError::required("spec.validations", NEITHER));
        errors.push(FieldError::required("spec.auditAnnotations", NEITHER));
    }
    for (index, validation) in validations.iter().enumerate() {
        check_validation(validation, &format!("spec.validations[{index}]"), &scope, &mut errors);
    }
    let name = text(&object["metadata"], "name");
    let mut seen = std::collections::BTreeSet::new();
    for (index, annotation) in annotations.iter().enumerate() {
        let path = format!("spec.auditAnnotations[{index}]");
        let key = text(annotation, "key");
        let (field, whole) = (format!("{path}.key"), format!("{name}/{key}"));
        errors.extend(names::invalid_each(&field, &whole, names::qualified_name(&whole)));
        if !seen.insert(key) {
            errors.push(FieldError::duplicate(field, &annotation["key"]));
        }
        let expression = text(annotation, "valueExpression").trim();
        let field = format!("{path}.valueExpression");
        if expression.is_empty() {
            errors.push(FieldError::required(field, "valueExpression is not specified"));
        } else {
            let env = admission_environment(&scope);
            expressions::check(expression, &field, &env, &[Type::String, Type::Null], &mut errors);
        }
    }
    errors
}

fn param_kind(spec: &Value, errors: &mut Vec<FieldError>) {
    let Some(kind) = spec.get("paramKind").filter(|kind| kind.is_object()) else { return };
    let api_version = text(kind, "apiVersion");
    if api_version.is_empty() {
        errors.push(FieldError::required("spec.paramKind.apiVersion", ""));
    } else if api_version.matches('/').count() > 1 {
        let detail = format!("unexpected GroupVersion string: {api_version}");
        errors.push(FieldError::invalid("spec.paramKind.apiVersion", &kind["apiVersion"], detail));
    }
    if text(kind, "kind").is_empty() {
        errors.push(FieldError::required("spec.paramKind.kind", ""));
    }
}

/// Checks variables in order: each may read those before it.
fn variables(spec: &Value, scope: &mut AdmissionScope, errors: &mut Vec<FieldError>) {
    for (index, variable) in items(spec, "variables").iter().enumerate() {
        let path = format!("spec.variables[{index}]");
        let (name, expression) = (text(variable, "name"), text(variable, "expression").trim());
        if name.is_empty() {
            errors.push(FieldError::required(format!("{path}.name"), "name is not specified"));
        } else if !is_identifier(name) {
            let detail = "must be a valid CEL identifier";
            errors.push(FieldError::invalid(format!("{path}.name"), &variable["name"], detail));
        }
        let known = scope.variables.get_or_insert_default().len();
        if expression.is_empty() {
            errors.push(FieldError::required(format!("{path}.expression"), "expression is not specified"));
            continue;
        }
        let env = admission_environment(scope);
        let found = expressions::check(expression, &format!("{path}.expression"), &env, &[], errors);
        let variables = scope.variables.get_or_insert_default();
        debug_assert_eq!(variables.len(), known);
        // What is wrong with a variable is said once.
        variables.push((name.to_owned(), found.unwrap_or(Type::Dyn)));
    }
}

fn is_identifier(name: &str) -> bool {
    let first = |c: char| c.is_ascii_alphabetic() || c == '_';
    name.starts_with(first) && name.chars().all(|c| first(c) || c.is_ascii_digit())
}

fn check_validation(validation: &Value, path: &str, scope: &AdmissionScope, errors: &mut Vec<FieldError>) {
    let env = admission_environment(scope);
    let expression = text(validation, "expression").trim();
    let field = format!("{path}.expression");
    if expression.is_empty() {
        errors.push(FieldError::required(field, "expression is not specified"));
    } else {
        expressions::check(expression, &field, &env, &[Type::Bool], errors);
    }
    let message = text(validation, "message");
    if has(validation, "message") && !message.is_empty() {
        let field = format!("{path}.message");
        if message.trim().is_empty() {
            errors.push(FieldError::invalid(
                field,
                &validation["message"],
                "message must be non-empty if specified",
            ));
        } else if message.trim().contains('\n') {
            errors.push(FieldError::invalid(field, &validation["message"], "must not contain line breaks"));
        }
    }
    let source = text(validation, "messageExpression");
    if !source.is_empty() {
        let field = format!("{path}.messageExpression");
        if source.trim().is_empty() {
            let detail = "must be non-empty if specified";
            errors.push(FieldError::invalid(field, &validation["messageExpression"], detail));
        } else {
            expressions::check(source.trim(), &field, &env, &[Type::String], errors);
        }
    }
    let reason = text(validation, "reason");
    if !reason.is_empty() && !REASONS.contains(&reason) {
        errors.push(FieldError::not_supported(format!("{path}.reason"), &validation["reason"], &REASONS));
    }
}

fn validate_match(constraints: &Value, path: &str, errors: &mut Vec<FieldError>) {
    check_choice(constraints, "matchPolicy", path, &["Equivalent", "Exact"], errors);
    for selector in ["namespaceSelector", "objectSelector"] {
        super::selector::validate(constraints.get(selector), &format!("{path}.{selector}"), errors);
    }
    for rules in ["resourceRules", "excludeResourceRules"] {
        validate_rules(items(constraints, rules), &format!("{path}.{rules}"), errors);
    }
}

/// Returns what is wrong with a binding.
pub(super) fn validate_binding(object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let spec = &object["spec"];
    let name = text(spec, "policyName");
    if name.is_empty() {
        errors.push(FieldError::required("spec.policyName", ""));
    } else {
        errors.extend(names::invalid_each("spec.policyName", name, names::subdomain(name)));
    }
    if let Some(reference) = spec.get("paramRef").filter(|reference| reference.is_object()) {
        param_ref(reference, &mut errors);
    }
    if has(spec, "matchResources") {
        validate_match(&spec["matchResources"], "spec.matchResources", &mut errors);
    }
    actions(spec, &mut errors);
    errors
}

fn param_ref(reference: &Value, errors: &mut Vec<FieldError>) {
    const PATH: &str = "spec.paramRef";
    let (has_name, has_selector) = (!text(reference, "name").is_empty(), has(reference, "selector"));
    match (has_name, has_selector) {
        (true, true) => {
            for field in ["name", "selector"] {
                let detail = "name and selector are mutually exclusive";
                errors.push(FieldError::forbidden(format!("{PATH}.{field}"), detail));
            }
        }
        (false, false) => {
            errors.push(FieldError::required(PATH, "one of name or selector must be specified"));
        }
        _ => {}
    }
    if has_selector {
        super::selector::validate(reference.get("selector"), &format!("{PATH}.selector"), errors);
    }
    let field = format!("{PATH}.parameterNotFoundAction");
    match text(reference, "parameterNotFoundAction") {
        _ if has_name && has_selector => {}
        "" => errors.push(FieldError::required(field, "")),
        "Deny" | "Allow" => {}
        _ => errors.push(FieldError::not_supported(
            field,
            &reference["parameterNotFoundAction"],
            &["Deny", "Allow"],
        )),
    }
}

fn actions(spec: &Value, errors: &mut Vec<FieldError>) {
    const PATH: &str = "spec.validationActions";
    let actions = items(spec, "validationActions");
    if actions.is_empty() {
        errors.push(FieldError::required(PATH, "at least one validation action is required"));
    }
    let mut seen = Vec::new();
    for (index, action) in actions.iter().enumerate() {
        let field = format!("{PATH}[{index}]");
        if !ACTIONS.contains(&action.as_str().unwrap_or_default()) {
            errors.push(FieldError::not_supported(field, action, &ACTIONS));
        } else if seen.contains(&action) {
            errors.push(FieldError::duplicate(field, action));
        }
        seen.push(action);
    }
    let has_action = |wanted: &str| actions.iter().any(|action| action == wanted);
    if has_action("Deny") && has_action("Warn") {
        let detail = "must not contain both Deny and Warn (repeating the same validation failure information in the API \
                      response and headers serves no purpose)";
        errors.push(FieldError::invalid(PATH, &spec["validationActions"], detail));
    }
}
