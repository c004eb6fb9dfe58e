//! Unified auth: who may use the cluster proxy may be impersonated in the members.
//!
//! Watches Clusters, and roles and their bindings in the control plane. Keys are clusters.

mod reconcile;

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::rbac::v1::ClusterRole;
use karmada_core::work::grants_proxy;
use kube::ResourceExt;
use serde::Deserialize as _;

use crate::binding::is_touched;
use crate::hub::{Change, EventRecorder, Hub, Unstructured, WorkQueue};

/// Clusters in work at the same time.
const WORKERS: usize = 2;

/// Time in which changes of many roles become one look.
const GATHER_TIME: Duration = Duration::from_millis(100);

#[derive(Debug)]
struct Context {
    hub: Arc<Hub>,
    events: EventRecorder,
}

/// Starts the controller.
pub(crate) fn start(hub: &Arc<Hub>) {
    let queue: Arc<WorkQueue<String>> = Arc::default();
    {
        let queue = queue.clone();
        hub.clusters.on_change(move |change| {
            let is_news = match change {
                Change::Added(_) => true,
                Change::Updated { old, new } => {
                    old.spec.impersonator_secret_ref != new.spec.impersonator_secret_ref
                }
                Change::Deleted(_) => false,
            };
            if is_news {
                queue.add_after(change.object().name_any(), GATHER_TIME);
            }
        });
    }
    {
        let (queue, clusters) = (queue.clone(), hub.clusters.clone());
        let roles = Arc::downgrade(hub);
        hub.templates.on_change(Arc::new(move |resource, change| {
            if resource.group != "rbac.authorization.k8s.io" {
                return;
            }
            let names: Vec<String> = clusters.list().iter().map(|cluster| cluster.name_any()).collect();
            let concerns = |object: &Unstructured| match resource.kind.as_str() {
                "ClusterRole" => names.iter().any(|cluster| grants(object, cluster)),
                "ClusterRoleBinding" => {
                    let name = object.value().pointer("/roleRef/name").and_then(serde_json::Value::as_str);
                    let roles = roles.upgrade();
                    let role = name.zip(roles).and_then(|(name, hub)| reconcile::role(&hub, name));
                    // A role that is not known yet tells when it comes.
                    role.is_some_and(|role| names.iter().any(|cluster| grants_proxy(&role, cluster)))
                }
                _ => false,
            };
            let is_news = match change {
                Change::Added(object) | Change::Deleted(object) => concerns(object),
                Change::Updated { old, new } => concerns(old) || concerns(new),
            };
            if is_news {
                for name in names {
                    queue.add_after(name, GATHER_TIME);
                }
            }
        }));
    }
    {
        // A Work that someone deletes or edits comes back.
        let queue = queue.clone();
        hub.works.on_change(move |change| {
            if !is_touched(change) {
                return;
            }
            let owners = change.object().owner_references();
            let owner = owners.iter().find(|owner| {
                owner.kind == "Cluster" && owner.api_version.starts_with("cluster.karmada.io/")
            });
            if let Some(owner) = owner {
                queue.add_after(owner.name.clone(), GATHER_TIME);
            }
        });
    }
    let context =
        Arc::new(Context { hub: hub.clone(), events: hub.events.for_component("unified-auth-controller") });
    hub.runtime.run_queue("unified-auth", &queue, WORKERS, move |name| {
        let context = context.clone();
        async move { reconcile::reconcile(&context, &name).await }
    });
}

fn grants(object: &Unstructured, cluster: &str) -> bool {
    ClusterRole::deserialize(object.value()).is_ok_and(|role| grants_proxy(&role, cluster))
}
