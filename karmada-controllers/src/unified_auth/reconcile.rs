//! Reconciles whom the control plane may impersonate in one cluster.

use std::time::Duration;

use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use karmada_core::api::cluster::constants::{
    SYNC_IMPERSONATION_CONFIG_FAILED, SYNC_IMPERSONATION_CONFIG_SUCCEED,
};
use karmada_core::api::work::Work;
use karmada_core::object::execution_namespace;
use karmada_core::work::{ImpersonationInput, impersonation_work_names, impersonation_works};
use kube::ResourceExt;
use serde::Deserialize as _;
use serde::de::DeserializeOwned;

use super::Context;
use crate::binding::write_work;
use crate::hub::{Action, Hub, ObjectKey, ObjectReference, ReconcileError, chain};

/// How often it is looked whether a cluster has its execution namespace.
const NAMESPACE_POLL: Duration = Duration::from_millis(200);

const API_VERSION: &str = "rbac.authorization.k8s.io/v1";

pub(super) async fn reconcile(context: &Context, name: &str) -> Result<Action, ReconcileError> {
    let hub = &context.hub;
    let Some(cluster) = hub.clusters.find(&ObjectKey::new("", name)) else { return Ok(Action::Done) };
    if cluster.metadata.deletion_timestamp.is_some() || cluster.spec.impersonator_secret_ref.is_none() {
        return Ok(Action::Done);
    }
    let namespace = execution_namespace(name);
    let namespaces = hub.templates.informer("v1", "Namespace");
    if namespaces.is_some_and(|namespaces| namespaces.find(&ObjectKey::new("", &namespace)).is_none()) {
        // The cluster controller makes it.
        return Ok(Action::RequeueAfter(NAMESPACE_POLL));
    }
    let existing: Vec<_> = impersonation_work_names()
        .into_iter()
        .filter_map(|name| hub.works.find(&ObjectKey::new(&namespace, name)))
        .collect();
    let existing: Vec<&Work> = existing.iter().map(|work| &**work).collect();
    let (roles, bindings) =
        (all::<ClusterRole>(hub, "ClusterRole"), all::<ClusterRoleBinding>(hub, "ClusterRoleBinding"));
    let input =
        ImpersonationInput { cluster: &cluster, roles: &roles, bindings: &bindings, existing: &existing };
    let writes = impersonation_works(&input)
        .map_err(ReconcileError::decision(format!("build the impersonator's Works for {name}")))?;
    if writes.is_empty() {
        return Ok(Action::Done);
    }
    let about = ObjectReference::of(&*cluster);
    for write in &writes {
        if let Err(error) = write_work(hub, write).await {
            if !error.is_conflict() {
                context.events.warning(
                    &about,
                    SYNC_IMPERSONATION_CONFIG_FAILED,
                    format!("Sync impersonation config failed: {}", chain(&error)),
                );
            }
            return Err(error);
        }
    }
    context.events.normal(&about, SYNC_IMPERSONATION_CONFIG_SUCCEED, "Sync impersonation config succeed.");
    tracing::debug!(cluster = cluster.name_any(), works = writes.len(), "impersonation updated");
    Ok(Action::Done)
}

/// Returns one role of the control plane.
pub(super) fn role(hub: &Hub, name: &str) -> Option<ClusterRole> {
    let roles = hub.templates.informer(API_VERSION, "ClusterRole")?;
    let role = roles.find(&ObjectKey::new("", name))?;
    ClusterRole::deserialize(role.value()).ok()
}

/// Returns all objects of a kind; what cannot be read grants nothing.
fn all<K: DeserializeOwned>(hub: &Hub, kind: &str) -> Vec<K> {
    let Some(informer) = hub.templates.informer(API_VERSION, kind) else { return Vec::new() };
    informer.list().iter().filter_map(|object| K::deserialize(object.value()).ok()).collect()
}
