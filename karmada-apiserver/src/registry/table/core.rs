//! The cells of the kinds that are no workloads.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::age;
use super::cells::{items, labels, none_if_empty, number, selector, text};

/// How many hosts or endpoints are printed before the rest is only counted.
const SHOWN: usize = 3;

pub(super) fn cell(kind: &str, column: &str, object: &Value, now: Timestamp) -> Option<Value> {
    match kind {
        "Service" => service(column, object),
        "Node" => node(column, object),
        "Ingress" => ingress(column, object),
        "PersistentVolume" | "PersistentVolumeClaim" => volume(kind, column, object),
        "RoleBinding" | "ClusterRoleBinding" => binding(column, object),
        "Event" => event(column, object, now),
        _ => other(kind, column, object),
    }
}

fn service(column: &str, object: &Value) -> Option<Value> {
    let spec = &object["spec"];
    let kind = text(spec, "type");
    Some(match column {
        "Type" => kind.into(),
        "Cluster-IP" => {
            let first = items(spec, "clusterIPs").first().and_then(Value::as_str);
            none_if_empty(first.unwrap_or_default().to_owned()).into()
        }
        "External-IP" => external_address(kind, spec, &object["status"]).into(),
        "Port(s)" => {
            let ports: Vec<String> = items(spec, "ports")
                .iter()
                .map(|port| match number(port, "nodePort") {
                    0 => format!("{}/{}", number(port, "port"), text(port, "protocol")),
                    node => format!("{}:{node}/{}", number(port, "port"), text(port, "protocol")),
                })
                .collect();
            none_if_empty(ports.join(",")).into()
        }
        "Selector" => labels(spec.get("selector")).into(),
        _ => return None,
    })
}

fn external_address(kind: &str, spec: &Value, status: &Value) -> String {
    let mut addresses: Vec<&str> = items(spec, "externalIPs").iter().filter_map(Value::as_str).collect();
    match kind {
        "ExternalName" => text(spec, "externalName").to_owned(),
        "LoadBalancer" => {
            let mut given: Vec<&str> = addresses_of(status);
            given.append(&mut addresses);
            if given.is_empty() { "<pending>".to_owned() } else { given.join(",") }
        }
        _ => none_if_empty(addresses.join(",")),
    }
}

fn addresses_of(status: &Value) -> Vec<&str> {
    items(&status["loadBalancer"], "ingress")
        .iter()
        .map(|entry| if text(entry, "ip").is_empty() { text(entry, "hostname") } else { text(entry, "ip") })
        .filter(|address| !address.is_empty())
        .collect()
}

fn node(column: &str, object: &Value) -> Option<Value> {
    let status = &object["status"];
    let address = |kind: &str| {
        let found = items(status, "addresses").iter().find(|address| text(address, "type") == kind);
        found.map_or_else(|| "<none>".to_owned(), |address| text(address, "address").to_owned())
    };
    let info = |field: &str| {
        let found = text(&status["nodeInfo"], field);
        if found.is_empty() { "<unknown>" } else { found }.to_owned()
    };
    Some(match column {
        "Status" => node_status(object).into(),
        "Roles" => roles(object).into(),
        "Version" => text(&status["nodeInfo"], "kubeletVersion").into(),
        "Internal-IP" => address("InternalIP").into(),
        "External-IP" => address("ExternalIP").into(),
        "OS-Image" => info("osImage").into(),
        "Kernel-Version" => kernel_version(&info("kernelVersion"), &status["nodeInfo"]).into(),
        "Container-Runtime" => info("containerRuntimeVersion").into(),
        _ => return None,
    })
}

fn kernel_version(version: &str, info: &Value) -> String {
    match text(info, "architecture") {
        "" => version.to_owned(),
        architecture => format!("{version} ({architecture})"),
    }
}

fn node_status(object: &Value) -> String {
    let ready = items(&object["status"], "conditions").iter().find(|found| text(found, "type") == "Ready");
    let mut words = vec![match ready {
        None => "Unknown",
        Some(ready) if text(ready, "status") == "True" => "Ready",
        Some(_) => "NotReady",
    }];
    if object["spec"]["unschedulable"] == true {
        words.push("SchedulingDisabled");
    }
    words.join(",")
}

fn roles(object: &Value) -> String {
    let mut roles: Vec<&str> = Vec::new();
    for (key, value) in object["metadata"]["labels"].as_object().into_iter().flatten() {
        if let Some(role) = key.strip_prefix("node-role.kubernetes.io/") {
            roles.push(role);
        } else if key == "kubernetes.io/role" {
            roles.push(value.as_str().unwrap_or_default());
        }
    }
    roles.retain(|role| !role.is_empty());
    roles.sort_unstable();
    roles.dedup();
    none_if_empty(roles.join(","))
}

