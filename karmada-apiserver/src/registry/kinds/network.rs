//! Ingresses, network policies, endpoints.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::super::field_error::FieldError;
use super::super::names;
use super::checks::{check_cidr, check_subdomain, parse_cidr, require_choice};
use super::fields::{
    check_choice, check_immutable, check_port, check_required, child, default, has, items, items_mut, remove,
    text,
};
use super::selector;

pub(super) fn default_network_policy(object: &mut Value) {
    let Some(spec) = child(object, "spec") else { return };
    for direction in ["ingress", "egress"] {
        for rule in items_mut(spec, direction) {
            for port in items_mut(rule, "ports") {
                default(port, "protocol", "TCP");
            }
        }
    }
    if items(spec, "policyTypes").is_empty() {
        let both = !items(spec, "egress").is_empty();
        spec["policyTypes"] = if both { json!(["Ingress", "Egress"]) } else { json!(["Ingress"]) };
    }
}

pub(super) fn default_endpoints(object: &mut Value) {
    for subset in items_mut(object, "subsets") {
        for port in items_mut(subset, "ports") {
            default(port, "protocol", "TCP");
        }
    }
}

pub(super) fn default_endpoint_slice(object: &mut Value) {
    for port in items_mut(object, "ports") {
        default(port, "name", "");
        default(port, "protocol", "TCP");
    }
}

pub(super) fn default_ingress_class(object: &mut Value) {
    if let Some(parameters) = object.get_mut("spec").and_then(|spec| spec.get_mut("parameters")) {
        default(parameters, "scope", "Cluster");
    }
}

/// Drops a field of older versions.
pub(super) fn admit_endpoint_slice(object: &mut Value) {
    for endpoint in items_mut(object, "endpoints") {
        remove(endpoint, "deprecatedTopology");
    }
}

/// Returns what is wrong with an ingress.
pub(super) fn validate_ingress(object: &Value) -> Vec<FieldError> {
    let spec = &object["spec"];
    let mut errors = Vec::new();
    let rules = items(spec, "rules");
    if rules.is_empty() && !has(spec, "defaultBackend") {
        errors.push(FieldError::invalid(
            "spec",
            &Value::Null,
            "either `defaultBackend` or `rules` must be specified",
        ));
    }
    if has(spec, "defaultBackend") {
        backend(&spec["defaultBackend"], "spec.defaultBackend", &mut errors);
    }
    for (index, rule) in rules.iter().enumerate() {
        let path = format!("spec.rules[{index}]");
        host(rule, &path, &mut errors);
        let Some(http) = rule.get("http") else { continue };
        let paths = items(http, "paths");
        if paths.is_empty() {
            errors.push(FieldError::required(format!("{path}.http.paths"), ""));
        }
        for (index, entry) in paths.iter().enumerate() {
            http_path(entry, &format!("{path}.http.paths[{index}]"), &mut errors);
        }
    }
    if has(spec, "ingressClassName") {
        check_subdomain(spec, "ingressClassName", "spec", &mut errors);
    }
    for (index, tls) in items(spec, "tls").iter().enumerate() {
        let path = format!("spec.tls[{index}]");
        for (index, host) in items(tls, "hosts").iter().enumerate() {
            let host = host.as_str().unwrap_or_default();
            let problems =
                if host.contains('*') { names::wildcard_subdomain(host) } else { names::subdomain(host) };
            errors.extend(names::invalid_each(&format!("{path}.hosts[{index}]"), host, problems));
        }
        if !text(tls, "secretName").is_empty() {
            check_subdomain(tls, "secretName", &path, &mut errors);
        }
    }
    errors
}

/// Returns what is wrong with an ingress class.
pub(super) fn validate_ingress_class(object: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let spec = &object["spec"];
    let mut errors = Vec::new();
    if let Some(old) = old
        && text(&old["spec"], "controller") != text(spec, "controller")
    {
        let value = Value::from(text(spec, "controller"));
        errors.push(FieldError::invalid("spec.controller", &value, "field is immutable"));
    }
    controller(spec, &mut errors);
    let Some(parameters) = spec.get("parameters") else { return errors };
    let path = "spec.parameters";
    check_required(parameters, "kind", path, "", &mut errors);
    check_required(parameters, "name", path, "", &mut errors);
    if has(parameters, "apiGroup") {
        check_subdomain(parameters, "apiGroup", path, &mut errors);
    }
    let namespace = format!("{path}.namespace");
    match text(parameters, "scope") {
        "Namespace" => match parameters.get("namespace").and_then(Value::as_str) {
            None => errors.push(FieldError::required(namespace, "`parameters.scope` is set to 'Namespace'")),
            Some(name) => errors.extend(names::invalid_each(&namespace, name, names::label(name))),
        },
        "Cluster" if has(parameters, "namespace") => {
            errors.push(FieldError::forbidden(namespace, "`parameters.scope` is set to 'Cluster'"));
        }
        "Cluster" => {}
        _ => require_choice(parameters, "scope", path, &["Cluster", "Namespace"], &mut errors),
    }
    errors
}

