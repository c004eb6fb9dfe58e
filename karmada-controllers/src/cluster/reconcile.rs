//! Reconciles one cluster.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Namespace, Secret};
use karmada_core::api::cluster::constants as cluster_constants;
use karmada_core::api::cluster::{Cluster, ClusterSyncMode};
use karmada_core::api::reserved::{EXECUTION_NAMESPACE_PREFIX, LABEL_TRUE, SYSTEM_LABEL};
use karmada_core::api::work::Work;
use karmada_core::api::work::constants::EXECUTION_FINALIZER;
use karmada_core::membership::taints_for_readiness;
use kube::ResourceExt;
use kube::api::{DeleteParams, ObjectMeta, Patch, PatchParams, PostParams};
use serde_json::json;

use super::{Context, Writes};
use crate::hub::{Action, ObjectKey, ObjectReference, ReconcileError, chain, is_not_found, is_status};
use crate::members::{Endpoint, Member, Verification};

/// How often a cluster that is being removed is looked at while something still refers to it.
const REMOVAL_POLL: Duration = Duration::from_secs(1);

pub(super) async fn reconcile(context: &Context, name: &str) -> Result<Action, ReconcileError> {
    let Some(cluster) = context.hub.clusters.find(&ObjectKey::new("", name)) else {
        stop_member(context, name).await;
        context.hub.runtime.metrics().clusters.forget(name);
        return Ok(Action::Done);
    };
    if context.writes == Writes::None {
        ensure_member(context, &cluster).await?;
        return Ok(Action::Done);
    }
    if cluster.metadata.deletion_timestamp.is_some() {
        // Removing the Works needs the member; without it nothing there can be removed.
        if let Err(error) = ensure_member(context, &cluster).await {
            tracing::warn!(
                cluster = name,
                error = chain(&error),
                "the member of a leaving cluster cannot be reached"
            );
            release_works(context, &cluster).await?;
        }
        // Nor without its agent, which is the one that would.
        if cluster.spec.sync_mode == ClusterSyncMode::Pull && !cluster.is_ready() {
            release_works(context, &cluster).await?;
        }
        return remove(context, &cluster).await;
    }
    ensure_execution_namespace(context, &cluster).await?;
    ensure_finalizer_and_taints(context, &cluster).await?;
    ensure_member(context, &cluster).await?;
    Ok(Action::Done)
}

/// Name of the namespace that holds a cluster's Works.
fn execution_namespace(cluster: &str) -> String {
    format!("{EXECUTION_NAMESPACE_PREFIX}{cluster}")
}

async fn ensure_execution_namespace(context: &Context, cluster: &Cluster) -> Result<(), ReconcileError> {
    let name = execution_namespace(cluster.name());
    let key = ObjectKey::new("", &name);
    if context
        .hub
        .templates
        .informer("v1", "Namespace")
        .is_some_and(|namespaces| namespaces.find(&key).is_some())
    {
        return Ok(());
    }
    let namespace = Namespace {
        metadata: ObjectMeta {
            name: Some(name.clone()),
            labels: Some([(SYSTEM_LABEL.to_string(), LABEL_TRUE.to_string())].into()),
            ..ObjectMeta::default()
        },
        ..Namespace::default()
    };
    let about = ObjectReference::of(cluster);
    match context.hub.all::<Namespace>().create(&PostParams::default(), &namespace).await {
        Ok(_) => {
            let message = format!("Created execution space({name}) for cluster({})", cluster.name());
            context.hub.events.normal(&about, cluster_constants::CREATE_EXECUTION_SPACE_SUCCEED, message);
            Ok(())
        }
        Err(error) if is_status(&error, 409) => Ok(()),
        Err(error) => {
            let message = format!("Failed to create execution space({name}): {error}");
            context.hub.events.warning(&about, cluster_constants::CREATE_EXECUTION_SPACE_FAILED, message);
            Err(ReconcileError::api(format!("create namespace {name}"))(error))
        }
    }
}

