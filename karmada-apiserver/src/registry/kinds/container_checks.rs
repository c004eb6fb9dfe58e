//! Validation of containers.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::field_error::FieldError;
use super::super::names;
use super::checks::{check_id, check_subdomain, require_subdomain};
use super::fields::{check_choice, check_not_negative, check_port, check_required, flag, has, items, text};
use super::pod_checks::validate_resources;

const PROTOCOLS: &[&str] = &["SCTP", "TCP", "UDP"];
/// Fields of pods that references know.
const KNOWN_FIELDS: &[&str] = &[
    "metadata.annotations",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.host",
    "spec.hostNetwork",
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.nominatedNodeName",
    "status.phase",
    "status.podIP",
    "status.podIPs",
];
/// Fields of pods that environment variables may show.
const ENV_FIELDS: &[&str] = &[
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];
/// Fields of pods that volumes may show.
pub(super) const VOLUME_FIELDS: &[&str] =
    &["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"];
const RESOURCES: &[&str] = &[
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
];

/// What a container is checked against.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    /// Names of the usable volumes.
    pub(super) volumes: &'a BTreeSet<String>,
    pub(super) host_network: bool,
}

/// Reports what is wrong with a container of a pod spec.
pub(super) fn validate_container(
    container: &Value,
    path: &str,
    surroundings: Surroundings<'_>,
    errors: &mut Vec<FieldError>,
) {
    let name = text(container, "name");
    if name.is_empty() {
        errors.push(FieldError::required(format!("{path}.name"), ""));
    } else {
        errors.extend(names::invalid_each(&format!("{path}.name"), name, names::label(name)));
    }
    let image = text(container, "image");
    if image.is_empty() {
        errors.push(FieldError::required(format!("{path}.image"), ""));
    } else if image.trim() != image {
        let detail = "must not have leading or trailing whitespace";
        errors.push(FieldError::invalid(format!("{path}.image"), &container["image"], detail));
    }
    check_choice(container, "terminationMessagePolicy", path, &["File", "FallbackToLogsOnError"], errors);
    ports(container, path, surroundings.host_network, errors);
    for (index, variable) in items(container, "env").iter().enumerate() {
        validate_variable(variable, &format!("{path}.env[{index}]"), errors);
    }
    env_from(container, path, errors);
    mounts(container, path, surroundings.volumes, errors);
    check_choice(container, "imagePullPolicy", path, &["Always", "IfNotPresent", "Never"], errors);
    validate_resources(&container["resources"], &format!("{path}.resources"), errors);
    security_context(container, path, errors);
}

/// Reports what is wrong with what only containers that keep running have.
pub(super) fn validate_running(container: &Value, path: &str, errors: &mut Vec<FieldError>) {
    if let Some(lifecycle) = container.get("lifecycle") {
        for hook in ["postStart", "preStop"] {
            if let Some(handler) = lifecycle.get(hook) {
                handlers(
                    handler,
                    &["exec", "httpGet", "tcpSocket", "sleep"],
                    &format!("{path}.lifecycle.{hook}"),
                    errors,
                );
            }
        }
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        validate_probe(container, probe, path, errors);
    }
}

fn ports(container: &Value, path: &str, host_network: bool, errors: &mut Vec<FieldError>) {
    let mut seen = BTreeSet::new();
    for (index, port) in items(container, "ports").iter().enumerate() {
        let path = format!("{path}.ports[{index}]");
        let name = text(port, "name");
        if !name.is_empty() {
            let problems = names::port_name(name);
            if problems.is_empty() && !seen.insert(name) {
                errors.push(FieldError::duplicate(format!("{path}.name"), &port["name"]));
            }
            errors.extend(names::invalid_each(&format!("{path}.name"), name, problems));
        }
        if port["containerPort"].as_i64().unwrap_or_default() == 0 {
            errors.push(FieldError::required(format!("{path}.containerPort"), ""));
        } else {
            check_port(&port["containerPort"], &format!("{path}.containerPort"), errors);
        }
        let host_port = port["hostPort"].as_i64().unwrap_or_default();
        if host_port != 0 {
            check_port(&port["hostPort"], &format!("{path}.hostPort"), errors);
            if host_network && port["containerPort"].as_i64() != Some(host_port) {
                let detail = "must match `containerPort` when `hostNetwork` is true";
                errors.push(FieldError::invalid(format!("{path}.hostPort"), &port["hostPort"], detail));
            }
        }
        check_choice(port, "protocol", &path, PROTOCOLS, errors);
    }
}

