//! Validation of pod specs.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::field_error::FieldError;
use super::super::names;
use super::super::quantity::Quantity;
use super::affinity_checks::{validate_affinity, validate_spreading, validate_tolerations};
use super::checks::{
    check_annotations, check_id, check_id_value, check_ip, check_label_name, check_qualified,
    check_search_domain,
};
use super::container_checks::{Surroundings, seccomp, validate_container, validate_running};
use super::fields::{check_choice, flag, has, items, text};
use super::volume_checks::validate_volumes;

const STANDARD_RESOURCES: &[&str] = &["cpu", "memory", "ephemeral-storage"];

/// Reports what is wrong with a pod template.
pub(super) fn validate_template(owner: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let template = &owner["template"];
    let path = if path.is_empty() { "template".to_owned() } else { format!("{path}.template") };
    let metadata = &template["metadata"];
    errors.extend(names::check_labels(metadata.get("labels"), &format!("{path}.labels")));
    check_annotations(metadata.get("annotations"), &format!("{path}.annotations"), errors);
    validate_spec(&template["spec"], "", &format!("{path}.spec"), errors);
}

/// Reports what is wrong with a pod spec; the name of the pod is empty where it is made later.
pub(super) fn validate_spec(spec: &Value, pod_name: &str, path: &str, errors: &mut Vec<FieldError>) {
    let volumes = validate_volumes(spec, pod_name, path, errors);
    containers(spec, &volumes, path, errors);
    check_choice(spec, "restartPolicy", path, &["Always", "OnFailure", "Never"], errors);
    let dns = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
    check_choice(spec, "dnsPolicy", path, &dns, errors);
    errors.extend(names::check_labels(spec.get("nodeSelector"), &format!("{path}.nodeSelector")));
    security_context(spec, path, errors);
    validate_affinity(spec, path, errors);
    dns_config(spec, path, errors);
    for (index, gate) in items(spec, "readinessGates").iter().enumerate() {
        check_qualified(gate, "conditionType", &format!("{path}.readinessGates[{index}]"), errors);
    }
    scheduling_gates(spec, path, errors);
    validate_spreading(spec, path, errors);
    for field in ["serviceAccountName", "nodeName", "priorityClassName", "runtimeClassName"] {
        let name = text(spec, field);
        if !name.is_empty() {
            errors.extend(names::invalid_each(&format!("{path}.{field}"), name, names::subdomain(name)));
        }
    }
    if spec["activeDeadlineSeconds"]
        .as_i64()
        .is_some_and(|seconds| !(1..=i64::from(i32::MAX)).contains(&seconds))
    {
        errors.push(FieldError::invalid(
            format!("{path}.activeDeadlineSeconds"),
            &spec["activeDeadlineSeconds"],
            "must be between 1 and 2147483647, inclusive",
        ));
    }
    for field in ["hostname", "subdomain"] {
        check_label_name(spec, field, path, errors);
    }
    validate_tolerations(spec, path, errors);
    host_aliases(spec, path, errors);
    if let Some(policy) = spec.get("preemptionPolicy") {
        if policy == "" {
            errors.push(FieldError::required(format!("{path}.preemptionPolicy"), ""));
        } else {
            let policies = ["PreemptLowerPriority", "Never"];
            check_choice(spec, "preemptionPolicy", path, &policies, errors);
        }
    }
    operating_system(spec, path, errors);
}

fn containers(spec: &Value, volumes: &BTreeSet<String>, path: &str, errors: &mut Vec<FieldError>) {
    let surroundings = Surroundings { volumes, host_network: flag(spec, "hostNetwork") };
    if items(spec, "containers").is_empty() {
        errors.push(FieldError::required(format!("{path}.containers"), ""));
    }
    let mut seen = BTreeSet::new();
    for list in ["initContainers", "containers"] {
        for (index, container) in items(spec, list).iter().enumerate() {
            let path = format!("{path}.{list}[{index}]");
            validate_container(container, &path, surroundings, errors);
            let name = text(container, "name");
            if !name.is_empty() && !seen.insert(name.to_owned()) {
                errors.push(FieldError::duplicate(format!("{path}.name"), &container["name"]));
            }
            let restarts = text(container, "restartPolicy") == "Always";
            if list == "containers" || restarts {
                validate_running(container, &path, errors);
            } else {
                only_for_running(container, &path, errors);
            }
            check_choice(container, "restartPolicy", &path, &["Always", "Never", "OnFailure"], errors);
        }
        host_ports(items(spec, list), &format!("{path}.{list}"), errors);
    }
}