fn ingress(column: &str, object: &Value) -> Option<Value> {
    let spec = &object["spec"];
    Some(match column {
        "Class" => none_if_empty(text(spec, "ingressClassName").to_owned()).into(),
        "Hosts" => {
            let hosts: Vec<&str> = items(spec, "rules")
                .iter()
                .map(|rule| text(rule, "host"))
                .filter(|host| !host.is_empty())
                .collect();
            if hosts.is_empty() { "*".into() } else { shortened(&hosts).into() }
        }
        "Address" => addresses_of(&object["status"]).join(",").into(),
        "Ports" => if items(spec, "tls").is_empty() { "80" } else { "80, 443" }.into(),
        _ => return None,
    })
}

fn shortened<S: AsRef<str>>(all: &[S]) -> String {
    let shown: Vec<&str> = all.iter().take(SHOWN).map(AsRef::as_ref).collect();
    let shown = shown.join(",");
    if all.len() > SHOWN { format!("{shown} + {} more...", all.len() - SHOWN) } else { shown }
}

fn volume(kind: &str, column: &str, object: &Value) -> Option<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let claim = kind == "PersistentVolumeClaim";
    let bound = !text(spec, "volumeName").is_empty();
    Some(match column {
        "Status" if object["metadata"]["deletionTimestamp"].is_null() => text(status, "phase").into(),
        "Status" => "Terminating".into(),
        "Volume" => text(spec, "volumeName").into(),
        "Capacity" if claim && !bound => "".into(),
        "Capacity" => {
            let capacity = if claim { &status["capacity"] } else { &spec["capacity"] };
            capacity["storage"].as_str().unwrap_or("0").into()
        }
        "Access Modes" if claim && !bound => "".into(),
        "Access Modes" => access_modes(if claim { status } else { spec }).into(),
        "Reclaim Policy" => text(spec, "persistentVolumeReclaimPolicy").into(),
        "Claim" => match spec.get("claimRef").filter(|claim| !claim.is_null()) {
            Some(claim) => format!("{}/{}", text(claim, "namespace"), text(claim, "name")).into(),
            None => "".into(),
        },
        "StorageClass" => storage_class(object).into(),
        "VolumeAttributesClass" => spec["volumeAttributesClassName"].as_str().unwrap_or("<unset>").into(),
        "Reason" => text(status, "reason").into(),
        "VolumeMode" => spec["volumeMode"].as_str().unwrap_or("<unset>").into(),
        _ => return None,
    })
}

fn storage_class(object: &Value) -> &str {
    let annotated = text(&object["metadata"]["annotations"], "volume.beta.kubernetes.io/storage-class");
    if annotated.is_empty() { text(&object["spec"], "storageClassName") } else { annotated }
}

fn access_modes(holder: &Value) -> String {
    const SHORT: [(&str, &str); 4] = [
        ("ReadWriteOnce", "RWO"),
        ("ReadOnlyMany", "ROX"),
        ("ReadWriteMany", "RWX"),
        ("ReadWriteOncePod", "RWOP"),
    ];
    let modes = items(holder, "accessModes");
    let short: Vec<&str> = SHORT
        .iter()
        .filter(|(long, _)| modes.iter().any(|mode| mode == long))
        .map(|(_, short)| *short)
        .collect();
    short.join(",")
}

fn binding(column: &str, object: &Value) -> Option<Value> {
    let subjects = |kind: &str| {
        let found: Vec<String> = items(object, "subjects")
            .iter()
            .filter(|subject| text(subject, "kind") == kind)
            .map(|subject| match (kind, text(subject, "namespace")) {
                ("ServiceAccount", namespace) if !namespace.is_empty() => {
                    format!("{namespace}/{}", text(subject, "name"))
                }
                ("ServiceAccount", _) => format!("/{}", text(subject, "name")),
                _ => text(subject, "name").to_owned(),
            })
            .collect();
        found.join(", ")
    };
    Some(match column {
        "Role" => format!("{}/{}", text(&object["roleRef"], "kind"), text(&object["roleRef"], "name")).into(),
        "Users" => subjects("User").into(),
        "Groups" => subjects("Group").into(),
        "ServiceAccounts" => subjects("ServiceAccount").into(),
        _ => return None,
    })
}

