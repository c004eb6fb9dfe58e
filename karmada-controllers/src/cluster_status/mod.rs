//! Cluster status controller: health, version, APIs and resources of each member.
//!
//! One loop per member, so that a slow member delays only its own status.

mod collect;
mod reconcile;

use std::sync::Arc;
use std::time::Duration;

use karmada_core::membership::{ReadinessThresholds, ReadyMemory};
use kube::api::Api;
use kube::core::ApiResource;
use kube::runtime::watcher;
use tokio::sync::Notify;

use crate::hub::{Change, Hub, Informer, ReconcileError, Runtime, Unstructured, chain};
use crate::members::Member;

/// Whether nodes and pods of members are summed up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResourceModeling {
    #[default]
    On,
    Off,
}

/// How the status of members is observed.
#[derive(Clone, Copy, Debug)]
pub struct StatusSettings {
    /// Time between two health checks (`--cluster-status-update-frequency`).
    pub frequency: Duration,
    pub thresholds: ReadinessThresholds,
    /// Whether nodes and pods of members are summed up (`--enable-cluster-resource-modeling`).
    pub resources: ResourceModeling,
}

impl Default for StatusSettings {
    fn default() -> Self {
        Self {
            frequency: Duration::from_secs(10),
            thresholds: ReadinessThresholds::default(),
            resources: ResourceModeling::On,
        }
    }
}

/// Caches that the resource summary is computed from.
#[derive(Debug)]
struct Observed {
    nodes: Arc<Informer<Unstructured>>,
    pods: Arc<Informer<Unstructured>>,
}

/// Starts the loop of one member.
pub(crate) fn start(hub: Arc<Hub>, member: Arc<Member>, settings: StatusSettings) {
    let runtime = member.runtime.clone();
    let remodelled = Arc::new(Notify::new());
    {
        // The loop owns it: what a member that left has registered does nothing.
        let (remodelled, name) = (Arc::downgrade(&remodelled), member.name.clone());
        hub.clusters.on_change(move |change| {
            if let Change::Updated { old, new } = change
                && new.metadata.name.as_ref() == Some(&name)
                && old.spec.resource_models != new.spec.resource_models
                && let Some(remodelled) = remodelled.upgrade()
            {
                remodelled.notify_one();
            }
        });
    }
    runtime.spawn_cancellable(async move {
        let mut memory = ReadyMemory::default();
        let mut observed = None;
        let mut interval = tokio::time::interval(settings.frequency);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = interval.tick() => {}
                () = remodelled.notified() => {}
            }
            let started = std::time::Instant::now();
            let settled = settle(&hub, &member, &mut memory, settings, &mut observed).await;
            member.set_looked_at();
            member.runtime.metrics().clusters.synced(&member.name, started.elapsed());
            if let Err(error) = settled {
                tracing::debug!(
                    cluster = member.name,
                    error = chain(&error),
                    "status not updated, will retry"
                );
            }
        }
    });
}

/// Updates the status, again at once when another writer was faster.
async fn settle(
    hub: &Hub,
    member: &Member,
    memory: &mut ReadyMemory,
    settings: StatusSettings,
    observed: &mut Option<Observed>,
) -> Result<(), ReconcileError> {
    const TRIES: u32 = 5;
    for _ in 1..TRIES {
        match reconcile::reconcile(hub, member, memory, settings, observed).await {
            Err(error) if error.is_conflict() => tokio::task::yield_now().await,
            other => return other,
        }
    }
    reconcile::reconcile(hub, member, memory, settings, observed).await
}

impl Observed {
    fn start(member: &Member) -> Self {
        Self {
            nodes: start_informer(&member.runtime, member, "nodes", "Node", collect::shrink_node),
            pods: start_informer(&member.runtime, member, "pods", "Pod", collect::shrink_pod),
        }
    }

    fn is_synced(&self) -> bool {
        self.nodes.is_synced() && self.pods.is_synced()
    }
}

fn start_informer(
    runtime: &Runtime,
    member: &Member,
    plural: &str,
    kind: &str,
    shrink: fn(&mut Unstructured),
) -> Arc<Informer<Unstructured>> {
    let resource = ApiResource {
        group: String::new(),
        version: "v1".into(),
        api_version: "v1".into(),
        kind: kind.into(),
        plural: plural.into(),
    };
    let informer = Arc::new(Informer::new(plural, shrink).packed());
    let api: Api<Unstructured> = Api::all_with(member.client.clone(), &resource);
    runtime.spawn(informer.clone().run(api, watcher::Config::default(), runtime.cancellation()));
    informer
}
