//! Unjoining: the Cluster goes first, the credentials in the member last.

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::{Mode, footprint};
use crate::api_error::ApiError;
use crate::members;

/// The account that every namespace has.
const DEFAULT_ACCOUNT: &str = "default";

/// What happens when the control plane does not let go of a cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Removal {
    /// It is an error: what is propagated to the cluster must be moved first.
    #[default]
    Graceful,
    /// Finalizers are removed by force, and objects may stay behind in the member.
    Forced,
}

/// What to unjoin and how.
#[derive(Clone, Debug)]
pub struct UnjoinOptions {
    pub cluster_name: String,
    /// Namespace of the credentials in the member.
    pub cluster_namespace: String,
    /// How long the Cluster object may take to go.
    pub wait: Duration,
    pub removal: Removal,
    pub mode: Mode,
}

/// Where an unjoin has got to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnjoinStep {
    WaitingForCluster,
    RemovingFinalizers,
    CleaningMember,
}

/// What an unjoin did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnjoinOutcome {
    /// The cluster is gone from the control plane (and the credentials from the member, if it was given).
    Removed,
    /// The cluster was gone already; only what an earlier attempt left in the member was removed.
    LeftoversRemoved,
    /// A dry run: nothing was written.
    Checked,
}

/// An unjoin that did not go through. It can be repeated.
#[derive(Debug, thiserror::Error)]
pub enum UnjoinError {
    #[error("no cluster object {cluster} found in karmada control Plane")]
    NotFound { cluster: String },
    #[error("cluster {cluster} was registered by an agent (Pull mode)")]
    Pull { cluster: String },
    #[error("cluster {cluster} is still being removed after {} seconds{}", .waited.as_secs(), blockers(*.works, .finalizers))]
    StillThere { cluster: String, waited: Duration, works: usize, finalizers: Vec<String> },
    #[error("cannot {action}")]
    Call {
        action: String,
        #[source]
        source: Box<ApiError>,
    },
}

fn blockers(works: usize, finalizers: &[String]) -> String {
    match (works, finalizers.is_empty()) {
        (0, true) => String::new(),
        (0, false) => format!(": waiting for {}", finalizers.join(", ")),
        (works, _) => format!(": {works} Works are still there"),
    }
}

/// Takes a push-mode cluster out of the control plane, and its credentials out of the member when that is given.
///
/// Safe to repeat. `report` hears about the steps as they start.
pub async fn unjoin_cluster(
    control_plane: &kube::Client,
    member: Option<&kube::Client>,
    options: &UnjoinOptions,
    report: impl Fn(UnjoinStep),
) -> Result<UnjoinOutcome, UnjoinError> {
    let cluster = &options.cluster_name;
    let clusters: Api<DynamicObject> = Api::all_with(control_plane.clone(), &members::cluster_resource());
    let found = clusters.get_opt(cluster).await.map_err(call(format!("read cluster {cluster}")))?;
    let Some(found) = found else {
        return remove_leftovers(member, options, report).await;
    };
    if found.data["spec"]["syncMode"] == "Pull" {
        return Err(UnjoinError::Pull { cluster: cluster.clone() });
    }
    if options.mode == Mode::DryRun {
        return Ok(UnjoinOutcome::Checked);
    }
    match clusters.delete(cluster, &DeleteParams::default()).await {
        Ok(_) => {}
        Err(kube::Error::Api(status)) if status.code == 404 => {}
        Err(source) => return Err(call(format!("delete cluster {cluster}"))(source)),
    }
    report(UnjoinStep::WaitingForCluster);
    match wait_until_gone(&clusters, control_plane, options).await {
        Err(UnjoinError::StillThere { .. }) if options.removal == Removal::Forced => {
            report(UnjoinStep::RemovingFinalizers);
            remove_finalizers(&clusters, control_plane, cluster).await?;
        }
        other => other?,
    }
    if let Some(member) = member {
        report(UnjoinStep::CleaningMember);
        clean_member(member, options).await?;
    }
    Ok(UnjoinOutcome::Removed)
}

/// The Cluster is gone. Unless an unjoin stopped half-way, that is an error.
///
/// DEVIATION: upstream does not look into the member any more.
async fn remove_leftovers(
    member: Option<&kube::Client>,
    options: &UnjoinOptions,
    report: impl Fn(UnjoinStep),
) -> Result<UnjoinOutcome, UnjoinError> {
    let not_found = || UnjoinError::NotFound { cluster: options.cluster_name.clone() };
    let member = member.ok_or_else(not_found)?;
    let roles: Api<ClusterRole> = Api::all(member.clone());
    let accounts: Api<ServiceAccount> = Api::namespaced(member.clone(), &options.cluster_namespace);
    let role = roles
        .get_opt(&footprint::role_name(&options.cluster_name))
        .await
        .map_err(call("look for leftovers in the member".to_owned()))?;
    let accounts = accounts
        .list(&ListParams::default())
        .await
        .map_err(call("look for leftovers in the member".to_owned()))?;
    let names: Vec<String> = accounts.items.into_iter().filter_map(|account| account.metadata.name).collect();
    if role.is_none() && !holds_leftovers(&names, &options.cluster_name) {
        return Err(not_found());
    }
    if options.mode == Mode::DryRun {
        return Ok(UnjoinOutcome::Checked);
    }
    report(UnjoinStep::CleaningMember);
    clean_member(member, options).await?;
    Ok(UnjoinOutcome::LeftoversRemoved)
}