fn event(column: &str, object: &Value, now: Timestamp) -> Option<Value> {
    // The fields have other names in the events group.
    let either =
        |core: &str, events: &str| object.get(core).or_else(|| object.get(events)).unwrap_or(&Value::Null);
    let involved = either("involvedObject", "regarding");
    let series = &object["series"];
    let event_time = &object["eventTime"];
    let or_event_time = |time: &Value| {
        let time = if time.is_null() { event_time } else { time };
        age::since(time, now)
    };
    Some(match column {
        "Last Seen" if !series["lastObservedTime"].is_null() => {
            age::since(&series["lastObservedTime"], now).into()
        }
        "Last Seen" => {
            let last = either("lastTimestamp", "deprecatedLastTimestamp");
            let first = either("firstTimestamp", "deprecatedFirstTimestamp");
            or_event_time(if last.is_null() { first } else { last }).into()
        }
        "First Seen" => or_event_time(either("firstTimestamp", "deprecatedFirstTimestamp")).into(),
        "Object" => format!("{}/{}", text(involved, "kind").to_lowercase(), text(involved, "name")).into(),
        "Subobject" => text(involved, "fieldPath").into(),
        "Source" => {
            let source = either("source", "deprecatedSource");
            let reporter = either("reportingComponent", "reportingController").as_str().unwrap_or_default();
            let component = text(source, "component");
            let component = if component.is_empty() { reporter } else { component };
            let host = text(source, "host");
            let host = if host.is_empty() { text(object, "reportingInstance") } else { host };
            if host.is_empty() { component.into() } else { format!("{component}, {host}").into() }
        }
        "Message" => either("message", "note").as_str().unwrap_or_default().trim().into(),
        "Count" => {
            let count = series["count"].as_i64().or_else(|| either("count", "deprecatedCount").as_i64());
            count.filter(|count| *count > 0).unwrap_or(1).into()
        }
        _ => return None,
    })
}

fn other(kind: &str, column: &str, object: &Value) -> Option<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let size = |field: &str| object.get(field).and_then(Value::as_object).map_or(0, Map::len);
    Some(match (kind, column) {
        ("ConfigMap", "Data") => (size("data") + size("binaryData")).into(),
        ("Endpoints", "Endpoints") => endpoints(object).into(),
        ("EndpointSlice", "Ports") => slice_ports(object).into(),
        ("EndpointSlice", "Endpoints") => slice_addresses(object).into(),
        ("NetworkPolicy", "Pod-Selector") => selector(spec.get("podSelector")).into(),
        ("IngressClass", "Parameters") => match spec.get("parameters").filter(|found| !found.is_null()) {
            None => "<none>".into(),
            Some(found) => {
                let group = text(found, "apiGroup");
                let dot = if group.is_empty() { "" } else { "." };
                format!("{}{dot}{group}/{}", text(found, "kind"), text(found, "name")).into()
            }
        },
        ("PodDisruptionBudget", "Min Available") => amount(&spec["minAvailable"]).into(),
        ("PodDisruptionBudget", "Max Unavailable") => amount(&spec["maxUnavailable"]).into(),
        ("PodDisruptionBudget", "Allowed Disruptions") => number(status, "disruptionsAllowed").into(),
        ("ResourceQuota", "Request") => quota(status, Part::Requests).into(),
        ("ResourceQuota", "Limit") => quota(status, Part::Limits).into(),
        ("CSIDriver", "TokenRequests") => {
            let audiences: Vec<&str> =
                items(spec, "tokenRequests").iter().map(|request| text(request, "audience")).collect();
            if audiences.is_empty() { "<unset>".into() } else { audiences.join(",").into() }
        }
        ("CSIDriver", "Modes") => {
            let modes: Vec<&str> =
                items(spec, "volumeLifecycleModes").iter().filter_map(Value::as_str).collect();
            none_if_empty(modes.join(",")).into()
        }
        ("APIService", "Service") => match spec.get("service").filter(|service| !service.is_null()) {
            None => "Local".into(),
            Some(service) => format!("{}/{}", text(service, "namespace"), text(service, "name")).into(),
        },
        ("APIService", "Available") => available(status).into(),
        ("CertificateSigningRequest", "RequestedDuration") => {
            spec["expirationSeconds"].as_i64().map_or_else(|| "<none>".to_owned(), age::human).into()
        }
        ("CertificateSigningRequest", "Condition") => request_condition(status).into(),
        ("ValidatingAdmissionPolicy" | "MutatingAdmissionPolicy", "ParamKind") => {
            let kind = &spec["paramKind"];
            if kind.is_null() {
                "<unset>".into()
            } else {
                format!("{}/{}", text(kind, "apiVersion"), text(kind, "kind")).into()
            }
        }
        ("ValidatingAdmissionPolicyBinding" | "MutatingAdmissionPolicyBinding", "ParamRef") => {
            let reference = &spec["paramRef"];
            if reference.is_null() {
                "<unset>".into()
            } else {
                let namespace = text(reference, "namespace");
                let namespace = if namespace.is_empty() { "*" } else { namespace };
                format!("{namespace}/{}", text(reference, "name")).into()
            }
        }
        ("ServiceCIDR", "CIDRs") => {
            let list: Vec<&str> = items(spec, "cidrs").iter().filter_map(Value::as_str).collect();
            list.join(",").into()
        }
        ("IPAddress", "ParentRef") => {
            let parent = &spec["parentRef"];
            let (resource, group) = (text(parent, "resource"), text(parent, "group"));
            let dot = if group.is_empty() { "" } else { "." };
            let resource = format!("{resource}{dot}{group}");
            let parts = [&resource, text(parent, "namespace"), text(parent, "name")];
            let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            parts.join("/").into()
        }
        ("FlowSchema", "MatchingPrecedence") => number(spec, "matchingPrecedence").into(),
        ("FlowSchema", "MissingPL") => {
            let found = items(status, "conditions").iter().find(|found| text(found, "type") == "Dangling");
            found.map_or("?", |found| text(found, "status")).into()
        }
        ("PriorityLevelConfiguration", column) => priority_level(column, spec)?,
        ("ResourceClaim", "State") => claim_state(object).into(),
        _ => return None,
    })
}