/// Adds the finalizer and the taints that the conditions ask for, in one write.
async fn ensure_finalizer_and_taints(context: &Context, cluster: &Cluster) -> Result<(), ReconcileError> {
    let taints = taints_for_readiness(cluster, jiff::Timestamp::now());
    let finalizer = cluster_constants::CLUSTER_FINALIZER;
    let has_finalizer = cluster.finalizers().iter().any(|present| present == finalizer);
    if taints.is_none() && has_finalizer {
        return Ok(());
    }
    // The resource version makes the patch a compare-and-swap: lists are replaced as a whole.
    let mut patch = json!({"metadata": {"resourceVersion": cluster.metadata.resource_version}});
    if !has_finalizer {
        let mut finalizers = cluster.finalizers().to_vec();
        finalizers.push(finalizer.to_string());
        patch["metadata"]["finalizers"] = json!(finalizers);
    }
    if let Some(taints) = &taints {
        // Nothing is written by leaving it out.
        patch["spec"] = json!({"taints": (!taints.is_empty()).then_some(taints)});
    }
    let about = ObjectReference::of(cluster);
    let result = context
        .hub
        .all::<Cluster>()
        .patch(cluster.name(), &PatchParams::default(), &Patch::Merge(&patch))
        .await;
    if taints.is_some() {
        match &result {
            Ok(_) => context.hub.events.normal(
                &about,
                cluster_constants::TAINT_CLUSTER_SUCCEED,
                "Taint cluster succeed.",
            ),
            Err(error) if is_status(error, 409) => {}
            Err(error) => {
                let message = format!("Taint cluster failed: {error}");
                context.hub.events.warning(&about, cluster_constants::TAINT_CLUSTER_FAILED, message);
            }
        }
    }
    result.map(drop).map_err(ReconcileError::api(format!("update cluster {}", cluster.name())))
}

/// Starts the unit of a push cluster, or replaces it when the way to reach the member changed.
async fn ensure_member(context: &Context, cluster: &Cluster) -> Result<(), ReconcileError> {
    if cluster.spec.sync_mode != ClusterSyncMode::Push {
        stop_member(context, cluster.name()).await;
        return Ok(());
    }
    let endpoint = endpoint_of(context, cluster).await?;
    if let Some(member) = context.fleet.find(cluster.name()) {
        if member.endpoint == endpoint {
            member
                .ready
                .send_if_modified(|ready| std::mem::replace(ready, cluster.is_ready()) != cluster.is_ready());
            return Ok(());
        }
        stop_member(context, cluster.name()).await;
    }
    let client = context
        .connector
        .connect(&endpoint)
        .map_err(ReconcileError::decision(format!("connect to cluster {}", cluster.name())))?;
    let member = Arc::new(Member::new(cluster.name(), endpoint, client, context.hub.runtime.child()));
    member.ready.send_replace(cluster.is_ready());
    context.fleet.insert(member.clone());
    // The receiver lives as long as the control plane; without it there is nobody to serve.
    drop(context.started.send(member));
    Ok(())
}

async fn endpoint_of(context: &Context, cluster: &Cluster) -> Result<Endpoint, ReconcileError> {
    let Some(reference) = &cluster.spec.secret_ref else {
        return Err(ReconcileError::Waiting(format!("spec.secretRef of cluster {}", cluster.name())));
    };
    let secrets = context.hub.namespaced::<Secret>(&reference.namespace);
    let secret = match secrets.get(&reference.name).await {
        Ok(secret) => secret,
        Err(error) if is_not_found(&error) => {
            return Err(ReconcileError::Waiting(format!(
                "secret {}/{}",
                reference.namespace, reference.name
            )));
        }
        Err(error) => {
            return Err(ReconcileError::api(format!(
                "get secret {}/{}",
                reference.namespace, reference.name
            ))(error));
        }
    };
    let data = secret.data.unwrap_or_default();
    let bytes = |key: &str| data.get(key).map(|value| value.0.clone()).unwrap_or_default();
    let token =
        String::from_utf8(bytes(cluster_constants::SECRET_TOKEN_KEY)).map_err(ReconcileError::decision(
            format!("read the token of secret {}/{}", reference.namespace, reference.name),
        ))?;
    if token.is_empty() {
        return Err(ReconcileError::Waiting(format!(
            "key token of secret {}/{}",
            reference.namespace, reference.name
        )));
    }
    Ok(Endpoint {
        url: cluster.spec.api_endpoint.clone(),
        token,
        ca_bundle: bytes(cluster_constants::SECRET_CA_DATA_KEY),
        verification: if cluster.spec.insecure_skip_tls_verification {
            Verification::Skip
        } else {
            Verification::Full
        },
        proxy_url: (!cluster.spec.proxy_url.is_empty()).then(|| cluster.spec.proxy_url.clone()),
        proxy_headers: cluster.spec.proxy_header.clone(),
    })
}

async fn stop_member(context: &Context, name: &str) {
    if let Some(member) = context.fleet.remove(name) {
        member.stop().await;
    }
}