/// Whether accounts in the namespace of credentials are what an unjoin of a cluster has left.
///
/// The account for impersonation goes with the namespace, last of all. Beside an account of another name it belongs to
/// another registration of the same member.
fn holds_leftovers(accounts: &[String], cluster: &str) -> bool {
    let own = footprint::service_account_name(cluster);
    let has = |name: &str| accounts.iter().any(|account| account == name);
    let is_common = |name: &str| name == footprint::IMPERSONATOR || name == DEFAULT_ACCOUNT;
    has(&own) || (has(footprint::IMPERSONATOR) && accounts.iter().all(|name| is_common(name)))
}

async fn wait_until_gone(
    clusters: &Api<DynamicObject>,
    control_plane: &kube::Client,
    options: &UnjoinOptions,
) -> Result<(), UnjoinError> {
    let cluster = &options.cluster_name;
    let started = Instant::now();
    loop {
        let found = clusters.get_opt(cluster).await.map_err(call(format!("read cluster {cluster}")))?;
        let Some(found) = found else { return Ok(()) };
        let left = options.wait.saturating_sub(started.elapsed());
        if left.is_zero() {
            let works = works(control_plane, cluster)
                .list(&ListParams::default())
                .await
                .map_err(call(format!("list the Works of cluster {cluster}")))?;
            return Err(UnjoinError::StillThere {
                cluster: cluster.clone(),
                waited: options.wait,
                works: works.items.len(),
                finalizers: found.metadata.finalizers.unwrap_or_default(),
            });
        }
        tokio::time::sleep(left.min(Duration::from_millis(250))).await;
    }
}

async fn remove_finalizers(
    clusters: &Api<DynamicObject>,
    control_plane: &kube::Client,
    cluster: &str,
) -> Result<(), UnjoinError> {
    let none = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
    let works = works(control_plane, cluster);
    let list = works
        .list(&ListParams::default())
        .await
        .map_err(call(format!("list the Works of cluster {cluster}")))?;
    for work in list.items {
        let name = work.metadata.name.unwrap_or_default();
        let patched = works.patch(&name, &PatchParams::default(), &none).await;
        ignore_not_found(patched).map_err(call(format!("release Work {name}")))?;
    }
    let namespaces: Api<Namespace> = Api::all(control_plane.clone());
    let name = footprint::execution_namespace(cluster);
    if let Some(mut namespace) =
        namespaces.get_opt(&name).await.map_err(call(format!("read namespace {name}")))?
    {
        namespace.spec = Some(k8s_openapi::api::core::v1::NamespaceSpec { finalizers: Some(Vec::new()) });
        let released = namespaces
            .replace_subresource("finalize", &name, &kube::api::PostParams::default(), &namespace)
            .await;
        ignore_not_found(released).map_err(call(format!("release namespace {name}")))?;
    }
    let patched = clusters.patch(cluster, &PatchParams::default(), &none).await;
    ignore_not_found(patched).map_err(call(format!("release cluster {cluster}")))
}

async fn clean_member(member: &kube::Client, options: &UnjoinOptions) -> Result<(), UnjoinError> {
    let role = footprint::role_name(&options.cluster_name);
    delete(&Api::<ClusterRoleBinding>::all(member.clone()), &role).await?;
    delete(&Api::<ClusterRole>::all(member.clone()), &role).await?;
    let accounts: Api<ServiceAccount> = Api::namespaced(member.clone(), &options.cluster_namespace);
    delete(&accounts, &footprint::service_account_name(&options.cluster_name)).await?;
    delete(&Api::<Namespace>::all(member.clone()), &options.cluster_namespace).await
}

async fn delete<K>(api: &Api<K>, name: &str) -> Result<(), UnjoinError>
where
    K: Resource<DynamicType = ()> + Clone + std::fmt::Debug + DeserializeOwned,
{
    let deleted = api.delete(name, &DeleteParams::default()).await;
    ignore_not_found(deleted).map_err(call(format!("delete {} {name} in the member", K::kind(&()))))
}

fn works(control_plane: &kube::Client, cluster: &str) -> Api<DynamicObject> {
    let resource = ApiResource::from_gvk_with_plural(
        &GroupVersionKind::gvk("work.karmada.io", "v1alpha1", "Work"),
        "works",
    );
    Api::namespaced_with(control_plane.clone(), &footprint::execution_namespace(cluster), &resource)
}

fn ignore_not_found<T>(result: Result<T, kube::Error>) -> Result<(), kube::Error> {
    match result {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        Err(error) => Err(error),
    }
}

fn call(action: String) -> impl Fn(kube::Error) -> UnjoinError {
    move |source| UnjoinError::Call { action: action.clone(), source: Box::new(ApiError(source)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leftovers_are_told_from_another_registration() {
        let is_left = |accounts: &[&str]| {
            let accounts: Vec<String> = accounts.iter().map(|name| (*name).to_owned()).collect();
            holds_leftovers(&accounts, "m1")
        };
        assert!(!is_left(&["default"]));
        assert!(is_left(&["default", "karmada-m1"]));
        assert!(is_left(&["default", "karmada-impersonator"]));
        assert!(!is_left(&["default", "karmada-impersonator", "karmada-other"]));
    }
}
