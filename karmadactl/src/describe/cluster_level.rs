//! Namespaces and Nodes.

use serde_json::Value;

use super::page::{Page, items, text, text_or};

/// Describes a Namespace.
pub(super) fn namespace(page: &mut Page, object: &Value) {
    page.field(0, "Name", &text(&object["metadata"]["name"]));
    page.labels(object);
    page.field(0, "Status", &text(&object["status"]["phase"]));
    page.conditions(object);
}

/// Describes a Node.
pub(super) fn node(page: &mut Page, object: &Value) {
    let (metadata, spec, status) = (&object["metadata"], &object["spec"], &object["status"]);
    page.field(0, "Name", &text(&metadata["name"]));
    let labels = metadata["labels"].as_object().into_iter().flatten();
    let roles: Vec<&str> =
        labels.filter_map(|(key, _)| key.strip_prefix("node-role.kubernetes.io/")).collect();
    page.field(0, "Roles", &if roles.is_empty() { "<none>".to_owned() } else { roles.join(",") });
    page.labels(object);
    page.field(0, "CreationTimestamp", &text(&metadata["creationTimestamp"]));
    let taints: Vec<String> = items(&spec["taints"])
        .map(|taint| {
            let value = text(&taint["value"]);
            let sign = if value.is_empty() { "" } else { "=" };
            format!("{}{sign}{value}:{}", text(&taint["key"]), text(&taint["effect"]))
        })
        .collect();
    page.list(0, "Taints", &taints);
    page.field(0, "Unschedulable", &text_or(&spec["unschedulable"], "false"));
    let rows: Vec<Vec<String>> = items(&status["conditions"])
        .map(|condition| {
            ["type", "status", "lastHeartbeatTime", "lastTransitionTime", "reason", "message"]
                .map(|field| text(&condition[field]))
                .to_vec()
        })
        .collect();
    let columns = ["Type", "Status", "LastHeartbeatTime", "LastTransitionTime", "Reason", "Message"];
    page.table(0, "Conditions", &columns, &rows);
    page.line(0, "Addresses:");
    for address in items(&status["addresses"]) {
        page.field(1, &text(&address["type"]), &text(&address["address"]));
    }
    for (name, field) in [("Capacity", "capacity"), ("Allocatable", "allocatable")] {
        page.line(0, &format!("{name}:"));
        for (resource, quantity) in status[field].as_object().into_iter().flatten() {
            page.field(1, resource, &text(quantity));
        }
    }
    page.line(0, "System Info:");
    for (name, field) in [
        ("Machine ID", "machineID"),
        ("System UUID", "systemUUID"),
        ("Boot ID", "bootID"),
        ("Kernel Version", "kernelVersion"),
        ("OS Image", "osImage"),
        ("Operating System", "operatingSystem"),
        ("Architecture", "architecture"),
        ("Container Runtime Version", "containerRuntimeVersion"),
        ("Kubelet Version", "kubeletVersion"),
    ] {
        page.field(1, name, &text(&status["nodeInfo"][field]));
    }
    page.field_if(0, "PodCIDR", &spec["podCIDR"]);
    page.field_if(0, "ProviderID", &spec["providerID"]);
}
