//! What a user should know of an object that is valid.

use serde_json::Value;

use super::super::names;
use super::super::resource::Resource;
use super::fields::{items, text};
use super::{dispatch, pod_warnings};

const OLD_STORAGE_CLASS: &str = "volume.beta.kubernetes.io/storage-class";

/// Returns the warnings about a new or changed object.
pub(in super::super) fn warnings(resource: &Resource, object: &Value, old: Option<&Value>) -> Vec<String> {
    let kind = resource.kind.as_str();
    // A change that asks for nothing new is not warned of again.
    if kind != "Service" && old.is_some_and(|old| !dispatch::spec_changed(resource, object, old)) {
        return Vec::new();
    }
    let mut found = Vec::new();
    if old.is_none() {
        match kind {
            "Pod" => found.extend(pod_name(object, "the Pod's hostname")),
            "CronJob" | "Deployment" | "Job" | "ReplicaSet" | "ReplicationController" => {
                found.extend(pod_name(object, "Pod names and hostnames"));
            }
            _ => {}
        }
    }
    if kind == "StatefulSet" && object["spec"]["revisionHistoryLimit"].as_i64().is_some_and(|limit| limit < 0)
    {
        found.push(
            "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended"
                .to_owned(),
        );
    }
    found.extend(of_content(kind, object, old));
    found
}

fn of_content(kind: &str, object: &Value, old: Option<&Value>) -> Vec<String> {
    match kind {
        "DaemonSet" | "Deployment" | "Job" | "ReplicaSet" | "ReplicationController" | "StatefulSet" => {
            pod_warnings::warnings(&object["spec"]["template"], "spec.template.")
        }
        "CronJob" => pod_warnings::warnings(
            &object["spec"]["jobTemplate"]["spec"]["template"],
            "spec.jobTemplate.spec.template.",
        ),
        "PodTemplate" => pod_warnings::warnings(&object["template"], "template."),
        "Service" => service(object),
        _ if old.is_some() => Vec::new(),
        "Pod" => pod_warnings::warnings(object, ""),
        "CSIDriver" => driver(object),
        "Ingress" => ingress(object),
        "Node" => node(object),
        "PersistentVolume" => volume(object),
        "PersistentVolumeClaim" => claim(object),
        "Secret" => secret(object),
        "StorageClass" => storage_class(object),
        _ => Vec::new(),
    }
}

fn service(object: &Value) -> Vec<String> {
    let spec = &object["spec"];
    let mut found = Vec::new();
    if text(spec, "clusterIP") == "None" && text(spec, "sessionAffinity") == "ClientIP" {
        found.push("spec.SessionAffinity is ignored for headless services".to_owned());
    }
    if !items(spec, "externalIPs").is_empty() {
        found.push(
            "spec.externalIPs is deprecated and may no longer be implemented in some clusters".to_owned(),
        );
    }
    if text(spec, "trafficDistribution") == "PreferClose" {
        found.push(
            "spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\"".to_owned(),
        );
    }
    found
}

/// Warns of names that make no good host names.
fn pod_name(object: &Value, used: &str) -> Option<String> {
    let problems = names::label(text(&object["metadata"], "name"));
    if problems.is_empty() || text(&object["metadata"], "name").is_empty() {
        return None;
    }
    Some(format!(
        "metadata.name: this is used in {used}, which can result in surprising behavior; a DNS label is recommended: [{}]",
        problems.join(" ")
    ))
}

/// A certificate that no TLS server can use.
fn secret(object: &Value) -> Vec<String> {
    use base64::Engine as _;

    let data = |key: &str| {
        let text = object["data"][key].as_str()?;
        base64::engine::general_purpose::STANDARD.decode(text).ok()
    };
    let (Some(certificate), Some(_)) = (data("tls.crt"), data("tls.key")) else { return Vec::new() };
    let is_pem = certificate.windows(11).any(|window| window == b"-----BEGIN ");
    if text(object, "type") != "kubernetes.io/tls" || is_pem {
        return Vec::new();
    }
    vec!["tls: failed to find any PEM data in certificate input".to_owned()]
}

fn driver(object: &Value) -> Vec<String> {
    let spec = &object["spec"];
    if items(spec, "tokenRequests").is_empty() || spec.get("serviceAccountTokenInSecrets").is_some() {
        return Vec::new();
    }
    vec![
        "spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible \
         logging of tokens in volume attributes"
            .to_owned(),
    ]
}

fn ingress(object: &Value) -> Vec<String> {
    const CLASS: &str = "kubernetes.io/ingress.class";
    if object["metadata"]["annotations"].get(CLASS).is_none() {
        return Vec::new();
    }
    vec![format!("annotation \"{CLASS}\" is deprecated, please use 'spec.ingressClassName' instead")]
}

fn node(object: &Value) -> Vec<String> {
    if text(&object["spec"], "externalID").is_empty() {
        return Vec::new();
    }
    vec!["spec.externalID: this field is deprecated, and is unused by Kubernetes".to_owned()]
}

fn old_storage_class(object: &Value) -> Option<String> {
    object["metadata"]["annotations"].get(OLD_STORAGE_CLASS)?;
    Some(format!(
        "metadata.annotations[{OLD_STORAGE_CLASS}]: deprecated since v1.8; use \"storageClassName\" attribute instead"
    ))
}

fn volume(object: &Value) -> Vec<String> {
    let mut found: Vec<String> = old_storage_class(object).into_iter().collect();
    if text(&object["spec"], "persistentVolumeReclaimPolicy") == "Recycle" {
        found.push(
            "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended \
             approach is to use dynamic provisioning."
                .to_owned(),
        );
    }
    found
}

fn claim(object: &Value) -> Vec<String> {
    let mut found: Vec<String> = old_storage_class(object).into_iter().collect();
    pod_warnings::fractions(&object["spec"]["resources"]["requests"], "spec.resources.requests", &mut found);
    found
}

fn storage_class(object: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for (term, topology) in items(object, "allowedTopologies").iter().enumerate() {
        for (index, expression) in items(topology, "matchLabelExpressions").iter().enumerate() {
            if let Some(renamed) = pod_warnings::renamed_label(text(expression, "key")) {
                found
                    .push(format!("allowedTopologies[{term}].matchLabelExpressions[{index}].key: {renamed}"));
            }
        }
    }
    found
}
