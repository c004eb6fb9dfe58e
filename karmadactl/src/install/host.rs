//! What the host cluster has: looked up once, before anything is decided.

use std::collections::BTreeMap;

use serde_json::Value;

use super::names::{CERTIFICATES, Component, ETCD};
use super::objects;
use super::options::{DataVolume, Etcd, InstallOptions, LocalEtcd, Profile};
use super::secrets::files_of;
use crate::api_error::ApiError;
use crate::raw;

/// Label of a node with its own name.
const HOST_NAME: &str = "kubernetes.io/hostname";
/// Label of nodes that carry the host's own control plane.
const CONTROL_PLANE_NODE: &str = "node-role.kubernetes.io/control-plane";
/// The most addresses of nodes that a certificate names.
const MOST_ADDRESSES: usize = 32;

/// What the host cluster has.
#[derive(Clone, Debug, Default)]
pub struct HostFacts {
    /// Its version as it says, such as `v1.36.2`.
    pub version: String,
    /// Addresses by which nodes are reached, the best one first.
    pub node_addresses: Vec<String>,
    /// Nodes that have, or get, the directory of the data.
    pub data_nodes: Vec<String>,
    /// How many nodes could have it.
    pub candidates: usize,
    /// Certificates and keys of an earlier run.
    pub certificates: BTreeMap<String, String>,
    /// How many members the etcd of an earlier run has.
    pub etcd_replicas: Option<u64>,
    /// Whether the namespace exists.
    pub has_namespace: bool,
    /// Whether the namespace is being removed.
    pub is_going: bool,
}

/// Looks up what the host cluster has.
///
/// # Errors
/// When it does not answer, or refuses.
pub async fn look(client: &kube::Client, options: &InstallOptions) -> Result<HostFacts, ApiError> {
    let version = raw::read(client, "/version").await?.unwrap_or_default();
    let nodes = objects::list(client, "/api/v1/nodes", "").await?;
    let namespace = &options.namespace;
    let read = async |collection: &str, name: &str| raw::read(client, &format!("{collection}/{name}")).await;
    let found = read("/api/v1/namespaces", namespace).await?;
    let is_going = found.as_ref().is_some_and(|found| !found["metadata"]["deletionTimestamp"].is_null());
    let secret = read(&objects::collection("v1", "Secret", namespace), CERTIFICATES).await?;
    let sets = objects::collection("apps/v1", "StatefulSet", namespace);
    let etcd = read(&sets, ETCD).await?;
    let data_set = match options.profile {
        Profile::Single => read(&sets, Component::ApiServer.name()).await?,
        Profile::Standard | Profile::Ha => etcd.clone(),
    };
    let mut facts = HostFacts {
        version: version["gitVersion"].as_str().unwrap_or_default().to_owned(),
        node_addresses: addresses(&nodes),
        certificates: secret.map(|secret| files_of(&secret)).unwrap_or_default(),
        etcd_replicas: etcd.and_then(|etcd| etcd["spec"]["replicas"].as_u64()),
        has_namespace: found.is_some(),
        is_going,
        ..HostFacts::default()
    };
    if let Etcd::Local(local) = &options.etcd {
        let able = candidates(&nodes, &local.node_labels);
        facts.candidates = able.len();
        facts.data_nodes = data_nodes(options, local, data_set.as_ref(), able);
    }
    Ok(facts)
}

/// Chooses the nodes whose directory keeps the data; those of an earlier run stay.
fn data_nodes(
    options: &InstallOptions,
    local: &LocalEtcd,
    existing: Option<&Value>,
    able: Vec<String>,
) -> Vec<String> {
    if !matches!(local.volume, DataVolume::HostPath { .. }) || !local.node_labels.is_empty() {
        return Vec::new();
    }
    let terms = existing.and_then(|set| {
        set.pointer(
            "/spec/template/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution\
             /nodeSelectorTerms/0/matchExpressions/0",
        )
    });
    if let Some(term) = terms.filter(|term| term["key"] == HOST_NAME) {
        let values = term["values"].as_array().into_iter().flatten();
        return values.filter_map(|value| value.as_str().map(str::to_owned)).collect();
    }
    let wanted = if options.profile == Profile::Single { 1 } else { local.pod.replicas as usize };
    able.into_iter().take(wanted).collect()
}

/// Host names of the nodes that are ready, take pods and have these labels.
fn candidates(nodes: &[Value], labels: &BTreeMap<String, String>) -> Vec<String> {
    let mut names: Vec<String> = nodes
        .iter()
        .filter(|node| node["spec"]["unschedulable"] != true && is_ready(node))
        .filter(|node| {
            let taints = node["spec"]["taints"].as_array();
            !taints
                .into_iter()
                .flatten()
                .any(|taint| taint["effect"] == "NoSchedule" || taint["effect"] == "NoExecute")
        })
        .filter(|node| {
            labels.iter().all(|(key, value)| node["metadata"]["labels"][key.as_str()] == value.as_str())
        })
        .filter_map(|node| {
            let label = node["metadata"]["labels"][HOST_NAME].as_str();
            label.or(node["metadata"]["name"].as_str()).map(str::to_owned)
        })
        .collect();
    names.sort();
    names
}

fn is_ready(node: &Value) -> bool {
    let conditions = node["status"]["conditions"].as_array();
    conditions.into_iter().flatten().any(|found| found["type"] == "Ready" && found["status"] == "True")
}

/// Addresses of the nodes of the host's control plane, or of all where none is marked.
fn addresses(nodes: &[Value]) -> Vec<String> {
    let mut sorted: Vec<&Value> = nodes.iter().collect();
    sorted.sort_by_key(|node| node["metadata"]["name"].as_str().unwrap_or_default().to_owned());
    let is_marked = |node: &&Value| node["metadata"]["labels"].get(CONTROL_PLANE_NODE).is_some();
    let marked: Vec<&Value> = sorted.iter().copied().filter(is_marked).collect();
    let chosen = if marked.is_empty() { sorted } else { marked };
    let of = |kind: &'static str| {
        chosen.iter().flat_map(move |node| {
            let addresses = node["status"]["addresses"].as_array();
            addresses
                .into_iter()
                .flatten()
                .filter(move |address| address["type"] == kind)
                .filter_map(|address| address["address"].as_str().map(str::to_owned))
        })
    };
    let mut addresses: Vec<String> = of("InternalIP").chain(of("ExternalIP")).collect();
    addresses.truncate(MOST_ADDRESSES);
    addresses
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn node(name: &str, address: &str, labels: Value, spec: Value) -> Value {
        json!({
            "metadata": {"name": name, "labels": labels}, "spec": spec,
            "status": {
                "addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}],
                "conditions": [{"type": "Ready", "status": "True"}],
            },
        })
    }

    #[test]
    fn nodes_of_the_hosts_control_plane_are_the_address_and_others_take_the_data() {
        let tainted = json!({"taints": [{"key": "k", "effect": "NoSchedule"}]});
        let nodes = [
            node("b", "10.0.0.2", json!({}), json!({})),
            node("a", "10.0.0.1", json!({CONTROL_PLANE_NODE: ""}), tainted),
            node("c", "10.0.0.3", json!({}), json!({"unschedulable": true})),
        ];
        assert_eq!(addresses(&nodes), ["10.0.0.1"]);
        assert_eq!(addresses(&nodes[..1]), ["10.0.0.2"]);
        assert_eq!(candidates(&nodes, &BTreeMap::new()), ["b"]);
        let labels = BTreeMap::from([("disk".to_owned(), "fast".to_owned())]);
        assert!(candidates(&nodes, &labels).is_empty());
    }
}
