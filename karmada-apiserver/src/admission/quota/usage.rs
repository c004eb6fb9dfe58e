//! What one object uses of a quota.

use serde_json::Value;

use super::super::pod_resources::{Amounts, Side, add, pod_amounts};
use crate::registry::{Quantity, Resource};

/// Resources of the core group that are counted under their plain names too.
const COUNTED: [&str; 4] = ["configmaps", "replicationcontrollers", "resourcequotas", "secrets"];
/// Resources of pods that are known by a plain name besides `requests.NAME`.
const PLAIN: [&str; 3] = ["cpu", "ephemeral-storage", "memory"];
/// What every container has to name when a quota limits it.
const REQUIRED: [&str; 6] =
    ["cpu", "limits.cpu", "limits.memory", "memory", "requests.cpu", "requests.memory"];

/// Returns the name under which the objects of a resource are counted.
pub(crate) fn count_name(group: &str, plural: &str) -> String {
    if group.is_empty() { format!("count/{plural}") } else { format!("count/{plural}.{group}") }
}

/// Returns what an object uses.
pub(crate) fn usage(resource: &Resource, object: &Value) -> Amounts {
    let one = Quantity::from_integer(1);
    let mut used = Amounts::from([(count_name(&resource.group, &resource.plural), one)]);
    if !resource.group.is_empty() {
        return used;
    }
    match resource.plural.as_str() {
        plural if COUNTED.contains(&plural) => {
            used.insert(plural.to_owned(), one);
        }
        "persistentvolumeclaims" => claim(object, &mut used),
        "pods" => pod(object, &mut used),
        "services" => service(object, &mut used),
        _ => {}
    }
    used
}

/// Returns what the containers of a pod have to name and do not, as the refusal lists it.
pub(crate) fn missing(pod: &Value, limited: &[String]) -> Option<String> {
    let containers = || {
        ["containers", "initContainers"]
            .iter()
            .flat_map(|list| pod["spec"][list].as_array().into_iter().flatten())
    };
    let mut lines = Vec::new();
    for name in REQUIRED.iter().filter(|name| limited.iter().any(|limited| limited == *name)) {
        let (side, resource) = match name.split_once('.') {
            Some(("limits", resource)) => (Side::Limits, resource),
            Some((_, resource)) => (Side::Requests, resource),
            None => (Side::Requests, *name),
        };
        let has = |value: &Value| !value["resources"][side.key()][resource].is_null();
        if has(&pod["spec"]) {
            continue;
        }
        let mut without: Vec<&str> =
            containers().filter(|c| !has(c)).filter_map(|c| c["name"].as_str()).collect();
        without.sort_unstable();
        if !without.is_empty() {
            lines.push(format!("{name} for: {}", without.join(",")));
        }
    }
    (!lines.is_empty()).then(|| lines.join("; "))
}

fn claim(object: &Value, used: &mut Amounts) {
    let one = Quantity::from_integer(1);
    let spec = &object["spec"];
    let annotated = &object["metadata"]["annotations"]["volume.beta.kubernetes.io/storage-class"];
    let class = annotated.as_str().or(spec["storageClassName"].as_str()).unwrap_or_default();
    let storage = spec["resources"]["requests"]["storage"].as_str().and_then(Quantity::parse);
    used.insert("persistentvolumeclaims".to_owned(), one);
    used.extend(storage.map(|amount| ("requests.storage".to_owned(), amount)));
    if !class.is_empty() {
        let prefix = format!("{class}.storageclass.storage.k8s.io");
        used.insert(format!("{prefix}/persistentvolumeclaims"), one);
        used.extend(storage.map(|amount| (format!("{prefix}/requests.storage"), amount)));
    }
}

fn service(object: &Value, used: &mut Amounts) {
    let spec = &object["spec"];
    let ports = spec["ports"].as_array().map_or(0, Vec::len);
    let count = |count: usize| Quantity::from_integer(i64::try_from(count).unwrap_or(i64::MAX));
    let (node_ports, balancers) = match spec["type"].as_str() {
        Some("NodePort") => (ports, 0),
        Some("LoadBalancer") if spec["allocateLoadBalancerNodePorts"] == false => {
            let set = spec["ports"].as_array().into_iter().flatten();
            (set.filter(|port| port["nodePort"].as_i64().unwrap_or(0) != 0).count(), 1)
        }
        Some("LoadBalancer") => (ports, 1),
        _ => (0, 0),
    };
    used.insert("services".to_owned(), count(1));
    used.insert("services.nodeports".to_owned(), count(node_ports));
    used.insert("services.loadbalancers".to_owned(), count(balancers));
}

fn pod(object: &Value, used: &mut Amounts) {
    // Containers that ended for good hold nothing any longer; the object is still there.
    if matches!(object["status"]["phase"].as_str(), Some("Succeeded" | "Failed")) {
        return;
    }
    used.insert("pods".to_owned(), Quantity::from_integer(1));
    let mut named = Amounts::new();
    for (name, amount) in pod_amounts(&object["spec"], Side::Requests) {
        if PLAIN.contains(&name.as_str()) || name.starts_with("hugepages-") {
            named.insert(name.clone(), amount);
        }
        named.insert(format!("requests.{name}"), amount);
    }
    for (name, amount) in pod_amounts(&object["spec"], Side::Limits) {
        named.insert(format!("limits.{name}"), amount);
    }
    add(used, &named);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::registry::Registry;

    fn text(plural: &str, object: &Value) -> Vec<String> {
        let resource = Registry::built_in().resource("", "v1", plural).unwrap();
        usage(&resource, object)
            .iter()
            .map(|(name, amount)| format!("{name}={}", amount.canonical()))
            .collect()
    }

    #[test]
    fn counts_objects_and_what_they_ask_for() {
        assert_eq!(text("configmaps", &json!({})), ["configmaps=1", "count/configmaps=1"]);
        let pod = json!({"spec": {"containers": [{"resources": {"requests": {"cpu": "1"}, "limits": {"cpu": "2"}}}]}});
        assert_eq!(text("pods", &pod), ["count/pods=1", "cpu=1", "limits.cpu=2", "pods=1", "requests.cpu=1"]);
        let claim =
            json!({"spec": {"storageClassName": "gold", "resources": {"requests": {"storage": "1Gi"}}}});
        assert_eq!(text("persistentvolumeclaims", &claim).len(), 5);
        let service = json!({"spec": {"type": "LoadBalancer", "ports": [{}, {}]}});
        assert_eq!(
            text("services", &service),
            ["count/services=1", "services=1", "services.loadbalancers=1", "services.nodeports=2"]
        );
    }

    #[test]
    fn a_finished_pod_is_only_counted() {
        assert_eq!(text("pods", &json!({"status": {"phase": "Failed"}})), ["count/pods=1"]);
    }

    #[test]
    fn names_the_containers_that_do_not_ask() {
        let pod = json!({"spec": {"containers": [{"name": "b"}, {"name": "a"}]}});
        let limited = ["cpu".to_owned(), "limits.memory".to_owned(), "pods".to_owned()];
        assert_eq!(missing(&pod, &limited).unwrap(), "cpu for: a,b; limits.memory for: a,b");
    }
}
