//! Namespace sync: brings every namespace of users to every member.
//!
//! Watches namespaces, clusters, cluster override policies and the Works of namespaces. Keys are names of namespaces.

mod reconcile;

use std::sync::Arc;

use kube::ResourceExt;

use crate::binding::{is_generation_changed, is_touched};
use crate::detector::DetectorSettings;
use crate::hub::{Change, EventRecorder, Hub, WorkQueue};

/// Namespaces in work at the same time.
const WORKERS: usize = 4;

#[derive(Debug)]
struct Context {
    hub: Arc<Hub>,
    settings: Arc<DetectorSettings>,
    events: EventRecorder,
}

/// Starts the controller.
pub(crate) fn start(hub: &Arc<Hub>, settings: &Arc<DetectorSettings>) {
    let queue: Arc<WorkQueue<String>> = Arc::default();
    {
        let queue = queue.clone();
        hub.templates.on_change(Arc::new(move |resource, change| {
            if resource.kind == "Namespace"
                && resource.group.is_empty()
                && !matches!(change, Change::Deleted(_))
            {
                queue.add(change.object().name_any());
            }
        }));
    }
    {
        let (queue, templates) = (queue.clone(), hub.clone());
        hub.clusters.on_change(move |change| {
            if matches!(change, Change::Added(_)) {
                add_all(&templates, &queue);
            }
        });
    }
    {
        let (queue, templates) = (queue.clone(), hub.clone());
        hub.cluster_override_policies.on_change(move |change| {
            if is_generation_changed(change) {
                add_all(&templates, &queue);
            }
        });
    }
    {
        // A Work that someone deletes or edits comes back.
        let queue = queue.clone();
        hub.works.on_change(move |change| {
            if !is_touched(change) {
                return;
            }
            let owners = change.object().owner_references();
            if let Some(owner) =
                owners.iter().find(|owner| owner.kind == "Namespace" && owner.api_version == "v1")
            {
                queue.add(owner.name.clone());
            }
        });
    }
    let context = Arc::new(Context {
        hub: hub.clone(),
        settings: settings.clone(),
        events: hub.events.for_component("namespace-sync-controller"),
    });
    hub.runtime.run_queue("namespace-sync", &queue, WORKERS, move |name| {
        let context = context.clone();
        async move { reconcile::reconcile(&context, &name).await }
    });
}

fn add_all(hub: &Hub, queue: &WorkQueue<String>) {
    if let Some(namespaces) = hub.templates.informer("v1", "Namespace") {
        for namespace in namespaces.list() {
            queue.add(namespace.name_any());
        }
    }
}
