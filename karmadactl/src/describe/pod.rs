//! Pods, and the templates of pods in workloads.

use serde_json::Value;

use super::page::{Page, items, selector, text, text_or};

/// Describes a Pod.
pub(super) fn describe(page: &mut Page, object: &Value) {
    let (metadata, spec, status) = (&object["metadata"], &object["spec"], &object["status"]);
    page.head(object);
    if let Some(priority) = spec["priority"].as_i64() {
        page.field(0, "Priority", &priority.to_string());
    }
    page.field_if(0, "Priority Class Name", &spec["priorityClassName"]);
    page.field(0, "Service Account", &text_or(&spec["serviceAccountName"], "default"));
    let node = match (spec["nodeName"].as_str(), status["hostIP"].as_str()) {
        (Some(node), Some(address)) => format!("{node}/{address}"),
        (Some(node), None) => node.to_owned(),
        (None, _) => "<none>".to_owned(),
    };
    page.field(0, "Node", &node);
    page.field_if(0, "Start Time", &status["startTime"]);
    page.labels(object);
    if metadata["deletionTimestamp"].is_string() {
        page.field(0, "Status", &format!("Terminating (lasts {})", page.age(&metadata["deletionTimestamp"])));
    } else {
        page.field(0, "Status", &text(&status["phase"]));
    }
    page.field_if(0, "Reason", &status["reason"]);
    page.field_if(0, "Message", &status["message"]);
    page.field(0, "IP", &text(&status["podIP"]));
    page.line(0, "IPs:");
    for address in items(&status["podIPs"]) {
        page.field(1, "IP", &text(&address["ip"]));
    }
    if let Some(owner) = items(&metadata["ownerReferences"]).find(|owner| owner["controller"] == true) {
        page.field(0, "Controlled By", &format!("{}/{}", text(&owner["kind"]), text(&owner["name"])));
    }
    containers(page, 0, spec, Some(status));
    page.conditions_of_pod(status);
    volumes(page, 0, spec);
    page.field_if(0, "QoS Class", &status["qosClass"]);
    placement(page, 0, spec);
}

/// Describes the template of pods in a workload.
pub(super) fn template(page: &mut Page, template: &Value) {
    page.line(0, "Pod Template:");
    page.pairs(1, "Labels", &template["metadata"]["labels"], "=");
    if template["metadata"]["annotations"].is_object() {
        page.pairs(1, "Annotations", &template["metadata"]["annotations"], ": ");
    }
    let spec = &template["spec"];
    page.field_if(1, "Service Account", &spec["serviceAccountName"]);
    containers(page, 1, spec, None);
    volumes(page, 1, spec);
    page.field_if(1, "Priority Class Name", &spec["priorityClassName"]);
    placement(page, 1, spec);
}

impl Page {
    fn conditions_of_pod(&mut self, status: &Value) {
        let conditions: Vec<&Value> = items(&status["conditions"]).collect();
        if conditions.is_empty() {
            return;
        }
        self.line(0, "Conditions:");
        self.line(1, "Type\tStatus");
        for condition in conditions {
            self.line(1, &format!("{}\t{}", text(&condition["type"]), text(&condition["status"])));
        }
    }
}

fn containers(page: &mut Page, level: usize, spec: &Value, status: Option<&Value>) {
    for (title, list, statuses) in [
        ("Init Containers", "initContainers", "initContainerStatuses"),
        ("Containers", "containers", "containerStatuses"),
        ("Ephemeral Containers", "ephemeralContainers", "ephemeralContainerStatuses"),
    ] {
        let mut all = items(&spec[list]).peekable();
        if all.peek().is_none() {
            continue;
        }
        page.line(level, &format!("{title}:"));
        for container in all {
            let status = status.and_then(|status| {
                items(&status[statuses]).find(|status| status["name"] == container["name"])
            });
            describe_container(page, level + 1, container, status);
        }
    }
}

fn describe_container(page: &mut Page, level: usize, container: &Value, status: Option<&Value>) {
    page.line(level, &format!("{}:", text(&container["name"])));
    let inner = level + 1;
    if let Some(status) = status {
        page.field(inner, "Container ID", &text(&status["containerID"]));
    }
    page.field(inner, "Image", &text(&container["image"]));
    if let Some(status) = status {
        page.field(inner, "Image ID", &text(&status["imageID"]));
    }
    let ports = |field: &str| {
        let ports: Vec<String> = items(&container["ports"])
            .map(|port| format!("{}/{}", text_or(&port[field], "0"), text_or(&port["protocol"], "TCP")))
            .collect();
        let plural = if ports.len() > 1 { "s" } else { "" };
        (plural, if ports.is_empty() { "<none>".to_owned() } else { ports.join(", ") })
    };
    for (name, field) in [("Port", "containerPort"), ("Host Port", "hostPort")] {
        let (plural, ports) = ports(field);
        page.field(inner, &format!("{name}{plural}"), &ports);
    }
    for (name, field) in [("Command", "command"), ("Args", "args")] {
        if items(&container[field]).next().is_some() {
            page.line(inner, &format!("{name}:"));
            for word in items(&container[field]) {
                page.line(inner + 1, &text(word));
            }
        }
    }
    if let Some(status) = status {
        state(page, inner, "State", &status["state"]);
        if status["lastState"].as_object().is_some_and(|state| !state.is_empty()) {
            state(page, inner, "Last State", &status["lastState"]);
        }
        page.field(inner, "Ready", if status["ready"] == true { "True" } else { "False" });
        page.field(inner, "Restart Count", &text_or(&status["restartCount"], "0"));
    }
    for (name, field) in [("Limits", "limits"), ("Requests", "requests")] {
        let quantities = container["resources"][field].as_object();
        if let Some(quantities) = quantities.filter(|quantities| !quantities.is_empty()) {
            page.line(inner, &format!("{name}:"));
            for (resource, quantity) in quantities {
                page.field(inner + 1, resource, &text(quantity));
            }
        }
    }
    for (name, field) in
        [("Liveness", "livenessProbe"), ("Readiness", "readinessProbe"), ("Startup", "startupProbe")]
    {
        if container[field].is_object() {
            page.field(inner, name, &probe(&container[field]));
        }
    }
    environment(page, inner, container);
    let mounts: Vec<&Value> = items(&container["volumeMounts"]).collect();
    if mounts.is_empty() {
        page.field(inner, "Mounts", "<none>");
    } else {
        page.line(inner, "Mounts:");
        for mount in mounts {
            let access = if mount["readOnly"] == true { "ro" } else { "rw" };
            page.line(
                inner + 1,
                &format!("{} from {} ({access})", text(&mount["mountPath"]), text(&mount["name"])),
            );
        }
    }
}