fn only_for_running(container: &Value, path: &str, errors: &mut Vec<FieldError>) {
    for field in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
        if has(container, field) {
            let detail = "may not be set for init containers without restartPolicy=Always";
            errors.push(FieldError::forbidden(format!("{path}.{field}"), detail));
        }
    }
}

/// Reports ports of the host that are used twice.
fn host_ports(containers: &[Value], path: &str, errors: &mut Vec<FieldError>) {
    let mut seen = BTreeSet::new();
    for (index, container) in containers.iter().enumerate() {
        for (position, port) in items(container, "ports").iter().enumerate() {
            let number = port["hostPort"].as_i64().unwrap_or_default();
            if number == 0 {
                continue;
            }
            let used = format!("{}/{}/{number}", text(port, "protocol"), text(port, "hostIP"));
            if !seen.insert(used.clone()) {
                let field = format!("{path}[{index}].ports[{position}].hostPort");
                errors.push(FieldError::duplicate(field, &Value::from(used)));
            }
        }
    }
}

fn security_context(spec: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let path = format!("{path}.securityContext");
    if flag(spec, "hostPID") && flag(spec, "shareProcessNamespace") {
        let detail = "ShareProcessNamespace and HostPID cannot both be enabled";
        errors.push(FieldError::invalid(format!("{path}.shareProcessNamespace"), &Value::from(true), detail));
    }
    let Some(context) = spec.get("securityContext") else { return };
    for id in ["fsGroup", "runAsUser", "runAsGroup"] {
        check_id(context, id, &path, errors);
    }
    for (index, group) in items(context, "supplementalGroups").iter().enumerate() {
        check_id_value(group, &format!("{path}.supplementalGroups[{index}]"), errors);
    }
    let mut seen = BTreeSet::new();
    for (index, setting) in items(context, "sysctls").iter().enumerate() {
        let field = format!("{path}.sysctls[{index}].name");
        let name = text(setting, "name");
        if name.is_empty() {
            errors.push(FieldError::required(&field, ""));
        } else if !is_sysctl(name) {
            errors.push(FieldError::invalid(
                &field,
                &setting["name"],
                "must have at most 253 characters and match regex \
                 ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$",
            ));
        }
        if !seen.insert(name) {
            errors.push(FieldError::duplicate(field, &Value::from(name)));
        }
    }
    check_choice(context, "fsGroupChangePolicy", &path, &["Always", "OnRootMismatch"], errors);
    check_choice(context, "supplementalGroupsPolicy", &path, &["Merge", "Strict"], errors);
    seccomp(context, &path, errors);
}

fn is_sysctl(name: &str) -> bool {
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let inner = |c: char| edge(c) || matches!(c, '-' | '_');
    let is_part = |part: &str| part.starts_with(edge) && part.ends_with(edge) && part.chars().all(inner);
    name.len() <= 253 && name.split(['.', '/']).all(is_part)
}

