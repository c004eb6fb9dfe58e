//! Reconciles the Works of one namespace.

use futures::future::join_all;
use karmada_core::api::cluster::Cluster;
use karmada_core::api::policy::ClusterOverridePolicy;
use karmada_core::api::work::Work;
use karmada_core::object::{execution_namespace, work_name};
use karmada_core::scheduling::EventKind;
use karmada_core::work::{NamespaceInput, namespace_works};

use super::Context;
use crate::binding::write_work;
use crate::hub::{Action, ObjectKey, ObjectReference, ReconcileError};

pub(super) async fn reconcile(context: &Context, name: &str) -> Result<Action, ReconcileError> {
    let hub = &context.hub;
    let Some(namespaces) = hub.templates.informer("v1", "Namespace") else { return Ok(Action::Done) };
    let Some(namespace) = namespaces.find(&ObjectKey::new("", name)) else { return Ok(Action::Done) };
    if !context.settings.namespaces.includes_namespace(name) {
        return Ok(Action::Done);
    }
    let clusters = hub.clusters.list();
    let clusters: Vec<&Cluster> = clusters.iter().map(|cluster| &**cluster).collect();
    let work_name = work_name("Namespace", name, "");
    let existing: Vec<_> = clusters
        .iter()
        .filter_map(|cluster| {
            hub.works.find(&ObjectKey::new(execution_namespace(cluster.name()), &work_name))
        })
        .collect();
    let existing: Vec<&Work> = existing.iter().map(|work| &**work).collect();
    let policies: Vec<ClusterOverridePolicy> =
        hub.cluster_override_policies.list().iter().map(|policy| (**policy).clone()).collect();
    let decision = namespace_works(&NamespaceInput {
        namespace: namespace.value(),
        clusters: &clusters,
        cluster_override_policies: &policies,
        existing: &existing,
    });
    let written = join_all(decision.writes.iter().map(|write| write_work(hub, write))).await;
    if !decision.writes.is_empty() || !decision.failures.is_empty() {
        let about = ObjectReference::of_value(namespace.value());
        for event in &decision.events {
            match event.kind {
                EventKind::Normal => context.events.normal(&about, event.reason, &event.message),
                EventKind::Warning => context.events.warning(&about, event.reason, &event.message),
            }
        }
    }
    if let Some(error) = written.into_iter().find_map(Result::err) {
        return Err(error);
    }
    match decision.failures.into_iter().next() {
        Some(failure) => Err(ReconcileError::decision(format!(
            "build the Work of namespace {name} for {}",
            failure.cluster
        ))(failure.error)),
        None => Ok(Action::Done),
    }
}