fn validate_variable(variable: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let name = text(variable, "name");
    if name.is_empty() {
        errors.push(FieldError::required(format!("{path}.name"), ""));
    } else if name.contains('=') || !name.chars().all(|c| c.is_ascii_graphic() || c == ' ') {
        errors.push(FieldError::invalid(
            format!("{path}.name"),
            &variable["name"],
            "a valid environment variable name must consist only of printable ASCII characters other than '='",
        ));
    }
    let Some(source) = variable.get("valueFrom").filter(|source| !source.is_null()) else { return };
    let path = format!("{path}.valueFrom");
    if let Some(reference) = source.get("fieldRef") {
        check_field_ref(reference, ENV_FIELDS, &format!("{path}.fieldRef"), errors);
    }
    if let Some(reference) = source.get("resourceFieldRef") {
        check_resource_ref(reference, &format!("{path}.resourceFieldRef"), errors);
    }
    for kind in ["configMapKeyRef", "secretKeyRef"] {
        if let Some(reference) = source.get(kind) {
            let path = format!("{path}.{kind}");
            check_subdomain(reference, "name", &path, errors);
            let key = text(reference, "key");
            if key.is_empty() {
                errors.push(FieldError::required(format!("{path}.key"), ""));
            } else {
                errors.extend(names::invalid_each(&format!("{path}.key"), key, names::config_key(key)));
            }
        }
    }
    let count = source.as_object().map_or(0, serde_json::Map::len);
    let empty = Value::from("");
    if count == 0 {
        errors.push(FieldError::invalid(
            &path,
            &empty,
            "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`",
        ));
    } else if !text(variable, "value").is_empty() {
        errors.push(FieldError::invalid(&path, &empty, "may not be specified when `value` is not empty"));
    } else if count > 1 {
        let detail = "may not have more than one field specified at a time";
        errors.push(FieldError::invalid(&path, &empty, detail));
    }
}

/// Reports what is wrong with a reference to a field of the pod.
pub(super) fn check_field_ref(reference: &Value, allowed: &[&str], path: &str, errors: &mut Vec<FieldError>) {
    let (version, found) = (text(reference, "apiVersion"), text(reference, "fieldPath"));
    let field = format!("{path}.fieldPath");
    if version.is_empty() {
        errors.push(FieldError::required(format!("{path}.apiVersion"), ""));
        return;
    }
    if found.is_empty() {
        errors.push(FieldError::required(field, ""));
        return;
    }
    let value = &reference["fieldPath"];
    if version != "v1" {
        let detail = format!("error converting fieldPath: unsupported pod version: {version}");
        errors.push(FieldError::invalid(field, value, detail));
        return;
    }
    if let Some((map, key)) = subscript(found) {
        match map {
            "metadata.annotations" => {
                let problems = names::qualified_name(&key.to_lowercase());
                errors.extend(names::invalid_each(path, key, problems));
            }
            "metadata.labels" => errors.extend(names::invalid_each(path, key, names::qualified_name(key))),
            _ => {
                let detail = "does not support subscript";
                errors.push(FieldError::invalid(path, &Value::from(map), detail));
            }
        }
        return;
    }
    if !KNOWN_FIELDS.contains(&found) {
        let detail = format!("error converting fieldPath: field label not supported: {found}");
        errors.push(FieldError::invalid(field, value, detail));
    } else if !allowed.contains(&found) {
        errors.push(FieldError::not_supported(field, value, allowed));
    }
}

/// Splits `map['key']`.
fn subscript(path: &str) -> Option<(&str, &str)> {
    let (map, rest) = path.split_once("['")?;
    Some((map, rest.strip_suffix("']")?))
}

/// Reports what is wrong with a reference to an amount of a container.
pub(super) fn check_resource_ref(reference: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let resource = text(reference, "resource");
    let field = format!("{path}.resource");
    if resource.is_empty() {
        errors.push(FieldError::required(field, ""));
    } else if !RESOURCES.contains(&resource)
        && !resource.starts_with("limits.hugepages-")
        && !resource.starts_with("requests.hugepages-")
    {
        errors.push(FieldError::not_supported(field, &reference["resource"], RESOURCES));
    } else {
        divisor(reference, resource, path, errors);
    }
}

fn divisor(reference: &Value, resource: &str, path: &str, errors: &mut Vec<FieldError>) {
    let (allowed, title): (&[&str], &str) = if resource.ends_with("cpu") {
        (&["1m", "1"], "cpu")
    } else if resource.contains("memory") || resource.contains("storage") || resource.contains("hugepages") {
        (&["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"], "memory")
    } else {
        return;
    };
    let found = text(reference, "divisor");
    if !matches!(found, "" | "0") && !allowed.contains(&found) {
        let detail = if title == "cpu" {
            "only divisor's values 1m and 1 are supported with the cpu resource"
        } else {
            "only divisor's values 1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei are supported with the memory \
             resource"
        };
        errors.push(FieldError::invalid(format!("{path}.divisor"), &reference["divisor"], detail));
    }
}

