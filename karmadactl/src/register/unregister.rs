//! Taking a pull-mode cluster out: the Cluster goes first, while the agent still removes what it brought.

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Secret;
use kube::api::{DeleteParams, ListParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::{Api, Client};
use serde_json::{Value, json};

use super::objects::{ObjectError, delete, read};
use super::{access, footprint, registration};
use crate::api_error::ApiError;
use crate::join::Mode;
use crate::join::footprint as join_footprint;
use crate::kubeconfig::{self, LoadError};
use crate::members;

const PAUSE: Duration = Duration::from_millis(250);

/// What to unregister and how.
#[derive(Clone, Debug)]
pub struct UnregisterOptions {
    pub cluster_name: String,
    /// Namespace of the credentials, in both clusters.
    pub cluster_namespace: String,
    /// Namespace of the agent in the member.
    pub namespace: String,
    /// How long the Cluster object may take to go.
    pub wait: Duration,
    pub mode: Mode,
}

/// Where an unregistration has got to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnregisterStep {
    WaitingForCluster,
    RemovingAccess,
    CleaningMember,
}

/// What an unregistration did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnregisterOutcome {
    Removed,
    /// A dry run: nothing was written.
    Checked,
}

/// An unregistration that did not go through. It can be repeated.
#[derive(Debug, thiserror::Error)]
pub enum UnregisterError {
    #[error("no cluster object {cluster} found in karmada control Plane")]
    NotFound { cluster: String },
    #[error("cluster {cluster} was joined by the control plane (Push mode)")]
    Push { cluster: String },
    #[error(
        "there is no agent's kubeconfig in the member (Secret {namespace}/{})",
        footprint::KUBECONFIG_SECRET
    )]
    NoKubeconfig { namespace: String },
    #[error("the agent's kubeconfig cannot be used")]
    Kubeconfig(#[source] LoadError),
    #[error("cluster {cluster} is still being removed after {} seconds{}", .waited.as_secs(), .works.map(|works| format!(": {works} Works are still there")).unwrap_or_default())]
    StillThere {
        cluster: String,
        waited: Duration,
        /// Not known when the agent's permissions are gone.
        works: Option<usize>,
    },
    #[error("cannot {action}")]
    Call {
        action: String,
        #[source]
        source: Box<ApiError>,
    },
    #[error(transparent)]
    Object(#[from] ObjectError),
}

/// Takes a pull-mode cluster out of the control plane, and the agent out of the member.
///
/// Without a client of the control plane that of the agent is used, and its permissions there are left behind.
/// DEVIATION: upstream deletes the Works first, which the control plane makes again meanwhile; here the Cluster is
/// deleted, and the control plane keeps the agent's permissions until its Works are gone.
///
/// # Errors
/// When the cluster is not there, is not a pull-mode one, or does not go in time.
pub async fn unregister_cluster(
    control_plane: Option<&Client>,
    member: &Client,
    options: &UnregisterOptions,
    report: impl Fn(UnregisterStep),
) -> Result<UnregisterOutcome, UnregisterError> {
    let agents = match control_plane {
        Some(_) => None,
        None => Some(agent_client(member, &options.namespace).await?),
    };
    let hub = control_plane
        .or(agents.as_ref())
        .ok_or_else(|| UnregisterError::NoKubeconfig { namespace: options.namespace.clone() })?;
    let cluster = &options.cluster_name;
    let clusters: Api<DynamicObject> = Api::all_with(hub.clone(), &members::cluster_resource());
    let found = clusters.get_opt(cluster).await.map_err(call(format!("read cluster {cluster}")))?;
    match found {
        Some(found) if found.data["spec"]["syncMode"] != "Pull" => {
            return Err(UnregisterError::Push { cluster: cluster.clone() });
        }
        Some(_) => {}
        // An unregistration stopped half-way: the agent is still there.
        None if has_leftovers(member, options).await? => {}
        None => return Err(UnregisterError::NotFound { cluster: cluster.clone() }),
    }
    if options.mode == Mode::DryRun {
        return Ok(UnregisterOutcome::Checked);
    }
    match clusters.delete(cluster, &DeleteParams::default()).await {
        Ok(_) => {}
        Err(kube::Error::Api(status)) if status.code == 404 => {}
        Err(source) => return Err(call(format!("delete cluster {cluster}"))(source)),
    }
    report(UnregisterStep::WaitingForCluster);
    wait_until_gone(&clusters, hub, options).await?;
    if let Some(control_plane) = control_plane {
        report(UnregisterStep::RemovingAccess);
        for object in access::roles(cluster, &options.cluster_namespace).iter().rev() {
            delete(control_plane, object).await?;
        }
    }
    report(UnregisterStep::CleaningMember);
    clean_member(member, options).await?;
    Ok(UnregisterOutcome::Removed)
}

async fn agent_client(member: &Client, namespace: &str) -> Result<Client, UnregisterError> {
    let secrets: Api<Secret> = Api::namespaced(member.clone(), namespace);
    let missing = || UnregisterError::NoKubeconfig { namespace: namespace.to_owned() };
    let secret = secrets
        .get_opt(footprint::KUBECONFIG_SECRET)
        .await
        .map_err(call(format!("read {}", registration::kubeconfig_path(namespace))))?;
    let data = secret.and_then(|secret| secret.data).unwrap_or_default();
    let text = data.get(footprint::KUBECONFIG_SECRET).and_then(|text| String::from_utf8(text.0.clone()).ok());
    let text = text.filter(|text| !text.is_empty()).ok_or_else(missing)?;
    let endpoint = kubeconfig::load_text(&text, "the agent's kubeconfig").await;
    endpoint.and_then(|endpoint| endpoint.client()).map_err(UnregisterError::Kubeconfig)
}

async fn has_leftovers(member: &Client, options: &UnregisterOptions) -> Result<bool, UnregisterError> {
    // The account is this cluster's own: another registration has another one.
    let account = json!({
        "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {
            "name": join_footprint::service_account_name(&options.cluster_name),
            "namespace": options.cluster_namespace,
        },
    });
    let secret = footprint::kubeconfig_secret(&options.namespace, "");
    Ok(read(member, &account).await?.is_some() && read(member, &secret).await?.is_some())
}