/// Lets Works go whose objects nobody can remove any more.
async fn release_works(context: &Context, cluster: &Cluster) -> Result<(), ReconcileError> {
    let namespace = execution_namespace(cluster.name());
    let api = context.hub.namespaced::<Work>(&namespace);
    for key in context.hub.works.keys_of_namespace(&namespace) {
        let Some(work) = context.hub.works.find(&key) else { continue };
        if work.metadata.deletion_timestamp.is_none() || work.finalizers().is_empty() {
            continue;
        }
        let kept: Vec<&String> =
            work.finalizers().iter().filter(|present| *present != EXECUTION_FINALIZER).collect();
        let patch = json!({"metadata": {"finalizers": kept}});
        match api.patch(&work.name_any(), &PatchParams::default(), &Patch::Merge(&patch)).await {
            Ok(_) => {}
            Err(error) if is_not_found(&error) => {}
            Err(error) => {
                return Err(ReconcileError::api(format!("release Work {namespace}/{}", work.name_any()))(
                    error,
                ));
            }
        }
    }
    Ok(())
}

/// Whether anything is left of what was deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    Some,
    Nothing,
}

/// Deletes the Works of a cluster, for its agent to see.
async fn delete_works(context: &Context, namespace: &str) -> Result<Left, ReconcileError> {
    let api = context.hub.namespaced::<Work>(namespace);
    let works = context.hub.works.keys_of_namespace(namespace);
    for key in &works {
        let work = context.hub.works.find(key);
        if work.is_none_or(|work| work.metadata.deletion_timestamp.is_some()) {
            continue;
        }
        let name = &key.name;
        match api.delete(name, &DeleteParams::default()).await {
            Err(error) if !is_not_found(&error) => {
                return Err(ReconcileError::api(format!("delete Work {namespace}/{name}"))(error));
            }
            _ => {}
        }
    }
    Ok(if works.is_empty() { Left::Nothing } else { Left::Some })
}

/// Removes a cluster: its execution namespace, then, when no binding refers to it, the finalizer.
async fn remove(context: &Context, cluster: &Cluster) -> Result<Action, ReconcileError> {
    let name = cluster.name();
    let finalizer = cluster_constants::CLUSTER_FINALIZER;
    if !cluster.finalizers().iter().any(|present| present == finalizer) {
        stop_member(context, name).await;
        return Ok(Action::Done);
    }
    let namespace = execution_namespace(name);
    if cluster.spec.sync_mode == ClusterSyncMode::Pull
        && cluster.is_ready()
        && delete_works(context, &namespace).await? == Left::Some
    {
        // The agent's permissions are in the namespace, and would go with it before the Works.
        return Ok(Action::RequeueAfter(REMOVAL_POLL));
    }
    let namespaces = context.hub.all::<Namespace>();
    match namespaces
        .get_opt(&namespace)
        .await
        .map_err(ReconcileError::api(format!("get namespace {namespace}")))?
    {
        Some(found) => {
            if found.metadata.deletion_timestamp.is_none() {
                namespaces
                    .delete(&namespace, &DeleteParams::default())
                    .await
                    .map_err(ReconcileError::api(format!("delete namespace {namespace}")))?;
            }
            return Ok(Action::RequeueAfter(REMOVAL_POLL));
        }
        None if is_referred_to(context, name) => return Ok(Action::RequeueAfter(REMOVAL_POLL)),
        None => {}
    }
    let finalizers: Vec<&String> =
        cluster.finalizers().iter().filter(|present| *present != finalizer).collect();
    let patch =
        json!({"metadata": {"resourceVersion": cluster.metadata.resource_version, "finalizers": finalizers}});
    context
        .hub
        .all::<Cluster>()
        .patch(name, &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .map_err(ReconcileError::api(format!("remove the finalizer of cluster {name}")))?;
    stop_member(context, name).await;
    Ok(Action::Done)
}

/// Whether a binding still names the cluster as a target: the scheduler must move it first.
fn is_referred_to(context: &Context, cluster: &str) -> bool {
    let names = |spec: &karmada_core::api::work::ResourceBindingSpec| {
        spec.clusters.iter().any(|target| target.name == cluster)
            || spec.graceful_eviction_tasks.iter().any(|task| task.from_cluster == cluster)
    };
    context.hub.bindings.list().iter().any(|binding| names(&binding.spec))
        || context.hub.cluster_bindings.list().iter().any(|binding| names(&binding.spec))
}