fn env_from(container: &Value, path: &str, errors: &mut Vec<FieldError>) {
    for (index, source) in items(container, "envFrom").iter().enumerate() {
        let item = format!("{path}.envFrom[{index}]");
        let prefix = text(source, "prefix");
        if prefix.contains('=') || !prefix.chars().all(|c| c.is_ascii_graphic() || c == ' ') {
            errors.push(FieldError::invalid(
                format!("{item}.prefix"),
                &source["prefix"],
                "a valid environment variable name must consist only of printable ASCII characters other than '='",
            ));
        }
        let mut count = 0;
        for kind in ["configMapRef", "secretRef"] {
            if let Some(reference) = source.get(kind) {
                count += 1;
                require_subdomain(reference, "name", &format!("{item}.{kind}"), errors);
            }
        }
        // The real server names the list here.
        let (list, empty) = (format!("{path}.envFrom"), Value::from(""));
        if count == 0 {
            errors.push(FieldError::invalid(
                list,
                &empty,
                "must specify one of: `configMapRef` or `secretRef`",
            ));
        } else if count > 1 {
            let detail = "may not have more than one field specified at a time";
            errors.push(FieldError::invalid(list, &empty, detail));
        }
    }
}

fn mounts(container: &Value, path: &str, volumes: &BTreeSet<String>, errors: &mut Vec<FieldError>) {
    let mut paths = BTreeSet::new();
    for (index, mount) in items(container, "volumeMounts").iter().enumerate() {
        let field = |name: &str| format!("{path}.volumeMounts[{index}].{name}");
        let name = text(mount, "name");
        if name.is_empty() {
            errors.push(FieldError::required(field("name"), ""));
        }
        if !volumes.contains(name) {
            errors.push(FieldError::not_found(field("name"), &Value::from(name)));
        }
        let target = text(mount, "mountPath");
        if target.is_empty() {
            errors.push(FieldError::required(field("mountPath"), ""));
        } else if !paths.insert(target) {
            errors.push(FieldError::invalid(field("mountPath"), &mount["mountPath"], "must be unique"));
        }
        for key in ["subPath", "subPathExpr"] {
            let inner = text(mount, key);
            if inner.starts_with('/') {
                errors.push(FieldError::invalid(field(key), &mount[key], "must be a relative path"));
            }
            if inner.split('/').any(|part| part == "..") {
                errors.push(FieldError::invalid(field(key), &mount[key], "must not contain '..'"));
            }
        }
        if has(mount, "subPath") && has(mount, "subPathExpr") {
            let detail = "subPathExpr and subPath are mutually exclusive";
            errors.push(FieldError::invalid(field("subPathExpr"), &mount["subPathExpr"], detail));
        }
        propagation(container, mount, path, errors);
    }
    for (index, device) in items(container, "volumeDevices").iter().enumerate() {
        let path = format!("{path}.volumeDevices[{index}]");
        check_required(device, "name", &path, "", errors);
        check_required(device, "devicePath", &path, "", errors);
    }
}

fn propagation(container: &Value, mount: &Value, path: &str, errors: &mut Vec<FieldError>) {
    // The real server names the list here.
    let field = format!("{path}.volumeMounts.mountPropagation");
    let supported = ["Bidirectional", "HostToContainer", "None"];
    match mount.get("mountPropagation").and_then(Value::as_str) {
        None => {}
        Some("Bidirectional") if !flag(&container["securityContext"], "privileged") => {
            errors.push(FieldError::forbidden(
                field,
                "Bidirectional mount propagation is available only to privileged containers",
            ));
        }
        Some(found) if !supported.contains(&found) => {
            errors.push(FieldError::not_supported(field, &mount["mountPropagation"], &supported));
        }
        Some(_) => {}
    }
}

fn validate_probe(container: &Value, key: &str, path: &str, errors: &mut Vec<FieldError>) {
    let Some(probe) = container.get(key).filter(|probe| !probe.is_null()) else { return };
    let path = format!("{path}.{key}");
    handlers(probe, &["exec", "httpGet", "tcpSocket", "grpc"], &path, errors);
    let numbers =
        ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"];
    for number in numbers {
        check_not_negative(probe, number, &path, errors);
    }
    let grace = format!("{path}.terminationGracePeriodSeconds");
    if let Some(seconds) = probe["terminationGracePeriodSeconds"].as_i64() {
        if seconds <= 0 {
            let value = &probe["terminationGracePeriodSeconds"];
            errors.push(FieldError::invalid(&grace, value, "must be greater than 0"));
        }
        if key == "readinessProbe" {
            let value = &probe["terminationGracePeriodSeconds"];
            errors.push(FieldError::invalid(&grace, value, "must not be set for readinessProbes"));
        }
    }
    if key != "readinessProbe" && probe["successThreshold"].as_i64().is_some_and(|count| count != 1) {
        let field = format!("{path}.successThreshold");
        errors.push(FieldError::invalid(field, &probe["successThreshold"], "must be 1"));
    }
}

