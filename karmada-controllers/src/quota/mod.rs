//! Federated quotas: brings assignments of a FederatedResourceQuota to members as quotas of theirs, and gathers their use.
//!
//! Watches FederatedResourceQuotas, their Works, clusters and, where quotas are enforced, bindings. Keys are quotas.

mod reconcile;

use std::sync::Arc;

use karmada_core::api::policy::FederatedResourceQuota;
use karmada_core::api::policy::constants::{
    FEDERATED_RESOURCE_QUOTA_NAME_LABEL, FEDERATED_RESOURCE_QUOTA_NAMESPACE_LABEL,
};
use karmada_core::api::work::{ResourceBinding, Work};
use kube::ResourceExt;

use crate::hub::{Change, EventRecorder, Hub, Informer, ObjectKey, WorkQueue};

/// Quotas in work at the same time.
const WORKERS: usize = 2;

/// Whether bindings are held against quotas: the gate FederatedQuotaEnforcement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Enforcement {
    On,
    Off,
}

#[derive(Debug)]
struct Context {
    hub: Arc<Hub>,
    quotas: Arc<Informer<FederatedResourceQuota>>,
    enforcement: Enforcement,
    sync_events: EventRecorder,
    status_events: EventRecorder,
    enforcement_events: EventRecorder,
}

/// Starts the controller, where the control plane serves the kind.
pub(crate) fn start(hub: &Arc<Hub>, enforcement: Enforcement) {
    let Some(quotas) = hub.start_cache::<FederatedResourceQuota>() else { return };
    let queue: Arc<WorkQueue<ObjectKey>> = Arc::default();
    {
        let queue = queue.clone();
        quotas.on_change(move |change| {
            let is_news = match change {
                Change::Updated { old, new } => old.spec != new.spec,
                Change::Added(_) | Change::Deleted(_) => true,
            };
            if is_news {
                queue.add(ObjectKey::of(&**change.object()));
            }
        });
    }
    {
        let queue = queue.clone();
        hub.works.on_change(move |change| {
            let is_news = match change {
                Change::Updated { old, new } => old.status != new.status || old.spec != new.spec,
                Change::Added(_) | Change::Deleted(_) => true,
            };
            if is_news && let Some(key) = quota_of(change.object()) {
                queue.add(key);
            }
        });
    }
    {
        let (queue, quotas) = (queue.clone(), quotas.clone());
        hub.clusters.on_change(move |change| {
            if !matches!(change, Change::Added(_)) {
                return;
            }
            let name = change.object().name_any();
            for quota in quotas.list() {
                if quota.spec.static_assignments.iter().any(|assignment| assignment.cluster_name == name) {
                    queue.add(ObjectKey::of(&*quota));
                }
            }
        });
    }
    if enforcement == Enforcement::On {
        let (queue, quotas) = (queue.clone(), quotas.clone());
        hub.bindings.on_change(move |change| {
            if changes_use(change) {
                let namespace = change.object().namespace().unwrap_or_default();
                for quota in quotas.list_namespace(&namespace) {
                    queue.add(ObjectKey::of(&*quota));
                }
            }
        });
    }
    let context = Arc::new(Context {
        hub: hub.clone(),
        quotas,
        enforcement,
        sync_events: hub.events.for_component("federated-resource-quota-sync-controller"),
        status_events: hub.events.for_component("federated-resource-quota-status-controller"),
        enforcement_events: hub.events.for_component("federated-resource-quota-enforcement-controller"),
    });
    hub.runtime.run_queue("federated-resource-quota", &queue, WORKERS, move |key| {
        let context = context.clone();
        async move { reconcile::reconcile(&context, &key).await }
    });
}

/// The quota that a Work was made for.
fn quota_of(work: &Work) -> Option<ObjectKey> {
    let labels = work.labels();
    let namespace = labels.get(FEDERATED_RESOURCE_QUOTA_NAMESPACE_LABEL)?;
    Some(ObjectKey::new(namespace, labels.get(FEDERATED_RESOURCE_QUOTA_NAME_LABEL)?))
}

/// Whether a binding now takes other amounts from its quotas.
fn changes_use(change: &Change<ResourceBinding>) -> bool {
    match change {
        Change::Updated { old, new } => {
            old.spec.clusters != new.spec.clusters
                || old.spec.replica_requirements != new.spec.replica_requirements
                || old.spec.components != new.spec.components
        }
        Change::Added(_) | Change::Deleted(_) => true,
    }
}