async fn wait_until_gone(
    clusters: &Api<DynamicObject>,
    hub: &Client,
    options: &UnregisterOptions,
) -> Result<(), UnregisterError> {
    let cluster = &options.cluster_name;
    let started = Instant::now();
    loop {
        let found = clusters.get_opt(cluster).await.map_err(call(format!("read cluster {cluster}")))?;
        if found.is_none() {
            return Ok(());
        }
        let left = options.wait.saturating_sub(started.elapsed());
        if left.is_zero() {
            let resource = ApiResource::from_gvk_with_plural(
                &GroupVersionKind::gvk("work.karmada.io", "v1alpha1", "Work"),
                "works",
            );
            let namespace = join_footprint::execution_namespace(cluster);
            let works: Api<DynamicObject> = Api::namespaced_with(hub.clone(), &namespace, &resource);
            let works = works.list(&ListParams::default()).await;
            return Err(UnregisterError::StillThere {
                cluster: cluster.clone(),
                waited: options.wait,
                works: works.ok().map(|works| works.items.len()),
            });
        }
        tokio::time::sleep(left.min(PAUSE)).await;
    }
}

/// Removes the agent and the credentials that it reported; the agent's kubeconfig last, which a second try may need.
async fn clean_member(member: &Client, options: &UnregisterOptions) -> Result<(), UnregisterError> {
    let cluster = options.cluster_name.as_str();
    let (namespace, cluster_namespace) = (options.namespace.as_str(), options.cluster_namespace.as_str());
    let rbac = "rbac.authorization.k8s.io/v1";
    let object = |api_version: &str, kind: &str, namespace: Option<&str>, name: &str| -> Value {
        json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": namespace}})
    };
    let role = join_footprint::role_name(cluster);
    let account = join_footprint::service_account_name(cluster);
    let credentials = Some(cluster_namespace);
    let objects = [
        object("apps/v1", "Deployment", Some(namespace), footprint::AGENT),
        object(rbac, "ClusterRoleBinding", None, &role),
        object(rbac, "ClusterRole", None, &role),
        object("v1", "Secret", credentials, &account),
        object("v1", "Secret", credentials, join_footprint::IMPERSONATOR),
        object("v1", "ServiceAccount", credentials, join_footprint::IMPERSONATOR),
        object(rbac, "ClusterRoleBinding", None, footprint::AGENT),
        object(rbac, "ClusterRole", None, footprint::AGENT),
        object("v1", "ServiceAccount", Some(namespace), footprint::AGENT_ACCOUNT),
        object("v1", "Secret", Some(namespace), footprint::KUBECONFIG_SECRET),
        object("v1", "ServiceAccount", credentials, &account),
        object("v1", "Namespace", None, cluster_namespace),
    ];
    for object in &objects {
        delete(member, object).await?;
    }
    Ok(())
}

fn call(action: String) -> impl Fn(kube::Error) -> UnregisterError {
    move |source| UnregisterError::Call { action: action.clone(), source: Box::new(ApiError(source)) }
}
