//! MultiClusterIngress.

use serde_json::Value;

use super::{
    AdmissionDenied, AdmissionInput, FieldError, Operation,
    entry::{decode, deny_if_any},
    ingress_backend::validate_backend,
    load_balancer::{is_ip, validate_addresses},
    object_meta::{Scope, validate_metadata, validate_metadata_update},
};
use crate::{
    api::networking::{HttpIngressPath, IngressRule, IngressSpec, IngressTls, MultiClusterIngress},
    object::{
        self,
        validation::{dns_1123_subdomain, wildcard_dns_1123_subdomain},
    },
};

/// How the class of an ingress was named before it had a field.
const CLASS_ANNOTATION: &str = "kubernetes.io/ingress.class";
/// What paths may not contain, and how they may not end.
const BAD_SEQUENCES: [&str; 5] = ["//", "/./", "/../", "%2f", "%2F"];
const BAD_ENDS: [&str; 2] = ["/..", "/."];

/// Refuses what is not valid.
pub(super) fn validate(input: &AdmissionInput<'_>) -> Result<(), AdmissionDenied> {
    let ingress: MultiClusterIngress = decode(input.object)?;
    let mut errors = Vec::new();
    let old = input.old_object.filter(|_| input.operation == Operation::Update);
    if let Some(old) = old {
        validate_metadata_update(&input.object["metadata"], &old["metadata"], &mut errors);
    }
    validate_metadata(&input.object["metadata"], Scope::Namespaced, dns_1123_subdomain, &mut errors);
    validate_spec(&ingress.spec, &input.object["spec"], &mut errors);
    if old.is_none() {
        validate_class_annotation(&ingress.spec, input.object, &mut errors);
    } else {
        let addresses = ingress.status.iter().flat_map(|status| &status.load_balancer.ingress);
        validate_addresses(
            addresses.map(|address| (address.ip.as_str(), address.hostname.as_str())),
            &mut errors,
        );
    }
    deny_if_any(input.kind, errors)
}

fn validate_class_annotation(spec: &IngressSpec, ingress: &Value, errors: &mut Vec<FieldError>) {
    if let (Some(annotation), Some(class)) =
        (object::annotation(ingress, CLASS_ANNOTATION), &spec.ingress_class_name)
        && annotation != class
    {
        errors.push(FieldError::invalid(
            format!("metadata.annotations.{CLASS_ANNOTATION}"),
            annotation,
            "must match `ingressClassName` when both are specified",
        ));
    }
}

fn validate_spec(spec: &IngressSpec, written: &Value, errors: &mut Vec<FieldError>) {
    if spec.rules.is_empty() && spec.default_backend.is_none() {
        let detail = "either `defaultBackend` or `rules` must be specified";
        errors.push(FieldError::invalid_value("spec", &written["rules"], detail));
    }
    if let Some(backend) = &spec.default_backend {
        validate_backend(backend, "spec.defaultBackend", errors);
    }
    for (index, rule) in spec.rules.iter().enumerate() {
        validate_rule(rule, &format!("spec.rules[{index}]"), errors);
    }
    for (index, tls) in spec.tls.iter().enumerate() {
        validate_tls(tls, &format!("spec.tls[{index}]"), errors);
    }
    if let Some(class) = &spec.ingress_class_name {
        let messages = dns_1123_subdomain(class).into_iter();
        errors.extend(messages.map(|message| FieldError::invalid("spec.ingressClassName", class, message)));
    }
}

fn validate_rule(rule: &IngressRule, path: &str, errors: &mut Vec<FieldError>) {
    if !rule.host.is_empty() {
        let field = format!("{path}.host");
        if is_ip(&rule.host) {
            let detail = "must be a DNS name, not an IP address";
            errors.push(FieldError::invalid(&field, &rule.host, detail));
        }
        push_host_messages(&rule.host, &field, errors);
    }
    let Some(http) = &rule.http else {
        return;
    };
    if http.paths.is_empty() {
        errors.push(FieldError::required(format!("{path}.http.paths"), ""));
    }
    for (index, entry) in http.paths.iter().enumerate() {
        validate_path(entry, &format!("{path}.http.paths[{index}]"), errors);
    }
}

fn validate_path(entry: &HttpIngressPath, path: &str, errors: &mut Vec<FieldError>) {
    let Some(path_type) = &entry.path_type else {
        errors.push(FieldError::required(format!("{path}.pathType"), "pathType must be specified"));
        return;
    };
    let field = format!("{path}.path");
    let mut refuse = |detail: String| errors.push(FieldError::invalid(&field, &entry.path, detail));
    let is_absolute = entry.path.starts_with('/');
    match path_type.as_str() {
        "Exact" | "Prefix" => {
            if !is_absolute {
                refuse("must be an absolute path".to_owned());
            }
            for sequence in BAD_SEQUENCES.into_iter().filter(|sequence| entry.path.contains(sequence)) {
                refuse(format!("must not contain '{sequence}'"));
            }
            for end in BAD_ENDS.into_iter().filter(|end| entry.path.ends_with(end)) {
                refuse(format!("cannot end with '{end}'"));
            }
        }
        "ImplementationSpecific" => {
            if !entry.path.is_empty() && !is_absolute {
                refuse("must be an absolute path".to_owned());
            }
        }
        other => errors.push(FieldError::not_supported(
            format!("{path}.pathType"),
            other,
            &["Exact", "ImplementationSpecific", "Prefix"],
        )),
    }
    validate_backend(&entry.backend, &format!("{path}.backend"), errors);
}

fn validate_tls(tls: &IngressTls, path: &str, errors: &mut Vec<FieldError>) {
    for (index, host) in tls.hosts.iter().enumerate() {
        push_host_messages(host, &format!("{path}.hosts[{index}]"), errors);
    }
    if !tls.secret_name.is_empty() {
        let field = format!("{path}.secretName");
        let messages = dns_1123_subdomain(&tls.secret_name).into_iter();
        errors.extend(messages.map(|message| FieldError::invalid(&field, &tls.secret_name, message)));
    }
}

fn push_host_messages(host: &str, field: &str, errors: &mut Vec<FieldError>) {
    let messages =
        if host.contains('*') { wildcard_dns_1123_subdomain(host) } else { dns_1123_subdomain(host) };
    errors.extend(messages.into_iter().map(|message| FieldError::invalid(field, host, message)));
}