fn controller(spec: &Value, errors: &mut Vec<FieldError>) {
    let (name, field) = (text(spec, "controller"), "spec.controller");
    if name.is_empty() {
        errors.push(FieldError::required(field, ""));
        return;
    }
    let parts = name.split_once('/').filter(|(domain, path)| !domain.is_empty() && !path.is_empty());
    let Some((domain, path)) = parts else {
        let detail = "must be a domain-prefixed path (such as \"acme.io/foo\")";
        errors.push(FieldError::invalid(field, &spec["controller"], detail));
        return;
    };
    errors.extend(names::invalid_each(field, domain, names::subdomain(domain)));
    let is_path = |c: char| c.is_ascii_alphanumeric() || "/-._~%!$&'()*+,;=:".contains(c);
    if !path.chars().all(is_path) {
        let detail = "Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')";
        errors.push(FieldError::invalid(field, &Value::from(path), detail));
    }
}

/// Returns what is wrong with an address that is taken.
pub(super) fn validate_address(object: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let Some(parent) = object["spec"].get("parentRef") else {
        return vec![FieldError::required("spec.parentRef", "")];
    };
    let path = "spec.parentRef";
    if !text(parent, "group").is_empty() {
        check_subdomain(parent, "group", path, &mut errors);
    }
    check_required(parent, "resource", path, "", &mut errors);
    check_required(parent, "name", path, "", &mut errors);
    if let Some(old) = old {
        check_immutable(&object["spec"], &old["spec"], "parentRef", "spec", &mut errors);
    }
    errors
}

/// Returns what is wrong with a range of service addresses.
pub(super) fn validate_service_range(object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let ranges = items(&object["spec"], "cidrs");
    if ranges.is_empty() {
        errors.push(FieldError::required("spec.cidrs", "at least one CIDR required"));
    }
    let widths: Vec<u32> =
        ranges.iter().filter_map(|range| parse_cidr(range.as_str()?).map(|(_, width, _)| width)).collect();
    if ranges.len() > 2 {
        let detail = "may only hold up to 2 values";
        errors.push(FieldError::invalid("spec.cidrs", &object["spec"]["cidrs"], detail));
    } else if widths.len() == 2 && widths[0] == widths[1] {
        let detail =
            "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64";
        errors.push(FieldError::invalid("spec.cidrs", &object["spec"]["cidrs"], detail));
    }
    for (index, range) in ranges.iter().enumerate() {
        check_cidr(range, &format!("spec.cidrs[{index}]"), &mut errors);
    }
    errors
}

/// Returns what is wrong with a network policy.
pub(super) fn validate_network_policy(object: &Value) -> Vec<FieldError> {
    let spec = &object["spec"];
    let mut errors = Vec::new();
    selector::validate(spec.get("podSelector"), "spec.podSelector", &mut errors);
    for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
        for (index, rule) in items(spec, direction).iter().enumerate() {
            let path = format!("spec.{direction}[{index}]");
            for (index, port) in items(rule, "ports").iter().enumerate() {
                policy_port(port, &format!("{path}.ports[{index}]"), &mut errors);
            }
            for (index, peer) in items(rule, peers).iter().enumerate() {
                policy_peer(peer, &format!("{path}.{peers}[{index}]"), &mut errors);
            }
        }
    }
    if items(spec, "policyTypes").len() > 2 {
        let detail = "may not specify more than two policyTypes";
        errors.push(FieldError::invalid("spec.policyTypes", &spec["policyTypes"], detail));
        return errors;
    }
    for (index, kind) in items(spec, "policyTypes").iter().enumerate() {
        if !matches!(kind.as_str(), Some("Ingress" | "Egress")) {
            let field = format!("spec.policyTypes[{index}]");
            errors.push(FieldError::not_supported(field, kind, &["Ingress", "Egress"]));
        }
    }
    errors
}

fn host(rule: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let host = text(rule, "host");
    if host.is_empty() {
        return;
    }
    let field = format!("{path}.host");
    if host.parse::<IpAddr>().is_ok() {
        errors.push(FieldError::invalid(&field, &rule["host"], "must be a DNS name, not an IP address"));
    }
    let problems = if host.contains('*') { names::wildcard_subdomain(host) } else { names::subdomain(host) };
    errors.extend(names::invalid_each(&field, host, problems));
}

fn http_path(entry: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let found = text(entry, "path");
    match entry.get("pathType").and_then(Value::as_str) {
        None => {
            errors.push(FieldError::required(format!("{path}.pathType"), "pathType must be specified"));
            return;
        }
        Some("Exact" | "Prefix") if !found.starts_with('/') => errors.push(FieldError::invalid(
            format!("{path}.path"),
            &Value::from(found),
            "must be an absolute path",
        )),
        Some("ImplementationSpecific") if !found.is_empty() && !found.starts_with('/') => errors.push(
            FieldError::invalid(format!("{path}.path"), &Value::from(found), "must be an absolute path"),
        ),
        Some("Exact" | "Prefix" | "ImplementationSpecific") => {}
        Some(_) => errors.push(FieldError::not_supported(
            format!("{path}.pathType"),
            &entry["pathType"],
            &["Exact", "ImplementationSpecific", "Prefix"],
        )),
    }
    backend(&entry["backend"], &format!("{path}.backend"), errors);
}

