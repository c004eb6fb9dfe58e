//! Services and Ingresses.

use serde_json::Value;

use super::page::{Page, items, joined, selector, text, text_or};

/// Describes a Service.
pub(super) fn service(page: &mut Page, object: &Value) {
    let spec = &object["spec"];
    page.head(object);
    page.labels(object);
    page.field(0, "Selector", &selector(&spec["selector"]));
    page.field(0, "Type", &text(&spec["type"]));
    page.field_if(0, "IP Family Policy", &spec["ipFamilyPolicy"]);
    page.field(0, "IP Families", &joined(&spec["ipFamilies"], "<none>"));
    page.field(0, "IP", &text(&spec["clusterIP"]));
    page.field(0, "IPs", &joined(&spec["clusterIPs"], "<none>"));
    if items(&spec["externalIPs"]).next().is_some() {
        page.field(0, "External IPs", &joined(&spec["externalIPs"], ""));
    }
    page.field_if(0, "External Name", &spec["externalName"]);
    let addresses: Vec<String> = items(&object["status"]["loadBalancer"]["ingress"])
        .map(|ingress| text_or(&ingress["ip"], &text(&ingress["hostname"])))
        .collect();
    if !addresses.is_empty() {
        page.field(0, "LoadBalancer Ingress", &addresses.join(", "));
    }
    for port in items(&spec["ports"]) {
        let name = text_or(&port["name"], "<unset>");
        let protocol = text_or(&port["protocol"], "TCP");
        page.field(0, "Port", &format!("{name}  {}/{protocol}", text(&port["port"])));
        page.field(
            0,
            "TargetPort",
            &format!("{}/{protocol}", text_or(&port["targetPort"], &text(&port["port"]))),
        );
        if let Some(node_port) = port["nodePort"].as_i64() {
            page.field(0, "NodePort", &format!("{name}  {node_port}/{protocol}"));
        }
    }
    page.field_if(0, "Session Affinity", &spec["sessionAffinity"]);
    page.field_if(0, "External Traffic Policy", &spec["externalTrafficPolicy"]);
    page.field_if(0, "Internal Traffic Policy", &spec["internalTrafficPolicy"]);
}

/// Describes an Ingress.
pub(super) fn ingress(page: &mut Page, object: &Value) {
    let spec = &object["spec"];
    page.field(0, "Name", &text(&object["metadata"]["name"]));
    page.pairs(0, "Labels", &object["metadata"]["labels"], "=");
    page.field(0, "Namespace", &text(&object["metadata"]["namespace"]));
    let addresses: Vec<String> = items(&object["status"]["loadBalancer"]["ingress"])
        .map(|ingress| text_or(&ingress["ip"], &text(&ingress["hostname"])))
        .collect();
    page.field(0, "Address", &addresses.join(","));
    page.field(0, "Ingress Class", &text_or(&spec["ingressClassName"], "<none>"));
    page.field(0, "Default backend", &backend(&spec["defaultBackend"]));
    if items(&spec["tls"]).next().is_some() {
        page.line(0, "TLS:");
        for tls in items(&spec["tls"]) {
            page.line(1, &format!("{} terminates {}", text(&tls["secretName"]), joined(&tls["hosts"], "")));
        }
    }
    page.line(0, "Rules:");
    page.line(1, "Host\tPath\tBackends");
    page.line(1, "----\t----\t--------");
    for rule in items(&spec["rules"]) {
        page.line(1, &format!("{}\t", text_or(&rule["host"], "*")));
        for path in items(&rule["http"]["paths"]) {
            page.line(1, &format!("\t{}\t{}", text(&path["path"]), backend(&path["backend"])));
        }
    }
    page.pairs(0, "Annotations", &object["metadata"]["annotations"], ": ");
}

fn backend(backend: &Value) -> String {
    let service = &backend["service"];
    if service.is_object() {
        let port = &service["port"];
        return format!("{}:{}", text(&service["name"]), text_or(&port["name"], &text(&port["number"])));
    }
    let resource = &backend["resource"];
    if resource.is_object() {
        return format!("{}/{}", text(&resource["kind"]), text(&resource["name"]));
    }
    "<default>".to_owned()
}
