//! Simulated nodes.

use k8s_openapi::api::core::v1::Node;
use karmada_core::api::ResourceList;
use karmada_core::object::{Quantity, QuantityFormat};
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt};
use serde_json::json;

use super::SIMULATED_ANNOTATION;
use crate::hub::is_status;

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

    /// Returns what all nodes offer together.
    pub(super) fn capacity(&self) -> ResourceList {
        let nodes = i64::from(self.nodes);
        [
            ("cpu".to_string(), self.cpu * nodes),
            ("memory".to_string(), self.memory * nodes),
            (
                "pods".to_string(),
                Quantity::from_value(i64::from(self.pods) * nodes, QuantityFormat::DecimalSi),
            ),
        ]
        .into()
    }
}

/// Creates the nodes that are missing.
pub(super) async fn ensure(client: &Client, settings: &NodeSettings) -> Result<(), kube::Error> {
    let nodes: Api<Node> = Api::all(client.clone());
    for number in 1..=settings.nodes {
        let name = format!("{}-node-{number}", settings.prefix);
        let node: Node = serde_json::from_value(json!({
            "metadata": {"name": name, "annotations": {SIMULATED_ANNOTATION: "true"},
                         "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}},
        }))
        .map_err(kube::Error::SerdeError)?;
        let present = match nodes.create(&PostParams::default(), &node).await {
            Ok(created) => created,
            Err(error) if is_status(&error, 409) => nodes.get(&name).await?,
            Err(error) => return Err(error),
        };
        if present.status.as_ref().is_some_and(|status| status.allocatable.is_some()) {
            continue;
        }
        let offer =
            json!({"cpu": settings.cpu, "memory": settings.memory, "pods": settings.pods.to_string()});
        let now = jiff::Timestamp::now().to_string();
        let status = json!({"status": {
            "capacity": offer, "allocatable": offer,
            "nodeInfo": {"kubeletVersion": "v1.36.0-simulated", "osImage": "simulated", "operatingSystem": "linux", "architecture": "amd64",
                         "containerRuntimeVersion": "simulated://", "kernelVersion": "", "machineID": "", "systemUUID": "", "bootID": "", "kubeProxyVersion": ""},
            "conditions": [{"type": "Ready", "status": "True", "reason": "Simulated", "message": "this node is simulated: no container runs on it",
                            "lastHeartbeatTime": now, "lastTransitionTime": now}],
        }});
        nodes.patch_status(&present.name_any(), &PatchParams::default(), &Patch::Merge(&status)).await?;
    }
    Ok(())
}
