//! Services: defaults, validation and changes of type.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::{Value, json};

use super::super::field_error::{FieldError, FieldErrorKind};
use super::super::names;
use super::checks::{check_cidr, check_ip, check_qualified};
use super::fields::{check_choice, check_port, child, default, has, items, items_mut, remove, text};

const PROTOCOLS: &[&str] = &["SCTP", "TCP", "UDP"];
const TYPES: &[&str] = &["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];

pub(super) fn apply_defaults(object: &mut Value) {
    let Some(spec) = child(object, "spec") else { return };
    default(spec, "sessionAffinity", "None");
    default(spec, "type", "ClusterIP");
    for port in items_mut(spec, "ports") {
        default(port, "protocol", "TCP");
        let target = port.get("targetPort");
        let unset =
            target.is_none_or(|target| target.is_null() || *target == json!(0) || *target == json!(""));
        if unset {
            port["targetPort"] = port.get("port").cloned().unwrap_or_else(|| json!(0));
        }
    }
    let kind = text(spec, "type").to_owned();
    if text(spec, "sessionAffinity") == "ClientIP" {
        if let Some(timeout) =
            child(spec, "sessionAffinityConfig").and_then(|config| child(config, "clientIP"))
        {
            default(timeout, "timeoutSeconds", 10800);
        }
    } else {
        remove(spec, "sessionAffinityConfig");
    }
    if is_external(spec) {
        default(spec, "externalTrafficPolicy", "Cluster");
    }
    if matches!(kind.as_str(), "NodePort" | "LoadBalancer" | "ClusterIP") {
        default(spec, "internalTrafficPolicy", "Cluster");
    }
    if kind == "LoadBalancer" {
        default(spec, "allocateLoadBalancerNodePorts", true);
    }
}

/// Brings the two names of the cluster IP together, and drops what the new type does not have.
pub(super) fn normalise(object: &mut Value, old: Option<&Value>) {
    let old_spec = old.map(|old| &old["spec"]);
    let Some(spec) = child(object, "spec") else { return };
    patch_cluster_ip(spec, old_spec);
    if let Some(old) = old_spec {
        let (new_type, old_type) = (text(spec, "type").to_owned(), text(old, "type").to_owned());
        if new_type == "ExternalName" && old_type != "ExternalName" {
            drop_unchanged(spec, old, &["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"]);
            drop_unchanged(spec, old, &["internalTrafficPolicy"]);
        }
        let (needs, needed) = (uses_node_ports(&new_type), uses_node_ports(&old_type));
        if needed && !needs {
            drop_node_ports(spec, old);
            drop_unchanged(spec, old, &["healthCheckNodePort"]);
        }
        if is_external(old) && !is_external(spec) {
            drop_unchanged(spec, old, &["externalTrafficPolicy"]);
        }
        if new_type != "LoadBalancer" && old_type == "LoadBalancer" {
            drop_unchanged(spec, old, &["allocateLoadBalancerNodePorts", "loadBalancerClass"]);
        }
    }
}

/// Says whether a service is reached from outside of the cluster.
fn is_external(spec: &Value) -> bool {
    match text(spec, "type") {
        "NodePort" | "LoadBalancer" => true,
        "ClusterIP" => !items(spec, "externalIPs").is_empty(),
        _ => false,
    }
}

/// Returns what is wrong with a service.
pub(super) fn validate(object: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let spec = &object["spec"];
    let mut errors = Vec::new();
    let (kind, cluster_ip) = (text(spec, "type"), text(spec, "clusterIP"));
    if items(spec, "ports").is_empty() && cluster_ip != "None" && kind != "ExternalName" {
        errors.push(FieldError::required("spec.ports", ""));
    }
    if kind == "ExternalName" {
        external_name(spec, &mut errors);
    }
    ports(spec, kind, &mut errors);
    errors.extend(names::check_labels(spec.get("selector"), "spec.selector"));
    check_choice(spec, "sessionAffinity", "spec", &["ClientIP", "None"], &mut errors);
    for (index, value) in items(spec, "clusterIPs").iter().enumerate() {
        let found = value.as_str().unwrap_or_default();
        if found != "None" && found.parse::<IpAddr>().is_err() {
            errors.push(FieldError::invalid(
                format!("spec.clusterIPs[{index}]"),
                value,
                "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",
            ));
        }
    }
    check_choice(spec, "type", "spec", TYPES, &mut errors);
    addresses(spec, &mut errors);
    policies(spec, kind, &mut errors);
    families(spec, old.map(|old| &old["spec"]), &mut errors);
    for field in ["externalTrafficPolicy", "internalTrafficPolicy"] {
        check_choice(spec, field, "spec", &["Cluster", "Local"], &mut errors);
    }
    if let Some(old) = old {
        cluster_ip_change(spec, &old["spec"], &mut errors);
    }
    errors
}

/// Checks what names addresses outside of the cluster.
fn addresses(spec: &Value, errors: &mut Vec<FieldError>) {
    for (index, address) in items(spec, "externalIPs").iter().enumerate() {
        check_ip(address, &format!("spec.externalIPs[{index}]"), errors);
    }
    if let Some(timeout) = spec.pointer("/sessionAffinityConfig/clientIP/timeoutSeconds")
        && timeout.as_i64().is_some_and(|seconds| !(1..=86400).contains(&seconds))
    {
        errors.push(FieldError::invalid(
            "spec.sessionAffinityConfig.clientIP.timeoutSeconds",
            timeout,
            "must be greater than 0 and less than 86400",
        ));
    }
    for (index, range) in items(spec, "loadBalancerSourceRanges").iter().enumerate() {
        check_cidr(range, &format!("spec.LoadBalancerSourceRanges[{index}]"), errors);
    }
}

/// Checks what only some types of services have.
fn policies(spec: &Value, kind: &str, errors: &mut Vec<FieldError>) {
    let balanced = kind == "LoadBalancer";
    let only = "may only be used when `type` is 'LoadBalancer'";
    if !balanced && !items(spec, "loadBalancerSourceRanges").is_empty() {
        errors.push(FieldError::forbidden("spec.LoadBalancerSourceRanges", only));
    }
    if !balanced && has(spec, "allocateLoadBalancerNodePorts") {
        errors.push(FieldError::forbidden("spec.allocateLoadBalancerNodePorts", only));
    }
    if let Some(class) = spec.get("loadBalancerClass").and_then(Value::as_str) {
        if !balanced {
            errors.push(FieldError::forbidden("spec.loadBalancerClass", only));
        }
        errors.extend(names::invalid_each("spec.loadBalancerClass", class, names::qualified_name(class)));
    }
    if has(spec, "externalTrafficPolicy") && !is_external(spec) {
        errors.push(FieldError::invalid(
            "spec.externalTrafficPolicy",
            &spec["externalTrafficPolicy"],
            "may only be set for externally-accessible services",
        ));
    }
    let distributions = ["PreferClose", "PreferSameZone", "PreferSameNode"];
    check_choice(spec, "trafficDistribution", "spec", &distributions, errors);
}

/// Checks the families of addresses.
fn families(spec: &Value, old: Option<&Value>, errors: &mut Vec<FieldError>) {
    let families = items(spec, "ipFamilies");
    for (index, family) in families.iter().enumerate() {
        let field = format!("spec.ipFamilies[{index}]");
        if !matches!(family.as_str(), Some("IPv4" | "IPv6")) {
            errors.push(FieldError::not_supported(&field, family, &["IPv4", "IPv6"]));
        }
        if families[..index].contains(family) {
            errors.push(FieldError::duplicate(field, family));
        }
    }
    let policies = ["PreferDualStack", "RequireDualStack", "SingleStack"];
    check_choice(spec, "ipFamilyPolicy", "spec", &policies, errors);
    let list = items(spec, "clusterIPs");
    let is_v6 = |address: &Value| address.as_str().is_some_and(|text| text.contains(':'));
    if list.len() == 2 && is_v6(&list[0]) == is_v6(&list[1]) {
        let detail = "may specify no more than one IP for each IP family";
        errors.push(FieldError::invalid("spec.clusterIPs", &spec["clusterIPs"], detail));
    }
    if let Some(first) = list.first()
        && *first != spec["clusterIP"]
    {
        let detail = "first value must match `clusterIP`";
        errors.push(FieldError::invalid("spec.clusterIPs", &spec["clusterIPs"], detail));
    }
    let Some(old) = old else { return };
    let (class, was) = (spec.get("loadBalancerClass"), old.get("loadBalancerClass"));
    let stays = [spec, old].iter().all(|spec| text(spec, "type") == "LoadBalancer");
    if stays && class != was && was.is_some() {
        let value = class.cloned().unwrap_or_default();
        errors.push(FieldError::invalid("spec.loadBalancerClass", &value, "may not change once set"));
    }
}

fn external_name(spec: &Value, errors: &mut Vec<FieldError>) {
    let name = text(spec, "externalName");
    if name.is_empty() {
        errors.push(FieldError::required("spec.externalName", ""));
    } else {
        let trimmed = name.trim_end_matches('.');
        errors.extend(names::invalid_each("spec.externalName", name, names::subdomain(trimmed)));
    }
    if !text(spec, "clusterIP").is_empty() {
        errors.push(FieldError::forbidden("spec.clusterIPs", "may not be set for ExternalName services"));
    }
}

fn ports(spec: &Value, kind: &str, errors: &mut Vec<FieldError>) {
    let ports = items(spec, "ports");
    let mut seen_names = BTreeSet::new();
    for (index, port) in ports.iter().enumerate() {
        let path = format!("spec.ports[{index}]");
        let name = text(port, "name");
        if name.is_empty() {
            if ports.len() > 1 {
                errors.push(FieldError::required(format!("{path}.name"), ""));
            }
        } else {
            errors.extend(names::invalid_each(&format!("{path}.name"), name, names::label(name)));
            if !seen_names.insert(name) {
                errors.push(FieldError::duplicate(format!("{path}.name"), &port["name"]));
            }
        }
        let number = Value::from(port["port"].as_i64().unwrap_or_default());
        check_port(&number, &format!("{path}.port"), errors);
        if has(port, "appProtocol") {
            check_qualified(port, "appProtocol", &path, errors);
        }
        check_choice(port, "protocol", &path, PROTOCOLS, errors);
        check_port(&port["targetPort"], &format!("{path}.targetPort"), errors);
        if let Some(target) = port["targetPort"].as_str() {
            errors.extend(names::invalid_each(
                &format!("{path}.targetPort"),
                target,
                names::port_name(target),
            ));
        }
        if has(port, "nodePort") && matches!(kind, "ClusterIP" | "ExternalName") {
            errors.push(FieldError::forbidden(
                format!("{path}.nodePort"),
                format!("may not be used when `type` is '{kind}'"),
            ));
        }
    }
    let key = |port: &Value| (port["port"].as_i64(), text(port, "protocol").to_owned());
    let mut seen = BTreeSet::new();
    for (index, port) in ports.iter().enumerate() {
        if !seen.insert(key(port)) {
            let shown = format!(
                "{{\"Name\":\"\",\"Protocol\":{},\"AppProtocol\":null,\"Port\":{},\"TargetPort\":0,\"NodePort\":0}}",
                port["protocol"], port["port"]
            );
            errors.push(FieldError {
                kind: FieldErrorKind::Duplicate,
                field: format!("spec.ports[{index}]"),
                message: format!("Duplicate value: {shown}"),
            });
        }
    }
}

fn cluster_ip_change(new: &Value, old: &Value, errors: &mut Vec<FieldError>) {
    let kinds = [text(new, "type"), text(old, "type")];
    if kinds.contains(&"ExternalName") {
        return;
    }
    let before = text(old, "clusterIP");
    // What is no address at all is said already.
    let valid = items(new, "clusterIPs")
        .iter()
        .all(|address| address.as_str().is_some_and(|text| text == "None" || text.parse::<IpAddr>().is_ok()));
    if valid && !before.is_empty() && text(new, "clusterIP") != before {
        errors.push(FieldError::invalid("spec.clusterIPs[0]", &new["clusterIPs"], "may not change once set"));
    }
}

/// `clusterIP` is the first of `clusterIPs`; a write may name either.
fn patch_cluster_ip(spec: &mut Value, old: Option<&Value>) {
    let first = |spec: &Value| items(spec, "clusterIPs").first().cloned();
    let single = text(spec, "clusterIP").to_owned();
    let Some(old) = old else {
        if !single.is_empty() && !has(spec, "clusterIPs") {
            spec["clusterIPs"] = json!([single]);
        }
        return;
    };
    let old_single = text(old, "clusterIP");
    let list_unchanged = spec.get("clusterIPs") == old.get("clusterIPs");
    if single.is_empty() && !old_single.is_empty() && list_unchanged && text(spec, "type") != "ExternalName" {
        spec["clusterIP"] = json!(old_single);
    } else if single.is_empty() && !has(spec, "clusterIPs") && text(spec, "type") != "ExternalName" {
        // A client that never read the service keeps its address.
        if !old_single.is_empty() {
            spec["clusterIP"] = old["clusterIP"].clone();
            spec["clusterIPs"] = old["clusterIPs"].clone();
        }
    } else if single != old_single && !single.is_empty() && (list_unchanged || !has(spec, "clusterIPs")) {
        spec["clusterIPs"] = json!([single]);
    } else if !single.is_empty() && !has(spec, "clusterIPs") {
        spec["clusterIPs"] = old["clusterIPs"].clone();
    } else if single == old_single
        && !list_unchanged
        && let Some(first) = first(spec)
    {
        spec["clusterIP"] = first;
    }
}

fn drop_unchanged(spec: &mut Value, old: &Value, fields: &[&str]) {
    for field in fields {
        if spec.get(*field) == old.get(*field) {
            remove(spec, field);
        }
    }
}

fn drop_node_ports(spec: &mut Value, old: &Value) {
    let before: Vec<i64> = items(old, "ports").iter().filter_map(|port| port["nodePort"].as_i64()).collect();
    for port in items_mut(spec, "ports") {
        if port["nodePort"].as_i64().is_some_and(|number| before.contains(&number)) {
            remove(port, "nodePort");
        }
    }
}

/// Whether services of a type have node ports.
pub(super) fn uses_node_ports(kind: &str) -> bool {
    matches!(kind, "NodePort" | "LoadBalancer")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_target_port_from_the_port() {
        let mut service = json!({"spec": {"ports": [{"port": 80}, {"port": 81, "targetPort": "web"}]}});
        apply_defaults(&mut service);
        assert_eq!(service["spec"]["ports"][0]["targetPort"], 80);
        assert_eq!(service["spec"]["ports"][1]["targetPort"], "web");
        assert_eq!(service["spec"]["internalTrafficPolicy"], "Cluster");
    }

    #[test]
    fn keeps_the_address_of_a_client_that_does_not_send_it() {
        let old =
            json!({"spec": {"type": "ClusterIP", "clusterIP": "10.96.0.5", "clusterIPs": ["10.96.0.5"]}});
        let mut new = json!({"spec": {"type": "ClusterIP"}});
        normalise(&mut new, Some(&old));
        assert_eq!(new["spec"]["clusterIP"], "10.96.0.5");
        assert!(validate(&new, Some(&old)).iter().all(|error| error.field == "spec.ports"));
    }

    #[test]
    fn gives_the_address_up_when_it_becomes_an_external_name() {
        let old = json!({"spec": {"type": "NodePort", "clusterIP": "10.96.0.5", "clusterIPs": ["10.96.0.5"],
            "externalTrafficPolicy": "Cluster", "ports": [{"port": 80, "nodePort": 30001}]}});
        let mut new = old.clone();
        new["spec"]["type"] = json!("ExternalName");
        normalise(&mut new, Some(&old));
        assert_eq!(new, json!({"spec": {"type": "ExternalName", "ports": [{"port": 80}]}}));
    }
}
