//! Binding status controller: gathers what Works report into their binding, and from there into the template.
//!
//! Watches Works (their status), bindings, and the templates of bindings. Keys are bindings; an
//! empty namespace names a ClusterResourceBinding.

mod patience;
mod reconcile;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use karmada_core::api::work::{ResourceBindingSpec, ResourceBindingStatus};
use kube::Resource;
use kube::core::object::{HasSpec, HasStatus};
use serde::de::DeserializeOwned;

use self::patience::Patience;
use crate::binding::binding_of;
use crate::hub::{Change, EventRecorder, Hub, Informer, ObjectKey, WorkQueue};
use crate::interpreter::LiveInterpreter;

/// Bindings in work at the same time: most of it is waiting for durable writes.
const WORKERS: usize = 8;

/// Time in which the reports of several members become one write.
const GATHER_TIME: Duration = Duration::from_millis(50);

/// How long the first report of one member waits for that of the others: they mostly get their Works at the same time.
const LONGEST_GATHER_TIME: Duration = Duration::from_millis(300);

/// The kind whose status says something before any member reports: upstream's rule calls a claim bound unless a
/// member says otherwise.
const CLAIM: &str = "PersistentVolumeClaim";

#[derive(Debug)]
struct Context {
    hub: Arc<Hub>,
    interpreter: Arc<LiveInterpreter>,
    events: EventRecorder,
    patience: Patience<ObjectKey>,
}

/// Starts the controller.
pub(crate) fn start(hub: &Arc<Hub>, interpreter: &Arc<LiveInterpreter>) {
    let queue: Arc<WorkQueue<ObjectKey>> = Arc::default();
    {
        let queue = queue.clone();
        hub.works.on_change(move |change| {
            let is_news = match change {
                Change::Updated { old, new } => old.status != new.status,
                Change::Added(work) => work.status.is_some(),
                Change::Deleted(_) => true,
            };
            if is_news && let Some(key) = binding_of(change.object()) {
                queue.add_after(key, GATHER_TIME);
            }
        });
    }
    watch_bindings(&hub.bindings, &queue);
    watch_bindings(&hub.cluster_bindings, &queue);
    let context = Arc::new(Context {
        hub: hub.clone(),
        interpreter: interpreter.clone(),
        events: hub.events.for_component("resource-binding-status-controller"),
        patience: Patience::new(LONGEST_GATHER_TIME),
    });
    hub.runtime.run_queue("binding-status", &queue, WORKERS, move |key| {
        let context = context.clone();
        async move { reconcile::reconcile(&context, &key).await }
    });
}

fn watch_bindings<K>(informer: &Informer<K>, queue: &Arc<WorkQueue<ObjectKey>>)
where
    K: Resource
        + HasSpec<Spec = ResourceBindingSpec>
        + HasStatus<Status = ResourceBindingStatus>
        + Clone
        + DeserializeOwned
        + Debug
        + Send
        + Sync
        + 'static,
{
    let queue = queue.clone();
    informer.on_change(move |change| match change {
        Change::Updated { old, new } => {
            let (before, after) = (old.spec(), new.spec());
            // A new version of the template may have lost the status that was written to it.
            if before.resource.resource_version != after.resource.resource_version {
                queue.add_after(ObjectKey::of(&**new), GATHER_TIME);
            }
        }
        Change::Added(binding) => {
            let is_scheduled = binding.status().is_some_and(|status| status.last_scheduled_time.is_some());
            if is_scheduled || binding.spec().resource.kind == CLAIM {
                queue.add(ObjectKey::of(&**binding));
            }
        }
        Change::Deleted(_) => {}
    });
}