fn backend(backend: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let empty = Value::from("");
    match (has(backend, "resource"), backend.get("service")) {
        (true, Some(_)) => {
            errors.push(FieldError::invalid(path, &empty, "cannot set both resource and service backends"));
        }
        (true, None) => {
            let (resource, path) = (&backend["resource"], format!("{path}.resource"));
            if has(resource, "apiGroup") {
                check_subdomain(resource, "apiGroup", &path, errors);
            }
            check_required(resource, "kind", &path, "", errors);
            check_required(resource, "name", &path, "", errors);
        }
        (false, None) => {
            errors.push(FieldError::invalid(path, &empty, "resource or service backend is required"));
        }
        (false, Some(service)) => {
            let name = text(service, "name");
            if name.is_empty() {
                errors.push(FieldError::required(format!("{path}.service.name"), ""));
            } else {
                let problems = names::label(name);
                errors.extend(names::invalid_each(&format!("{path}.service.name"), name, problems));
            }
            let (port_name, number) =
                (text(&service["port"], "name"), service["port"]["number"].as_i64().unwrap_or(0));
            if !port_name.is_empty() && number != 0 {
                errors.push(FieldError::invalid(path, &empty, "cannot set both port name & port number"));
            } else if !port_name.is_empty() {
                let field = format!("{path}.service.port.name");
                errors.extend(names::invalid_each(&field, port_name, names::port_name(port_name)));
            } else if number != 0 {
                check_port(&service["port"]["number"], &format!("{path}.service.port.number"), errors);
            } else {
                errors.push(FieldError::required(path, "port name or number is required"));
            }
        }
    }
}

fn policy_port(port: &Value, path: &str, errors: &mut Vec<FieldError>) {
    check_choice(port, "protocol", path, &["TCP", "UDP", "SCTP"], errors);
    let field = format!("{path}.port");
    match &port["port"] {
        Value::String(name) => errors.extend(names::invalid_each(&field, name, names::port_name(name))),
        number => check_port(number, &field, errors),
    }
    let Some(last) = port["endPort"].as_i64() else { return };
    let end = format!("{path}.endPort");
    match &port["port"] {
        Value::Null => errors.push(FieldError::invalid(
            end,
            &port["endPort"],
            "may not be specified when `port` is not specified",
        )),
        Value::String(_) => errors.push(FieldError::invalid(
            end,
            &port["endPort"],
            "may not be specified when `port` is non-numeric",
        )),
        first => {
            if first.as_i64().is_some_and(|first| last < first) {
                // The real server shows the start here.
                errors.push(FieldError::invalid(&end, first, "must be greater than or equal to `port`"));
            }
            check_port(&port["endPort"], &end, errors);
        }
    }
}

fn policy_peer(peer: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let selectors = ["podSelector", "namespaceSelector"];
    for key in selectors {
        selector::validate(peer.get(key), &format!("{path}.{key}"), errors);
    }
    let selected = selectors.iter().any(|key| has(peer, key));
    let Some(block) = peer.get("ipBlock") else {
        if !selected {
            errors.push(FieldError::required(path, "must specify a peer"));
        }
        return;
    };
    if selected {
        errors.push(FieldError::forbidden(path, "may not specify both ipBlock and another peer"));
    }
    let field = format!("{path}.ipBlock.cidr");
    if text(block, "cidr").is_empty() {
        errors.push(FieldError::required(field, ""));
        return;
    }
    let Some(network) = parse_cidr(text(block, "cidr")) else {
        errors.push(FieldError::invalid(
            field,
            &block["cidr"],
            "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)",
        ));
        return;
    };
    for (index, except) in items(block, "except").iter().enumerate() {
        let field = format!("{path}.ipBlock.except[{index}]");
        match parse_cidr(except.as_str().unwrap_or_default()) {
            None => errors.push(FieldError::invalid(
                field,
                except,
                "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)",
            )),
            Some(inner) if !is_strictly_inside(inner, network) => {
                errors.push(FieldError::invalid(field, except, "must be a strict subset of `cidr`"));
            }
            Some(_) => {}
        }
    }
}

fn is_strictly_inside(inner: (u128, u32, u32), outer: (u128, u32, u32)) -> bool {
    let start = |(number, width, _): (u128, u32, u32), prefix: u32| {
        number.checked_shr(width - prefix).unwrap_or_default()
    };
    inner.1 == outer.1 && inner.2 > outer.2 && start(inner, outer.2) == start(outer, outer.2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_which_network_lies_in_which() {
        let inside = |inner: &str, outer: &str| {
            is_strictly_inside(parse_cidr(inner).unwrap(), parse_cidr(outer).unwrap())
        };
        assert!(inside("192.0.2.1/32", "192.0.2.0/24"));
        assert!(inside("10.1.2.3/32", "0.0.0.0/0"));
        assert!(!inside("198.51.100.0/24", "192.0.2.0/24"));
        assert!(!inside("192.0.2.0/24", "192.0.2.0/24"));
    }
}
