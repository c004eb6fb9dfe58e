//! Validation of endpoints and endpoint slices.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::Value;

use super::super::field_error::FieldError;
use super::super::names;
use super::checks::{check_ip, check_label_name, check_qualified};
use super::fields::{check_choice, check_immutable, check_port, check_required, has, items, text};

const PROTOCOLS: &[&str] = &["SCTP", "TCP", "UDP"];

/// Returns what is wrong with an endpoints object.
pub(super) fn validate_endpoints(object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (index, subset) in items(object, "subsets").iter().enumerate() {
        let path = format!("subsets[{index}]");
        let lists = ["addresses", "notReadyAddresses"];
        if lists.iter().all(|list| items(subset, list).is_empty()) {
            let detail = "must specify `addresses` or `notReadyAddresses`";
            errors.push(FieldError::required(&path, detail));
        }
        for list in lists {
            for (index, address) in items(subset, list).iter().enumerate() {
                let path = format!("{path}.{list}[{index}]");
                check_ip(&address["ip"], &format!("{path}.ip"), &mut errors);
                check_label_name(address, "hostname", &path, &mut errors);
                if let Some(node) = address.get("nodeName").and_then(Value::as_str) {
                    errors.extend(names::invalid_each(
                        &format!("{path}.nodeName"),
                        node,
                        names::subdomain(node),
                    ));
                }
                // The real server looks at the address a second time, as one that others may reach.
                let ip = text(address, "ip");
                check_reachable(ip, &format!("{path}.ip"), &mut errors);
            }
        }
        let ports = items(subset, "ports");
        for (index, port) in ports.iter().enumerate() {
            let path = format!("{path}.ports[{index}]");
            if text(port, "name").is_empty() {
                if ports.len() > 1 {
                    errors.push(FieldError::required(format!("{path}.name"), ""));
                }
            } else {
                check_label_name(port, "name", &path, &mut errors);
            }
            let number = Value::from(port["port"].as_i64().unwrap_or_default());
            check_port(&number, &format!("{path}.port"), &mut errors);
            check_choice(port, "protocol", &path, PROTOCOLS, &mut errors);
            if has(port, "appProtocol") {
                check_qualified(port, "appProtocol", &path, &mut errors);
            }
        }
    }
    errors
}

/// Returns what is wrong with an endpoint slice.
pub(super) fn validate_endpoint_slice(object: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    check_required(object, "addressType", "", "", &mut errors);
    let kind = text(object, "addressType");
    if !kind.is_empty() {
        check_choice(object, "addressType", "", &["FQDN", "IPv4", "IPv6"], &mut errors);
    }
    for (index, endpoint) in items(object, "endpoints").iter().enumerate() {
        slice_endpoint(endpoint, kind, &format!("endpoints[{index}]"), &mut errors);
    }
    let mut seen = BTreeSet::new();
    for (index, port) in items(object, "ports").iter().enumerate() {
        let path = format!("ports[{index}]");
        check_label_name(port, "name", &path, &mut errors);
        if !seen.insert(text(port, "name")) {
            errors.push(FieldError::duplicate(format!("{path}.name"), &port["name"]));
        }
        check_choice(port, "protocol", &path, PROTOCOLS, &mut errors);
        if has(port, "appProtocol") {
            check_qualified(port, "appProtocol", &path, &mut errors);
        }
    }
    if let Some(old) = old {
        check_immutable(object, old, "addressType", "", &mut errors);
    }
    errors
}

fn slice_endpoint(endpoint: &Value, kind: &str, path: &str, errors: &mut Vec<FieldError>) {
    let addresses = items(endpoint, "addresses");
    if addresses.is_empty() {
        errors.push(FieldError::required(format!("{path}.addresses"), "must contain at least 1 address"));
    }
    for (index, address) in addresses.iter().enumerate() {
        let (field, found) = (format!("{path}.addresses[{index}]"), address.as_str().unwrap_or_default());
        match (kind, found.parse::<IpAddr>()) {
            ("IPv4", Ok(IpAddr::V4(_))) | ("IPv6", Ok(IpAddr::V6(_))) => {
                check_reachable(found, &field, errors);
            }
            // The real server names the list here.
            ("IPv4" | "IPv6", Ok(_)) => {
                let detail = format!("must be an {kind} address");
                errors.push(FieldError::invalid(format!("{path}.addresses"), address, detail));
            }
            ("IPv4" | "IPv6", Err(_)) => check_ip(address, &field, errors),
            ("FQDN", _) => errors.extend(names::invalid_each(&field, found, names::subdomain(found))),
            _ => {}
        }
    }
    if let Some(node) = endpoint.get("nodeName").and_then(Value::as_str) {
        errors.extend(names::invalid_each(&format!("{path}.nodeName"), node, names::subdomain(node)));
    }
    if let Some(host) = endpoint.get("hostname").and_then(Value::as_str) {
        errors.extend(names::invalid_each(&format!("{path}.hostname"), host, names::label(host)));
    }
    let mut seen = BTreeSet::new();
    for (index, zone) in items(&endpoint["hints"], "forZones").iter().enumerate() {
        let field = format!("{path}.hints.forZones[{index}].name");
        let name = text(zone, "name");
        if !seen.insert(name) {
            errors.push(FieldError::duplicate(&field, &Value::from(name)));
        }
        errors.extend(names::invalid_each(&field, name, names::label_value(name)));
    }
}

/// Reports addresses that mean nothing to another machine.
fn check_reachable(address: &str, field: &str, errors: &mut Vec<FieldError>) {
    let value = Value::from(address);
    let mut refuse = |detail: &str| errors.push(FieldError::invalid(field, &value, detail));
    match address.parse::<IpAddr>() {
        Err(_) => refuse("must be a valid IP address"),
        Ok(IpAddr::V4(Ipv4Addr::UNSPECIFIED)) => refuse("may not be unspecified (0.0.0.0)"),
        Ok(IpAddr::V6(Ipv6Addr::UNSPECIFIED)) => refuse("may not be unspecified (::)"),
        Ok(address) if address.is_loopback() => {
            refuse("may not be in the loopback range (127.0.0.0/8, ::1/128)");
        }
        Ok(IpAddr::V4(address)) if address.is_link_local() => {
            refuse("may not be in the link-local range (169.254.0.0/16, fe80::/10)");
        }
        Ok(IpAddr::V6(address)) if address.segments()[0] & 0xffc0 == 0xfe80 => {
            refuse("may not be in the link-local range (169.254.0.0/16, fe80::/10)");
        }
        Ok(IpAddr::V4(address)) if address.octets()[..3] == [224, 0, 0] => {
            refuse("may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)");
        }
        Ok(_) => {}
    }
}
