//! Cluster controller: execution namespace, finalizer, taints, and the unit that serves the member.
//!
//! Watches Clusters (and, for the token, their secrets) and keys its queue by cluster name.

pub(crate) mod monitor;
mod reconcile;

use std::sync::Arc;

use kube::ResourceExt;
use tokio::sync::mpsc;

use crate::hub::{Hub, WorkQueue};
use crate::members::{Connector, Fleet, Member};

pub use monitor::MonitorSettings;

/// Clusters in work at the same time: most of it is waiting for API calls.
const WORKERS: usize = 4;

/// What the cluster controller works with.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) hub: Arc<Hub>,
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) connector: Connector,
    /// Tells the per-member controllers of a new unit.
    pub(crate) started: mpsc::UnboundedSender<Arc<Member>>,
    pub(crate) writes: Writes,
}

/// What the controller writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writes {
    All,
    /// Only the units that serve members are kept: the controller is switched off.
    None,
}

/// Starts the controller.
pub(crate) fn start(context: Context) {
    let queue: Arc<WorkQueue<String>> = Arc::default();
    let hub = context.hub.clone();
    {
        let queue = queue.clone();
        hub.clusters.on_change(move |change| queue.add(change.object().name_any()));
    }
    {
        // A cluster is reached with the token of its secret: a rotated token needs a new client.
        let (queue, clusters) = (queue.clone(), hub.clusters.clone());
        hub.templates.on_change(Arc::new(move |resource, change| {
            if resource.kind != "Secret" {
                return;
            }
            let secret = change.object();
            for cluster in clusters.list() {
                let refers = cluster.spec.secret_ref.as_ref().is_some_and(|reference| {
                    reference.name == secret.name_any()
                        && reference.namespace == secret.namespace().unwrap_or_default()
                });
                if refers {
                    queue.add(cluster.name_any());
                }
            }
        }));
    }
    let context = Arc::new(context);
    hub.runtime.run_queue("cluster", &queue, WORKERS, move |name| {
        let context = context.clone();
        async move { reconcile::reconcile(&context, &name).await }
    });
}