fn dns_config(spec: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let path = format!("{path}.dnsConfig");
    let config = &spec["dnsConfig"];
    let servers = items(config, "nameservers");
    if text(spec, "dnsPolicy") == "None" {
        if !has(spec, "dnsConfig") {
            let detail = "must provide `dnsConfig` when `dnsPolicy` is None";
            errors.push(FieldError::required(&path, detail));
            return;
        }
        if servers.is_empty() {
            let detail = "must provide at least one DNS nameserver when `dnsPolicy` is None";
            errors.push(FieldError::required(format!("{path}.nameservers"), detail));
        }
    }
    if servers.len() > 3 {
        let value = config["nameservers"].clone();
        let detail = "must not have more than 3 nameservers";
        errors.push(FieldError::invalid(format!("{path}.nameservers"), &value, detail));
    }
    for (index, server) in servers.iter().enumerate() {
        check_ip(server, &format!("{path}.nameservers[{index}]"), errors);
    }
    for (index, domain) in items(config, "searches").iter().enumerate() {
        check_search_domain(domain, &format!("{path}.searches[{index}]"), errors);
    }
    for (index, option) in items(config, "options").iter().enumerate() {
        if text(option, "name").is_empty() {
            errors.push(FieldError::required(format!("{path}.options[{index}]"), "must not be empty"));
        }
    }
}

fn scheduling_gates(spec: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let mut seen = BTreeSet::new();
    for (index, gate) in items(spec, "schedulingGates").iter().enumerate() {
        let path = format!("{path}.schedulingGates[{index}]");
        // The real server names the gate itself for a bad name.
        let name = text(gate, "name");
        errors.extend(names::invalid_each(&path, name, names::qualified_name(name)));
        if !seen.insert(name) {
            errors.push(FieldError::duplicate(path, &Value::from(name)));
        }
    }
}

fn host_aliases(spec: &Value, path: &str, errors: &mut Vec<FieldError>) {
    for (index, alias) in items(spec, "hostAliases").iter().enumerate() {
        let path = format!("{path}.hostAliases[{index}]");
        check_ip(&alias["ip"], &format!("{path}.ip"), errors);
        for (index, name) in items(alias, "hostnames").iter().enumerate() {
            let name = name.as_str().unwrap_or_default();
            let field = format!("{path}.hostnames[{index}]");
            errors.extend(names::invalid_each(&field, name, names::subdomain(name)));
        }
    }
}

fn operating_system(spec: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let Some(system) = spec.get("os") else { return };
    let name = text(system, "name");
    if name.is_empty() {
        errors.push(FieldError::required(format!("{path}.os.name"), ""));
    } else if !matches!(name, "linux" | "windows") {
        errors.push(FieldError::not_supported(format!("{path}.os"), &system["name"], &["linux", "windows"]));
    }
}

/// Reports what is wrong with requests and limits.
pub(super) fn validate_resources(resources: &Value, path: &str, errors: &mut Vec<FieldError>) {
    for list in ["limits", "requests"] {
        for (name, amount) in resources.get(list).and_then(Value::as_object).into_iter().flatten() {
            let field = format!("{path}.{list}[{name}]");
            resource_name(name, &field, errors);
            let quantity = amount.as_str().and_then(Quantity::parse);
            if quantity.is_some_and(Quantity::is_negative) {
                errors.push(FieldError::invalid(&field, amount, "must be greater than or equal to 0"));
            }
        }
    }
    let requests = resources.get("requests").and_then(Value::as_object);
    for (name, request) in requests.into_iter().flatten() {
        let quantity = |value: &Value| value.as_str().and_then(Quantity::parse);
        let limit = &resources["limits"][name.as_str()];
        if let (Some(wanted), Some(allowed)) = (quantity(request), quantity(limit))
            && wanted.compare(allowed).is_gt()
        {
            let detail = format!("must be less than or equal to {name} limit of {}", allowed.canonical());
            errors.push(FieldError::invalid(format!("{path}.requests"), request, detail));
        }
    }
}

fn resource_name(name: &str, path: &str, errors: &mut Vec<FieldError>) {
    errors.extend(names::invalid_each(path, name, names::qualified_name(name)));
    let standard = STANDARD_RESOURCES.contains(&name) || name.starts_with("hugepages-");
    if !name.contains('/') && !standard {
        errors.push(FieldError::invalid(
            path,
            &Value::from(name),
            "must be a standard resource for containers",
        ));
    }
}
