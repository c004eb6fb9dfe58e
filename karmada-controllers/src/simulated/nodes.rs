//! Simulated nodes.

use futures::future::try_join_all;
use k8s_openapi::api::core::v1::Node;
use karmada_core::api::ResourceList;
use karmada_core::object::{Quantity, QuantityFormat, fnv1a_32};
use kube::Client;
use kube::api::{Api, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::SIMULATED_ANNOTATION;
use super::demand::{NodeFacts, amounts};
use super::json::{holds, list, text, text_at};

const NOT_READY_TAINT: &str = "node.kubernetes.io/not-ready";

/// How many nodes a member has, and what each offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeSettings {
    /// Prefix of the nodes' names.
    pub prefix: String,
    pub nodes: u32,
    pub cpu: Quantity,
    pub memory: Quantity,
    pub pods: u32,
    pub region: Option<String>,
    /// Zones that the nodes are spread over in turn.
    pub zones: Vec<String>,
}

impl NodeSettings {
    /// Three nodes of 8 cores, 32 GiB and 110 pods each.
    pub fn new(prefix: &str) -> Self {
        Self {
            prefix: prefix.to_string(),
            nodes: 3,
            cpu: Quantity::from_value(8, QuantityFormat::DecimalSi),
            memory: Quantity::from_value(32 << 30, QuantityFormat::BinarySi),
            pods: 110,
            region: None,
            zones: Vec::new(),
        }
    }

    fn labels(&self, name: &str, index: u32) -> Value {
        let mut labels = json!({"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"});
        if let Some(region) = &self.region {
            labels["topology.kubernetes.io/region"] = region.as_str().into();
        }
        let zones = self.zones.iter().cycle();
        if let Some(zone) = zones.clone().nth(index as usize % self.zones.len().max(1)) {
            labels["topology.kubernetes.io/zone"] = zone.as_str().into();
        }
        labels
    }
}

/// Creates the nodes that are missing, and gives those that are there what they offer now.
pub(super) async fn ensure(client: &Client, settings: &NodeSettings) -> Result<(), kube::Error> {
    try_join_all((0..settings.nodes).map(|index| ensure_node(client, settings, index))).await?;
    Ok(())
}

async fn ensure_node(client: &Client, settings: &NodeSettings, index: u32) -> Result<(), kube::Error> {
    let nodes: Api<Node> = Api::all(client.clone());
    let name = format!("{}-node-{}", settings.prefix, index + 1);
    let present = if let Some(present) = nodes.get_opt(&name).await? {
        present
    } else {
        let node: Node = serde_json::from_value(json!({
            "metadata": {"name": name, "annotations": {SIMULATED_ANNOTATION: "true"}, "labels": settings.labels(&name, index)},
        }))
        .map_err(kube::Error::SerdeError)?;
        nodes.create(&PostParams::default(), &node).await?
    };
    let present = serde_json::to_value(&present).map_err(kube::Error::SerdeError)?;
    let offer = json!({"cpu": settings.cpu, "memory": settings.memory, "pods": settings.pods.to_string()});
    if present.pointer("/status/allocatable") != Some(&offer) {
        let status = json!({"status": status(&name, &offer, &present)});
        nodes.patch_status(&name, &PatchParams::default(), &Patch::Merge(&status)).await?;
    }
    // An API server taints new nodes until somebody finds them ready.
    let taints = list(&present["spec"], "taints");
    let kept: Vec<&Value> = taints.iter().filter(|taint| text(taint, "key") != NOT_READY_TAINT).collect();
    if kept.len() < taints.len() {
        let patch = json!({"spec": {"taints": if kept.is_empty() { Value::Null } else { json!(kept) }}});
        nodes.patch(&name, &PatchParams::default(), &Patch::Merge(&patch)).await?;
    }
    Ok(())
}

fn status(name: &str, offer: &Value, present: &Value) -> Value {
    let mut status = json!({
        "capacity": offer, "allocatable": offer,
        "addresses": [{"type": "InternalIP", "address": address_of(name)}, {"type": "Hostname", "address": name}],
        "nodeInfo": {"kubeletVersion": "v1.36.0-simulated", "osImage": "simulated", "operatingSystem": "linux", "architecture": "amd64",
                     "containerRuntimeVersion": "simulated://", "kernelVersion": "simulated", "machineID": "", "systemUUID": "", "bootID": "", "kubeProxyVersion": ""},
    });
    // What somebody made of the conditions stays.
    if list(&present["status"], "conditions").is_empty() {
        let now = jiff::Timestamp::now().to_string();
        let conditions: Vec<Value> = [
            ("MemoryPressure", "False"),
            ("DiskPressure", "False"),
            ("PIDPressure", "False"),
            ("Ready", "True"),
        ]
        .map(|(kind, status)| {
            json!({"type": kind, "status": status, "reason": "Simulated", "message": "this node is simulated: no container runs on it",
                   "lastHeartbeatTime": now, "lastTransitionTime": now})
        })
        .to_vec();
        status["conditions"] = conditions.into();
    }
    status
}

/// Returns what a node is for those who look for one.
pub(super) fn facts(node: &Value) -> NodeFacts {
    let labels = node.pointer("/metadata/labels").and_then(Value::as_object);
    let labels = labels.into_iter().flatten();
    let allocatable = node.pointer("/status/allocatable").cloned().unwrap_or_default();
    let allocatable: ResourceList = serde_json::from_value(allocatable).unwrap_or_default();
    let spec = node.get("spec").unwrap_or(&Value::Null);
    NodeFacts {
        name: text_at(node, "/metadata/name").to_owned(),
        labels: labels
            .map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()))
            .collect(),
        taints: list(spec, "taints").to_vec(),
        unschedulable: spec.get("unschedulable").and_then(Value::as_bool).unwrap_or_default(),
        ready: holds(node, "Ready"),
        allocatable: amounts(&allocatable),
    }
}

/// Returns a node's address, which follows from its name.
pub(super) fn address_of(node: &str) -> String {
    let hash = fnv1a_32(node.as_bytes());
    format!("172.18.{}.{}", (hash >> 8) & 255, hash & 255)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_spread_over_the_zones() {
        let settings = NodeSettings {
            region: Some("eu".into()),
            zones: vec!["eu-a".into(), "eu-b".into()],
            ..NodeSettings::new("m1")
        };
        let zone = |index| settings.labels("n", index)["topology.kubernetes.io/zone"].clone();
        assert_eq!([zone(0), zone(1), zone(2)], ["eu-a", "eu-b", "eu-a"]);
        assert!(NodeSettings::new("m1").labels("n", 0).get("topology.kubernetes.io/zone").is_none());
    }

    #[test]
    fn a_node_that_is_cordoned_or_broken_says_so() {
        let node = json!({"metadata": {"name": "n1"}, "spec": {"unschedulable": true},
            "status": {"allocatable": {"cpu": "2"}, "conditions": [{"type": "Ready", "status": "False"}]}});
        let facts = facts(&node);
        assert!(facts.unschedulable && !facts.ready);
        assert_eq!(facts.allocatable.get("cpu"), Some(&2_000_000_000));
    }
}
