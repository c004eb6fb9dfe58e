//! Workload rebalancer: asks the scheduler for a fresh schedule of the workloads that a WorkloadRebalancer names.
//!
//! Watches WorkloadRebalancers. Keys are their names.

mod reconcile;

use std::sync::Arc;

use karmada_core::api::apps::WorkloadRebalancer;
use kube::ResourceExt;

use crate::hub::{Change, Hub, Informer, WorkQueue};

/// Rebalancers in work at the same time.
const WORKERS: usize = 2;

#[derive(Debug)]
struct Context {
    hub: Arc<Hub>,
    rebalancers: Arc<Informer<WorkloadRebalancer>>,
}

/// Starts the controller, where the control plane serves the kind.
pub(crate) fn start(hub: &Arc<Hub>) {
    let Some(rebalancers) = hub.start_cache::<WorkloadRebalancer>() else { return };
    let queue: Arc<WorkQueue<String>> = Arc::default();
    {
        let queue = queue.clone();
        rebalancers.on_change(move |change| {
            let is_news = match change {
                Change::Added(_) => true,
                Change::Updated { old, new } => old.metadata.generation != new.metadata.generation,
                Change::Deleted(_) => false,
            };
            if is_news {
                queue.add(change.object().name_any());
            }
        });
    }
    let context = Arc::new(Context { hub: hub.clone(), rebalancers });
    hub.runtime.run_queue("workload-rebalancer", &queue, WORKERS, move |name| {
        let context = context.clone();
        async move { reconcile::reconcile(&context, &name).await }
    });
}
