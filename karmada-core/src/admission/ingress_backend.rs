//! Where an ingress sends requests.

use super::{FieldError, path_segment::validate_required_segment};
use crate::{
    api::networking::{IngressBackend, IngressServiceBackend, TypedLocalObjectReference},
    object::validation::{dns_1035_label, dns_1123_subdomain, port_name},
};

/// Checks that a backend is exactly one service or resource.
pub(super) fn validate_backend(backend: &IngressBackend, path: &str, errors: &mut Vec<FieldError>) {
    match (&backend.resource, &backend.service) {
        (Some(_), Some(_)) => {
            errors.push(FieldError::invalid(path, "", "cannot set both resource and service backends"));
        }
        (Some(resource), None) => validate_resource(resource, &format!("{path}.resource"), errors),
        (None, Some(service)) => validate_service(service, path, errors),
        (None, None) => {
            errors.push(FieldError::invalid(path, "", "resource or service backend is required"));
        }
    }
}

fn validate_resource(resource: &TypedLocalObjectReference, path: &str, errors: &mut Vec<FieldError>) {
    if let Some(group) = &resource.api_group {
        let field = format!("{path}.apiGroup");
        let messages = dns_1123_subdomain(group).into_iter();
        errors.extend(messages.map(|message| FieldError::invalid(&field, group, message)));
    }
    validate_required_segment(&resource.kind, &format!("{path}.kind"), "kind is required", errors);
    validate_required_segment(&resource.name, &format!("{path}.name"), "name is required", errors);
}

fn validate_service(service: &IngressServiceBackend, path: &str, errors: &mut Vec<FieldError>) {
    let field = format!("{path}.service.name");
    if service.name.is_empty() {
        errors.push(FieldError::required(field, ""));
    } else {
        let messages = dns_1035_label(&service.name).into_iter();
        errors.extend(messages.map(|message| FieldError::invalid(&field, &service.name, message)));
    }
    let port = &service.port;
    match (port.name.is_empty(), port.number == 0) {
        (false, false) => {
            errors.push(FieldError::invalid(path, "", "cannot set both port name & port number"));
        }
        (false, true) => {
            let field = format!("{path}.service.port.name");
            let messages = port_name(&port.name).into_iter();
            errors.extend(messages.map(|message| FieldError::invalid(&field, &port.name, message)));
        }
        (true, false) if !(1..=65535).contains(&port.number) => {
            let field = format!("{path}.service.port.number");
            let detail = "must be between 1 and 65535, inclusive";
            errors.push(FieldError::invalid_value(field, &port.number, detail));
        }
        (true, false) => {}
        (true, true) => errors.push(FieldError::required(path, "port name or number is required")),
    }
}
