//! Services: the pods behind them, and an address where one is asked for.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kube::{Resource, ResourceExt};
use serde_json::{Value, json};

use super::cluster::{Cluster, controlled_by, is_going, key_of};
use super::json::{list, merge_patch, text, text_at};
use super::pod_state::{is_active, is_ready};
use crate::hub::{Action, ObjectKey, ReconcileError, Unstructured};

const SERVICE_LABEL: &str = "kubernetes.io/service-name";
const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
/// A slice holds no more than this; pods beyond it are left out.
const MOST_ENDPOINTS: usize = 1000;

/// Tells the Services that select a pod about a change of it.
pub(super) fn pod_changed(cluster: &Cluster, pod: &Unstructured) {
    let namespace = pod.meta().namespace.as_deref().unwrap_or_default();
    for service in cluster.services.cache.list_namespace(namespace) {
        if selects(service.value(), pod.labels()) {
            cluster.queues.services.add(ObjectKey::of(&*service));
        }
    }
}

fn selects(service: &Value, labels: &BTreeMap<String, String>) -> bool {
    let Some(selector) = service.pointer("/spec/selector").and_then(Value::as_object) else { return false };
    let has = |key: &str, value: &Value| labels.get(key).is_some_and(|label| value == label.as_str());
    !selector.is_empty() && selector.iter().all(|(key, value)| has(key, value))
}

/// Looks at one Service.
pub(super) async fn reconcile(cluster: &Cluster, key: ObjectKey) -> Result<Action, ReconcileError> {
    let Some(service) = cluster.services.cache.find(&key).filter(|service| !is_going(service)) else {
        return Ok(Action::Done);
    };
    let service = service.value();
    if text_at(service, "/spec/type") == "LoadBalancer" {
        let ingress = json!([{"ip": load_balancer_address(service), "ipMode": "VIP"}]);
        if service.pointer("/status/loadBalancer/ingress") != Some(&ingress) {
            let mut status = service["status"].clone();
            status["loadBalancer"] = json!({"ingress": ingress});
            cluster.write_status(&cluster.services, service, &status).await?;
        }
    }
    let has_selector =
        service.pointer("/spec/selector").and_then(Value::as_object).is_some_and(|s| !s.is_empty());
    if has_selector && text_at(service, "/spec/type") != "ExternalName" {
        write_slice(cluster, &key, service).await?;
    }
    Ok(Action::Done)
}

/// An address of the range that is reserved for tests of network devices, made of the Service's own.
fn load_balancer_address(service: &Value) -> String {
    let own: Vec<&str> = text_at(service, "/spec/clusterIP").split('.').collect();
    match own[..] {
        [_, _, third, fourth] => format!("198.18.{third}.{fourth}"),
        _ => "198.18.0.0".to_owned(),
    }
}

async fn write_slice(cluster: &Cluster, key: &ObjectKey, service: &Value) -> Result<(), ReconcileError> {
    let mut pods = cluster.pods.cache.list_namespace(&key.namespace);
    pods.retain(|pod| selects(service, pod.labels()) && is_active(pod.value()));
    pods.retain(|pod| !text_at(pod.value(), "/status/podIP").is_empty());
    pods.truncate(MOST_ENDPOINTS);
    let endpoints: Vec<Value> = pods.iter().map(|pod| endpoint(pod.value())).collect();
    let container_ports = pods.first().map(|pod| pod.value());
    let ports: Vec<Value> =
        list(&service["spec"], "ports").iter().map(|port| slice_port(port, container_ports)).collect();
    let owned = cluster.endpoint_slices.owned(service);
    if let Some(slice) = owned.first() {
        let slice = slice.value();
        let before = json!({"endpoints": slice["endpoints"], "ports": slice["ports"]});
        let after = json!({"endpoints": endpoints, "ports": ports});
        return match merge_patch(&before, &after) {
            Some(patch) => cluster.patch(&cluster.endpoint_slices, &key_of(slice), &patch).await,
            None => Ok(()),
        };
    }
    let slice = json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {
            "name": super::cluster::pod_name(&key.name), "namespace": key.namespace,
            "labels": {SERVICE_LABEL: key.name, MANAGED_BY: "endpointslice-controller.k8s.io"},
            "annotations": {"endpoints.kubernetes.io/last-change-trigger-time": Timestamp::now().to_string()},
            "ownerReferences": controlled_by(service),
        },
        "endpoints": endpoints, "ports": ports,
    });
    cluster.create(&cluster.endpoint_slices, &slice).await?;
    Ok(())
}

fn endpoint(pod: &Value) -> Value {
    let ready = is_ready(pod);
    json!({
        "addresses": [text_at(pod, "/status/podIP")],
        "conditions": {"ready": ready, "serving": ready, "terminating": false},
        "nodeName": text_at(pod, "/spec/nodeName"),
        "targetRef": {"kind": "Pod", "namespace": text_at(pod, "/metadata/namespace"),
                      "name": text_at(pod, "/metadata/name"), "uid": text_at(pod, "/metadata/uid")},
    })
}

fn slice_port(port: &Value, pod: Option<&Value>) -> Value {
    let number = match port.get("targetPort") {
        Some(Value::String(name)) => pod.and_then(|pod| named_port(pod, name)).unwrap_or_default(),
        Some(number) => number.clone(),
        None => port["port"].clone(),
    };
    let mut result = json!({"name": text(port, "name"), "port": number,
                            "protocol": port.get("protocol").cloned().unwrap_or_else(|| "TCP".into())});
    if let Some(protocol) = port.get("appProtocol") {
        result["appProtocol"] = protocol.clone();
    }
    result
}

fn named_port(pod: &Value, name: &str) -> Option<Value> {
    let containers = list(pod.get("spec")?, "containers");
    let mut ports = containers.iter().flat_map(|container| list(container, "ports"));
    ports.find(|port| text(port, "name") == name).map(|port| port["containerPort"].clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_selects_pods_by_all_of_its_labels() {
        let service = json!({"spec": {"selector": {"a": "1", "b": "2"}}});
        let labels = |labels: &[(&str, &str)]| -> BTreeMap<String, String> {
            labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        assert!(selects(&service, &labels(&[("a", "1"), ("b", "2"), ("c", "3")])));
        assert!(!selects(&service, &labels(&[("a", "1")])));
        assert!(!selects(&json!({"spec": {}}), &labels(&[])));
    }

    #[test]
    fn named_ports_are_looked_up_in_the_pod() {
        let pod = json!({"spec": {"containers": [{"ports": [{"name": "http", "containerPort": 8080}]}]}});
        let port = json!({"name": "web", "port": 80, "targetPort": "http"});
        assert_eq!(slice_port(&port, Some(&pod))["port"], 8080);
        assert_eq!(slice_port(&json!({"port": 80}), None)["port"], 80);
    }

    #[test]
    fn an_address_of_a_load_balancer_follows_from_the_services_own() {
        assert_eq!(load_balancer_address(&json!({"spec": {"clusterIP": "10.96.3.7"}})), "198.18.3.7");
    }
}
