//! Roles and their bindings.

use serde_json::{Value, json};

use super::super::field_error::{FieldError, FieldErrorKind};
use super::super::names;
use super::fields::{check_required, default, items, items_mut, text};
use super::selector;

const GROUP: &str = "rbac.authorization.k8s.io";

pub(super) fn default_binding(object: &mut Value) {
    if let Some(reference) = object.get_mut("roleRef")
        && text(reference, "apiGroup").is_empty()
    {
        reference["apiGroup"] = json!(GROUP);
    }
    for subject in items_mut(object, "subjects") {
        if matches!(text(subject, "kind"), "User" | "Group") {
            default(subject, "apiGroup", GROUP);
        }
    }
}

/// Returns what is wrong with a role or cluster role.
pub(super) fn validate_role(kind: &str, object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (index, rule) in items(object, "rules").iter().enumerate() {
        validate_rule(kind, rule, &format!("rules[{index}]"), &mut errors);
    }
    if let Some(rule) = object.get("aggregationRule").filter(|rule| !rule.is_null()) {
        let selectors = items(rule, "clusterRoleSelectors");
        if selectors.is_empty() {
            errors.push(FieldError::required(
                "aggregationRule.clusterRoleSelectors",
                "at least one clusterRoleSelector required if aggregationRule is non-nil",
            ));
        }
        for (index, chosen) in selectors.iter().enumerate() {
            let path = format!("aggregationRule.clusterRoleSelectors[{index}]");
            let known = errors.len();
            selector::validate(Some(chosen), &path, &mut errors);
            if errors.len() > known {
                errors.push(FieldError::invalid(path, &Value::Null, "invalid label selector."));
            }
        }
    }
    errors
}

/// Returns what is wrong with a binding.
pub(super) fn validate_binding(kind: &str, object: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let reference = object.get("roleRef").cloned().unwrap_or_else(|| json!({}));
    // An absent reference has been given no group by the defaults.
    let group = if object.get("roleRef").is_some() { text(&reference, "apiGroup") } else { GROUP };
    if group != GROUP {
        errors.push(FieldError::not_supported("roleRef.apiGroup", &reference["apiGroup"], &[GROUP]));
    }
    let kinds: &[&str] = if kind == "RoleBinding" { &["Role", "ClusterRole"] } else { &["ClusterRole"] };
    if !kinds.contains(&text(&reference, "kind")) {
        errors.push(FieldError::not_supported("roleRef.kind", &Value::from(text(&reference, "kind")), kinds));
    }
    check_required(&reference, "name", "roleRef", "", &mut errors);
    for (index, subject) in items(object, "subjects").iter().enumerate() {
        validate_subject(kind, subject, &format!("subjects[{index}]"), &mut errors);
    }
    if let Some(old) = old
        && object.get("roleRef") != old.get("roleRef")
    {
        let shown = format!(
            "{{\"APIGroup\":{},\"Kind\":{},\"Name\":{}}}",
            Value::from(group),
            Value::from(text(&reference, "kind")),
            Value::from(text(&reference, "name"))
        );
        errors.push(FieldError {
            kind: FieldErrorKind::Invalid,
            field: "roleRef".to_owned(),
            message: format!("Invalid value: {shown}: cannot change roleRef"),
        });
    }
    errors
}

fn validate_rule(kind: &str, rule: &Value, path: &str, errors: &mut Vec<FieldError>) {
    if items(rule, "verbs").is_empty() {
        errors.push(FieldError::required(format!("{path}.verbs"), "verbs must contain at least one value"));
    }
    if !items(rule, "nonResourceURLs").is_empty() {
        if kind == "Role" {
            errors.push(FieldError::invalid(
                format!("{path}.nonResourceURLs"),
                &rule["nonResourceURLs"],
                "namespaced rules cannot apply to non-resource URLs",
            ));
        }
        if !items(rule, "apiGroups").is_empty() || !items(rule, "resources").is_empty() {
            errors.push(FieldError::invalid(
                format!("{path}.nonResourceURLs"),
                &rule["nonResourceURLs"],
                "rules cannot apply to both regular resources and non-resource URLs",
            ));
        }
        return;
    }
    if items(rule, "apiGroups").is_empty() {
        errors.push(FieldError::required(
            format!("{path}.apiGroups"),
            "resource rules must supply at least one api group",
        ));
    }
    if items(rule, "resources").is_empty() {
        errors.push(FieldError::required(
            format!("{path}.resources"),
            "resource rules must supply at least one resource",
        ));
    }
}

fn validate_subject(binding: &str, subject: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let name = text(subject, "name");
    check_required(subject, "name", path, "", errors);
    let group_field = format!("{path}.apiGroup");
    match text(subject, "kind") {
        "ServiceAccount" => {
            if !name.is_empty() {
                errors.extend(names::invalid_each(&format!("{path}.name"), name, names::subdomain(name)));
            }
            if !text(subject, "apiGroup").is_empty() {
                errors.push(FieldError::not_supported(group_field, &subject["apiGroup"], &[""]));
            }
            if binding == "ClusterRoleBinding" && text(subject, "namespace").is_empty() {
                errors.push(FieldError::required(format!("{path}.namespace"), ""));
            }
        }
        "User" | "Group" => {
            if text(subject, "apiGroup") != GROUP {
                errors.push(FieldError::not_supported(group_field, &subject["apiGroup"], &[GROUP]));
            }
        }
        other => errors.push(FieldError::not_supported(
            format!("{path}.kind"),
            &Value::from(other),
            &["ServiceAccount", "User", "Group"],
        )),
    }
}
