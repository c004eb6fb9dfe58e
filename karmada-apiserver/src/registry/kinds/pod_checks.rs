//! Validation of pod specs.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::field_error::FieldError;
use super::super::names;
use super::super::quantity::Quantity;
use super::fields::{check_choice, check_port, has, items, text};

const PROTOCOLS: &[&str] = &["SCTP", "TCP", "UDP"];
const STANDARD_RESOURCES: &[&str] = &["cpu", "memory", "ephemeral-storage"];

/// Reports what is wrong with a pod template.
pub(super) fn validate_template(owner: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let template = &owner["template"];
    let path = format!("{path}.template");
    errors.extend(names::check_labels(template["metadata"].get("labels"), &format!("{path}.labels")));
    validate_spec(&template["spec"], &format!("{path}.spec"), errors);
}

/// Reports what is wrong with a pod spec.
pub(super) fn validate_spec(spec: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let volumes = volume_names(spec, path, errors);
    let mut seen = BTreeSet::new();
    let containers = items(spec, "containers");
    if containers.is_empty() {
        errors.push(FieldError::required(format!("{path}.containers"), ""));
    }
    for list in ["initContainers", "containers"] {
        for (index, container) in items(spec, list).iter().enumerate() {
            let path = format!("{path}.{list}[{index}]");
            validate_container(container, &path, &volumes, errors);
            let name = text(container, "name");
            if !name.is_empty() && !seen.insert(name.to_owned()) {
                errors.push(FieldError::duplicate(format!("{path}.name"), &container["name"]));
            }
        }
    }
    check_choice(spec, "restartPolicy", path, &["Always", "OnFailure", "Never"], errors);
    let dns = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
    check_choice(spec, "dnsPolicy", path, &dns, errors);
    errors.extend(names::check_labels(spec.get("nodeSelector"), &format!("{path}.nodeSelector")));
    for field in ["serviceAccountName", "nodeName", "priorityClassName", "runtimeClassName"] {
        let name = text(spec, field);
        if !name.is_empty() {
            errors.extend(names::invalid_each(&format!("{path}.{field}"), name, names::subdomain(name)));
        }
    }
    if spec["activeDeadlineSeconds"].as_i64().is_some_and(|seconds| seconds < 1) {
        errors.push(FieldError::invalid(
            format!("{path}.activeDeadlineSeconds"),
            &spec["activeDeadlineSeconds"],
            "must be between 1 and 2147483647, inclusive",
        ));
    }
    tolerations(spec, path, errors);
}

/// The kinds of volumes in the order in which the real server looks at them.
const VOLUME_SOURCES: [&str; 29] = [
    "emptyDir",
    "hostPath",
    "gitRepo",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "secret",
    "nfs",
    "iscsi",
    "glusterfs",
    "flocker",
    "persistentVolumeClaim",
    "rbd",
    "cinder",
    "cephfs",
    "quobyte",
    "downwardAPI",
    "fc",
    "configMap",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "storageos",
    "projected",
    "scaleIO",
    "csi",
    "ephemeral",
    "image",
];

fn volume_names(spec: &Value, path: &str, errors: &mut Vec<FieldError>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (index, volume) in items(spec, "volumes").iter().enumerate() {
        let path = format!("{path}.volumes[{index}]");
        let name = text(volume, "name");
        if name.is_empty() {
            errors.push(FieldError::required(format!("{path}.name"), ""));
        } else {
            errors.extend(names::invalid_each(&format!("{path}.name"), name, names::label(name)));
        }
        if !name.is_empty() && !names.insert(name.to_owned()) {
            errors.push(FieldError::duplicate(format!("{path}.name"), &volume["name"]));
        }
        for source in VOLUME_SOURCES.iter().filter(|source| has(volume, source)).skip(1) {
            let shown = match *source {
                // So they are called there.
                "cephfs" => "cephFS",
                "downwardAPI" => "downwarAPI",
                source => source,
            };
            errors.push(FieldError::forbidden(
                format!("{path}.{shown}"),
                "may not specify more than 1 volume type",
            ));
        }
    }
    names
}

