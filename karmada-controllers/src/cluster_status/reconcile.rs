//! One health check of a member and the status that follows from it.

use karmada_core::api::cluster::constants::{CONDITION_COMPLETE_API_ENABLEMENTS, CONDITION_READY};
use karmada_core::api::cluster::{Cluster, ClusterStatus};
use karmada_core::api::{Condition, Feature};
use karmada_core::membership::{
    Probe, ReadyMemory, api_enablements_condition, ready_condition, summarise_nodes, summarise_resources,
};
use kube::api::PostParams;
use serde_json::Value;

use super::{Observed, ResourceModeling, StatusSettings, collect};
use crate::hub::{Hub, ObjectKey, ObjectReference, ReconcileError, chain};
use crate::members::Member;

pub(super) async fn reconcile(
    hub: &Hub,
    member: &Member,
    memory: &mut ReadyMemory,
    settings: StatusSettings,
    observed: &mut Option<Observed>,
) -> Result<(), ReconcileError> {
    let Some(cluster) = hub.clusters.find(&ObjectKey::new("", &member.name)) else { return Ok(()) };
    if cluster.metadata.deletion_timestamp.is_some() {
        return Ok(());
    }
    let (probe, why) = collect::probe(member).await;
    let now = jiff::Timestamp::now();
    let current = cluster.status.clone().unwrap_or_default();
    let mut status = current.clone();
    let ready =
        ready_condition(condition(&current, CONDITION_READY), &probe, memory, settings.thresholds, now);
    if probe == Probe::Ok && ready.status == "True" {
        collect_details(hub, &cluster, member, &mut status, settings, observed, now).await?;
    }
    if !why.is_empty() && ready.status != "True" {
        let message = format!("{}: {why}", ready.message.trim_end_matches('.'));
        let events = hub.events.for_component("cluster-status-controller");
        events.warning(&ObjectReference::of(&*cluster), &ready.reason, message);
    }
    set_condition(&mut status, ready);
    member.runtime.metrics().clusters.observe(&member.name, &status);
    if status == current {
        return Ok(());
    }
    write(hub, &cluster, status).await
}

async fn collect_details(
    hub: &Hub,
    cluster: &Cluster,
    member: &Member,
    status: &mut ClusterStatus,
    settings: StatusSettings,
    observed: &mut Option<Observed>,
    now: jiff::Timestamp,
) -> Result<(), ReconcileError> {
    match collect::version(member).await {
        Ok(version) => status.kubernetes_version = version,
        // What is known of the member is no less true for it.
        Err(error) => tracing::debug!(cluster = member.name, error = chain(&error), "version not read"),
    }
    let refreshed = member.discover().await;
    let failure = refreshed.as_ref().err().map(|error| chain(error));
    let enablements = collect::enablements(&member.mapping.served());
    let current = condition(status, CONDITION_COMPLETE_API_ENABLEMENTS);
    let complete = api_enablements_condition(current, enablements.len(), failure.as_deref(), now);
    if !enablements.is_empty() {
        status.api_enablements = enablements;
    }
    set_condition(status, complete);

    if settings.resources == ResourceModeling::Off {
        return Ok(());
    }
    let observed = observed.get_or_insert_with(|| Observed::start(member));
    if !observed.is_synced() {
        let both = async {
            observed.nodes.wait_synced().await;
            observed.pods.wait_synced().await;
        };
        // A member that may not list nodes or pods still gets its other status.
        if tokio::time::timeout(std::time::Duration::from_secs(2), both).await.is_err() {
            return Ok(());
        }
    }
    let nodes = observed.nodes.list();
    let pods = observed.pods.list();
    let nodes: Vec<&Value> = nodes.iter().map(|node| node.value()).collect();
    let pods: Vec<&Value> = pods.iter().map(|pod| pod.value()).collect();
    let models = if hub.gates.is_enabled(Feature::CustomizedClusterResourceModeling) {
        cluster.spec.resource_models.as_slice()
    } else {
        &[]
    };
    status.node_summary = Some(summarise_nodes(&nodes));
    status.resource_summary = Some(summarise_resources(&nodes, &pods, models));
    Ok(())
}

fn condition<'a>(status: &'a ClusterStatus, type_: &str) -> Option<&'a Condition> {
    status.conditions.iter().find(|condition| condition.type_ == type_)
}

fn set_condition(status: &mut ClusterStatus, condition: Condition) {
    match status.conditions.iter_mut().find(|present| present.type_ == condition.type_) {
        Some(present) => *present = condition,
        None => status.conditions.push(condition),
    }
}

/// Writes the status. The resource version makes it a compare-and-swap, for the list of conditions is replaced as a whole.
///
/// Agents that upstream registered may update the status of their Cluster, and not patch it.
async fn write(hub: &Hub, cluster: &Cluster, status: ClusterStatus) -> Result<(), ReconcileError> {
    let wanted = Cluster { status: Some(status), ..cluster.clone() };
    hub.all::<Cluster>()
        .replace_status(cluster.name(), &PostParams::default(), &wanted)
        .await
        .map(drop)
        .map_err(ReconcileError::api(format!("update the status of cluster {}", cluster.name())))
}