fn environment(page: &mut Page, level: usize, container: &Value) {
    let variables: Vec<&Value> = items(&container["env"]).collect();
    if variables.is_empty() {
        page.field(level, "Environment", "<none>");
        return;
    }
    page.line(level, "Environment:");
    for variable in variables {
        let from = &variable["valueFrom"];
        let value = if let Some(key) = from.get("secretKeyRef") {
            format!("<set to the key '{}' in secret '{}'>", text(&key["key"]), text(&key["name"]))
        } else if let Some(key) = from.get("configMapKeyRef") {
            format!("<set to the key '{}' of config map '{}'>", text(&key["key"]), text(&key["name"]))
        } else if let Some(field) = from.get("fieldRef") {
            format!(" ({}:{})", text_or(&field["apiVersion"], "v1"), text(&field["fieldPath"]))
        } else {
            text(&variable["value"]).replace('\n', " ")
        };
        page.field(level + 1, &text(&variable["name"]), &value);
    }
}

fn state(page: &mut Page, level: usize, name: &str, state: &Value) {
    if let Some(running) = state.get("running") {
        page.field(level, name, "Running");
        page.field(level + 1, "Started", &text(&running["startedAt"]));
    } else if let Some(waiting) = state.get("waiting") {
        page.field(level, name, "Waiting");
        page.field_if(level + 1, "Reason", &waiting["reason"]);
    } else if let Some(ended) = state.get("terminated") {
        page.field(level, name, "Terminated");
        page.field_if(level + 1, "Reason", &ended["reason"]);
        page.field_if(level + 1, "Message", &ended["message"]);
        page.field(level + 1, "Exit Code", &text(&ended["exitCode"]));
        page.field_if(level + 1, "Started", &ended["startedAt"]);
        page.field_if(level + 1, "Finished", &ended["finishedAt"]);
    } else {
        page.field(level, name, "Waiting");
    }
}

fn probe(probe: &Value) -> String {
    let what = if let Some(http) = probe.get("httpGet") {
        let scheme = text_or(&http["scheme"], "HTTP").to_lowercase();
        format!("http-get {scheme}://{}:{}{}", text(&http["host"]), text(&http["port"]), text(&http["path"]))
    } else if let Some(exec) = probe.get("exec") {
        let words: Vec<String> = items(&exec["command"]).map(text).collect();
        format!("exec [{}]", words.join(" "))
    } else if let Some(socket) = probe.get("tcpSocket") {
        format!("tcp-socket {}:{}", text(&socket["host"]), text(&socket["port"]))
    } else if let Some(grpc) = probe.get("grpc") {
        format!("grpc <pod>:{} {}", text(&grpc["port"]), text(&grpc["service"]))
    } else {
        "unknown".to_owned()
    };
    let number = |field: &str, default: &str| text_or(&probe[field], default);
    format!(
        "{what} delay={}s timeout={}s period={}s #success={} #failure={}",
        number("initialDelaySeconds", "0"),
        number("timeoutSeconds", "1"),
        number("periodSeconds", "10"),
        number("successThreshold", "1"),
        number("failureThreshold", "3"),
    )
}

fn volumes(page: &mut Page, level: usize, spec: &Value) {
    let volumes: Vec<&Value> = items(&spec["volumes"]).collect();
    if volumes.is_empty() {
        page.field(level, "Volumes", "<none>");
        return;
    }
    page.line(level, "Volumes:");
    for volume in volumes {
        page.line(level + 1, &format!("{}:", text(&volume["name"])));
        let sources = volume.as_object().into_iter().flatten().filter(|(field, _)| *field != "name");
        for (kind, source) in sources {
            page.field(level + 2, "Type", kind);
            for (field, value) in source.as_object().into_iter().flatten() {
                if !value.is_object() && !value.is_array() {
                    page.field(level + 2, field, &text(value));
                }
            }
        }
    }
}

fn placement(page: &mut Page, level: usize, spec: &Value) {
    page.field(level, "Node-Selectors", &selector(&spec["nodeSelector"]));
    let tolerations: Vec<String> = items(&spec["tolerations"])
        .map(|toleration| {
            let (key, value, effect) =
                (text(&toleration["key"]), text(&toleration["value"]), text(&toleration["effect"]));
            let mut words = key;
            if !value.is_empty() {
                words = format!("{words}={value}");
            }
            if !effect.is_empty() {
                words = format!("{words}:{effect}");
            }
            if toleration["operator"] == "Exists" {
                words = format!("{words} op=Exists");
            }
            if let Some(seconds) = toleration["tolerationSeconds"].as_i64() {
                words = format!("{words} for {seconds}s");
            }
            words
        })
        .collect();
    page.list(level, "Tolerations", &tolerations);
}