fn validate_container(
    container: &Value,
    path: &str,
    volumes: &BTreeSet<String>,
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
        errors.push(FieldError::invalid(
            format!("{path}.image"),
            &container["image"],
            "must not have leading or trailing whitespace",
        ));
    }
    check_choice(container, "terminationMessagePolicy", path, &["FallbackToLogsOnError", "File"], errors);
    for (index, port) in items(container, "ports").iter().enumerate() {
        validate_port(port, &format!("{path}.ports[{index}]"), errors);
    }
    for (index, variable) in items(container, "env").iter().enumerate() {
        validate_variable(variable, &format!("{path}.env[{index}]"), errors);
    }
    mounts(container, path, volumes, errors);
    check_choice(container, "imagePullPolicy", path, &["Always", "IfNotPresent", "Never"], errors);
    validate_resources(&container["resources"], &format!("{path}.resources"), errors);
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        validate_probe(container, probe, path, errors);
    }
}

fn validate_port(port: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let name = text(port, "name");
    if !name.is_empty() {
        errors.extend(names::invalid_each(&format!("{path}.name"), name, names::port_name(name)));
    }
    if port["containerPort"].as_i64().unwrap_or_default() == 0 {
        errors.push(FieldError::required(format!("{path}.containerPort"), ""));
    } else {
        check_port(&port["containerPort"], &format!("{path}.containerPort"), errors);
    }
    if has(port, "hostPort") {
        check_port(&port["hostPort"], &format!("{path}.hostPort"), errors);
    }
    check_choice(port, "protocol", path, PROTOCOLS, errors);
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
        errors.push(FieldError::invalid(
            &path,
            &empty,
            "may not have more than one field specified at a time",
        ));
    }
}

fn mounts(container: &Value, path: &str, volumes: &BTreeSet<String>, errors: &mut Vec<FieldError>) {
    let mut paths = BTreeSet::new();
    for (index, mount) in items(container, "volumeMounts").iter().enumerate() {
        let path = format!("{path}.volumeMounts[{index}]");
        let name = text(mount, "name");
        if name.is_empty() {
            errors.push(FieldError::required(format!("{path}.name"), ""));
        }
        if !volumes.contains(name) {
            errors.push(FieldError::not_found(format!("{path}.name"), &mount["name"]));
        }
        let target = text(mount, "mountPath");
        if target.is_empty() {
            errors.push(FieldError::required(format!("{path}.mountPath"), ""));
        } else if !paths.insert(target) {
            errors.push(FieldError::invalid(
                format!("{path}.mountPath"),
                &mount["mountPath"],
                "must be unique",
            ));
        }
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

fn validate_probe(container: &Value, key: &str, path: &str, errors: &mut Vec<FieldError>) {
    let Some(probe) = container.get(key).filter(|probe| !probe.is_null()) else { return };
    let path = format!("{path}.{key}");
    let handlers = ["exec", "httpGet", "tcpSocket", "grpc"];
    match handlers.iter().filter(|handler| has(probe, handler)).count() {
        0 => errors.push(FieldError::required(&path, "must specify a handler type")),
        1 => {}
        _ => {
            let second =
                handlers.iter().filter(|handler| has(probe, handler)).nth(1).copied().unwrap_or_default();
            errors.push(FieldError::forbidden(
                format!("{path}.{second}"),
                "may not specify more than 1 handler type",
            ));
        }
    }
    let numbers =
        ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"];
    for number in numbers {
        super::fields::check_not_negative(probe, number, &path, errors);
    }
    if key != "readinessProbe" && probe["successThreshold"].as_i64().is_some_and(|count| count > 1) {
        errors.push(FieldError::invalid(
            format!("{path}.successThreshold"),
            &probe["successThreshold"],
            "must be 1",
        ));
    }
}

fn tolerations(spec: &Value, path: &str, errors: &mut Vec<FieldError>) {
    for (index, toleration) in items(spec, "tolerations").iter().enumerate() {
        let path = format!("{path}.tolerations[{index}]");
        let (key, operator) = (text(toleration, "key"), text(toleration, "operator"));
        if !key.is_empty() {
            errors.extend(names::invalid_each(&format!("{path}.key"), key, names::qualified_name(key)));
        }
        if key.is_empty() && operator != "Exists" {
            errors.push(FieldError::invalid(
                format!("{path}.operator"),
                &Value::from(operator),
                "operator must be Exists when `key` is empty, which means \"match all values and all keys\"",
            ));
        }
        if has(toleration, "tolerationSeconds") && text(toleration, "effect") != "NoExecute" {
            errors.push(FieldError::invalid(
                format!("{path}.effect"),
                &Value::from(text(toleration, "effect")),
                "effect must be 'NoExecute' when `tolerationSeconds` is set",
            ));
        }
    }
}
