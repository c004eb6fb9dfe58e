//! Remedy controller: writes the actions that remedies call for into the status of clusters.
//!
//! Watches Remedies and the conditions of clusters. Keys are names of clusters.

use std::sync::Arc;

use karmada_core::api::cluster::Cluster;
use karmada_core::api::remedy::Remedy;
use karmada_core::membership::remedy_actions;
use kube::ResourceExt;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::hub::{Action, Change, Hub, Informer, ObjectKey, ReconcileError, WorkQueue, is_not_found};

/// Clusters in work at the same time.
const WORKERS: usize = 2;

#[derive(Debug)]
struct Context {
    hub: Arc<Hub>,
    remedies: Arc<Informer<Remedy>>,
}

/// Starts the controller, where the control plane serves the kind.
pub(crate) fn start(hub: &Arc<Hub>) {
    let Some(remedies) = hub.start_cache::<Remedy>() else { return };
    let queue: Arc<WorkQueue<String>> = Arc::default();
    {
        let (queue, hub) = (queue.clone(), hub.clone());
        remedies.on_change(move |change| {
            let is_news = match change {
                Change::Updated { old, new } => old.spec != new.spec,
                Change::Added(_) | Change::Deleted(_) => true,
            };
            if is_news {
                for cluster in hub.clusters.list() {
                    queue.add(cluster.name_any());
                }
            }
        });
    }
    {
        let queue = queue.clone();
        hub.clusters.on_change(move |change| {
            let conditions = |cluster: &Cluster| cluster.status.clone().map(|status| status.conditions);
            let is_news = match change {
                Change::Updated { old, new } => conditions(old) != conditions(new),
                Change::Added(_) => true,
                Change::Deleted(_) => false,
            };
            if is_news {
                queue.add(change.object().name_any());
            }
        });
    }
    let context = Arc::new(Context { hub: hub.clone(), remedies });
    hub.runtime.run_queue("remedy", &queue, WORKERS, move |name| {
        let context = context.clone();
        async move { reconcile(&context, &name).await }
    });
}

async fn reconcile(context: &Context, name: &str) -> Result<Action, ReconcileError> {
    let Some(cluster) = context.hub.clusters.find(&ObjectKey::new("", name)) else { return Ok(Action::Done) };
    // Without the first list every remedy would seem to be gone.
    context.remedies.wait_synced().await;
    let remedies = context.remedies.list();
    let actions = remedy_actions(&cluster, remedies.iter().map(|remedy| &**remedy));
    let known = cluster.status.as_ref().map(|status| status.remedy_actions.as_slice()).unwrap_or_default();
    if cluster.metadata.deletion_timestamp.is_some() || actions == known {
        return Ok(Action::Done);
    }
    let actions = (!actions.is_empty()).then_some(actions);
    let patch = json!({"status": {"remedyActions": actions}});
    let api = context.hub.all::<Cluster>();
    match api.patch_status(name, &PatchParams::default(), &Patch::Merge(&patch)).await {
        Ok(written) => {
            context.hub.clusters.observe(written);
            Ok(Action::Done)
        }
        Err(error) if is_not_found(&error) => Ok(Action::Done),
        Err(error) => Err(ReconcileError::api(format!("write the remedies of cluster {name}"))(error)),
    }
}
