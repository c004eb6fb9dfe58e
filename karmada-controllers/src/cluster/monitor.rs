//! Watches over the agents of Pull clusters: one that is silent makes its cluster's state unknown.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use karmada_core::api::Condition;
use karmada_core::api::cluster::constants::CONDITION_READY;
use karmada_core::api::cluster::{Cluster, ClusterSyncMode};
use karmada_core::api::reserved::CLUSTER_NAMESPACE;
use karmada_core::membership::{HeartbeatLimits, HeartbeatMemory, lost_heartbeat};
use kube::ResourceExt;
use kube::api::{ListParams, Patch, PatchParams};
use serde_json::json;

use crate::hub::{Hub, ReconcileError, chain};

/// How agents are watched over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MonitorSettings {
    /// Time between two looks (`--cluster-monitor-period`).
    pub period: Duration,
    pub limits: HeartbeatLimits,
}

impl Default for MonitorSettings {
    fn default() -> Self {
        Self { period: Duration::from_secs(5), limits: HeartbeatLimits::default() }
    }
}

/// Starts to look.
pub(crate) fn start(hub: &Arc<Hub>, settings: MonitorSettings) {
    let (runtime, hub) = (hub.runtime.clone(), hub.clone());
    runtime.spawn_cancellable(async move {
        let mut memories = BTreeMap::new();
        let mut interval = tokio::time::interval(settings.period);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            // What could not be looked at is not held against the agents: nothing is remembered of it.
            if let Err(error) = look(&hub, &mut memories, settings.limits).await {
                tracing::debug!(error = chain(&error), "agents not looked at, will retry");
            }
        }
    });
}

async fn look(
    hub: &Hub,
    memories: &mut BTreeMap<String, HeartbeatMemory>,
    limits: HeartbeatLimits,
) -> Result<(), ReconcileError> {
    let mut clusters = hub.clusters.list();
    clusters.retain(|cluster| cluster.spec.sync_mode == ClusterSyncMode::Pull);
    memories.retain(|name, _| clusters.iter().any(|cluster| cluster.name() == name));
    if clusters.is_empty() {
        return Ok(());
    }
    let leases = hub.namespaced::<Lease>(CLUSTER_NAMESPACE).list(&ListParams::default()).await;
    let leases = leases.map_err(ReconcileError::api("list the leases of agents"))?;
    let renewals: BTreeMap<String, Timestamp> =
        leases.into_iter().filter_map(|lease| Some((lease.name_any(), lease.spec?.renew_time?.0))).collect();
    let mut outcome = Ok(());
    for cluster in clusters {
        let renewed = renewals.get(cluster.name()).copied();
        let memory = memories.entry(cluster.name().to_owned()).or_default();
        let conditions = cluster.status.as_ref().map(|status| status.conditions.as_slice());
        let ready = conditions.into_iter().flatten().find(|condition| condition.type_ == CONDITION_READY);
        let Some(lost) = lost_heartbeat(ready, renewed, memory, limits, Timestamp::now()) else { continue };
        tracing::warn!(cluster = cluster.name(), "the agent is silent");
        match write(hub, &cluster, lost).await {
            // Somebody else was faster, perhaps the agent itself.
            Err(error) if error.is_conflict() => {}
            Err(error) => outcome = Err(error),
            Ok(()) => {}
        }
    }
    outcome
}

/// Writes the condition. The resource version makes it a compare-and-swap: an agent that is back wins.
async fn write(hub: &Hub, cluster: &Cluster, lost: Condition) -> Result<(), ReconcileError> {
    let mut conditions = cluster.status.clone().unwrap_or_default().conditions;
    match conditions.iter_mut().find(|condition| condition.type_ == CONDITION_READY) {
        Some(ready) => *ready = lost,
        None => conditions.push(lost),
    }
    let version = &cluster.metadata.resource_version;
    let patch = json!({"metadata": {"resourceVersion": version}, "status": {"conditions": conditions}});
    hub.all::<Cluster>()
        .patch_status(cluster.name(), &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .map(drop)
        .map_err(ReconcileError::api(format!("update the status of cluster {}", cluster.name())))
}