fn endpoints(object: &Value) -> String {
    let mut found = Vec::new();
    for subset in items(object, "subsets") {
        let ports = items(subset, "ports");
        let addresses = items(subset, "addresses").iter().map(|address| text(address, "ip"));
        if ports.is_empty() {
            found.extend(addresses.map(str::to_owned));
            continue;
        }
        for port in ports {
            let addresses = items(subset, "addresses").iter().map(|address| text(address, "ip"));
            found.extend(addresses.map(|ip| join_port(ip, number(port, "port"))));
        }
    }
    none_if_empty(shortened(&found))
}

fn join_port(address: &str, port: i64) -> String {
    if address.contains(':') { format!("[{address}]:{port}") } else { format!("{address}:{port}") }
}

fn slice_ports(object: &Value) -> String {
    let ports: Vec<String> = items(object, "ports")
        .iter()
        .map(|port| port["port"].as_i64().map_or_else(|| "*".to_owned(), |p| p.to_string()))
        .collect();
    if ports.is_empty() { "<unset>".to_owned() } else { shortened(&ports) }
}

fn slice_addresses(object: &Value) -> String {
    let addresses: Vec<&str> = items(object, "endpoints")
        .iter()
        .flat_map(|endpoint| items(endpoint, "addresses"))
        .filter_map(Value::as_str)
        .collect();
    if addresses.is_empty() { "<unset>".to_owned() } else { shortened(&addresses) }
}

fn amount(value: &Value) -> String {
    match value {
        Value::Null => "N/A".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Which half of a quota is printed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Requests,
    Limits,
}

fn quota(status: &Value, part: Part) -> String {
    let printed: Vec<String> = status["hard"]
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| name.starts_with("limits") == (part == Part::Limits))
        .map(|(name, hard)| {
            let used = status["used"][name.as_str()].as_str().unwrap_or("0");
            format!("{name}: {used}/{}", hard.as_str().unwrap_or_default())
        })
        .collect();
    printed.join(", ")
}

fn available(status: &Value) -> String {
    let found = items(status, "conditions").iter().find(|found| text(found, "type") == "Available");
    match found {
        None => "Unknown".to_owned(),
        Some(found) if text(found, "status") == "True" => "True".to_owned(),
        Some(found) => format!("{} ({})", text(found, "status"), text(found, "reason")),
    }
}

fn request_condition(status: &Value) -> String {
    let has = |kind: &str| items(status, "conditions").iter().any(|found| text(found, "type") == kind);
    let mut words = vec![if has("Denied") {
        "Denied"
    } else if has("Approved") {
        "Approved"
    } else {
        "Pending"
    }];
    if has("Failed") {
        words.push("Failed");
    }
    if !text(status, "certificate").is_empty() {
        words.push("Issued");
    }
    words.join(",")
}

fn priority_level(column: &str, spec: &Value) -> Option<Value> {
    let limited = &spec["limited"];
    let queuing = &limited["limitResponse"]["queuing"];
    let shown = |value: &Value| value.as_i64().map_or_else(|| Value::from("<none>"), Value::from);
    Some(match column {
        "NominalConcurrencyShares" => shown(&limited["nominalConcurrencyShares"]),
        "Queues" => shown(&queuing["queues"]),
        "HandSize" => shown(&queuing["handSize"]),
        "QueueLengthLimit" => shown(&queuing["queueLengthLimit"]),
        _ => return None,
    })
}

fn claim_state(object: &Value) -> String {
    let mut states = Vec::new();
    if !object["metadata"]["deletionTimestamp"].is_null() {
        states.push("deleted");
    }
    if object["status"]["allocation"].is_null() {
        if states.is_empty() {
            states.push("pending");
        }
    } else {
        states.push("allocated");
        if items(&object["status"], "reservedFor").is_empty() {
            return states.join(",");
        }
        states.push("reserved");
    }
    states.join(",")
}