fn handlers(handler: &Value, known: &[&str], path: &str, errors: &mut Vec<FieldError>) {
    let mut count = 0;
    for kind in known {
        let Some(action) = handler.get(*kind).filter(|action| !action.is_null()) else { continue };
        count += 1;
        let path = format!("{path}.{kind}");
        if count > 1 {
            errors.push(FieldError::forbidden(path, "may not specify more than 1 handler type"));
            continue;
        }
        match *kind {
            "exec" if items(action, "command").is_empty() => {
                errors.push(FieldError::required(format!("{path}.command"), ""));
            }
            "httpGet" => {
                check_required(action, "path", &path, "", errors);
                handler_port(&action["port"], &format!("{path}.port"), errors);
                check_choice(action, "scheme", &path, &["HTTP", "HTTPS"], errors);
                http_headers(action, &path, errors);
            }
            "tcpSocket" => handler_port(&action["port"], &format!("{path}.port"), errors),
            "grpc" => {
                let port = Value::from(action["port"].as_i64().unwrap_or_default());
                check_port(&port, &format!("{path}.port"), errors);
            }
            _ => {}
        }
    }
    if count == 0 {
        errors.push(FieldError::required(path, "must specify a handler type"));
    }
}

fn handler_port(port: &Value, field: &str, errors: &mut Vec<FieldError>) {
    match port {
        Value::String(name) => errors.extend(names::invalid_each(field, name, names::port_name(name))),
        Value::Null => check_port(&Value::from(0), field, errors),
        number => check_port(number, field, errors),
    }
}

fn http_headers(action: &Value, path: &str, errors: &mut Vec<FieldError>) {
    for header in items(action, "httpHeaders") {
        let name = text(header, "name");
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            errors.push(FieldError::invalid(
                format!("{path}.httpHeaders"),
                &Value::from(name),
                "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for \
                 validation is '[-A-Za-z0-9]+')",
            ));
        }
    }
}

fn security_context(container: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let Some(context) = container.get("securityContext") else { return };
    let path = format!("{path}.securityContext");
    check_id(context, "runAsUser", &path, errors);
    check_id(context, "runAsGroup", &path, errors);
    check_choice(context, "procMount", &path, &["Default", "Unmasked"], errors);
    seccomp(context, &path, errors);
    if context["allowPrivilegeEscalation"] == false {
        if flag(context, "privileged") {
            let detail = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true";
            errors.push(FieldError::invalid(&path, context, detail));
        }
        let added = items(&context["capabilities"], "add");
        if added.iter().any(|capability| capability == "CAP_SYS_ADMIN") {
            let detail =
                "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN";
            errors.push(FieldError::invalid(&path, context, detail));
        }
    }
}

/// Reports what is wrong with the filter of system calls of a security context.
pub(super) fn seccomp(context: &Value, path: &str, errors: &mut Vec<FieldError>) {
    for kind in ["seccompProfile", "appArmorProfile"] {
        let Some(profile) = context.get(kind) else { continue };
        let path = format!("{path}.{kind}");
        let title = if kind == "seccompProfile" { "seccomp" } else { "AppArmor" };
        let found = text(profile, "type");
        let detail = format!("type is required when {kind} is set");
        check_required(profile, "type", &path, &detail, errors);
        if !found.is_empty() {
            check_choice(profile, "type", &path, &["Localhost", "RuntimeDefault", "Unconfined"], errors);
        }
        let local = format!("{path}.localhostProfile");
        match (found, profile.get("localhostProfile")) {
            ("Localhost", None) => {
                errors
                    .push(FieldError::required(local, format!("must be set when {title} type is Localhost")));
            }
            ("Localhost", Some(file)) if kind == "seccompProfile" => {
                let file = file.as_str().unwrap_or_default();
                if file.starts_with('/') {
                    errors.push(FieldError::invalid(&local, &Value::from(file), "must be a relative path"));
                }
                if file.split('/').any(|part| part == "..") {
                    errors.push(FieldError::invalid(&local, &Value::from(file), "must not contain '..'"));
                }
            }
            ("Localhost", Some(_)) | (_, None) => {}
            (_, Some(_)) => {
                let detail = format!("can only be set when {title} type is Localhost");
                errors.push(FieldError::invalid(local, profile, detail));
            }
        }
    }
}
