//! Joining: credentials in the member, copies of them and a Cluster in the control plane.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::{Duration, Instant};

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{Namespace, Secret, ServiceAccount};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use kube::api::{Patch, PatchParams, PostParams};
use kube::core::DynamicObject;
use kube::{Api, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::footprint;
use crate::api_error::ApiError;
use crate::kubeconfig::Verification;
use crate::members;

/// How long a member may take to fill in a token.
const TOKEN_TIMEOUT: Duration = Duration::from_secs(30);

/// Whether anything is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    #[default]
    Apply,
    /// Check everything that can be checked, write nothing.
    ///
    /// DEVIATION: upstream waits for a token that a dry run never makes, and fails.
    DryRun,
}

/// What to join and how.
#[derive(Clone, Debug)]
pub struct JoinOptions {
    pub cluster_name: String,
    /// Namespace of the credentials, in both clusters.
    pub cluster_namespace: String,
    /// How the control plane reaches the member.
    pub api_endpoint: String,
    pub proxy_url: Option<String>,
    pub verification: Verification,
    pub provider: Option<String>,
    pub region: Option<String>,
    pub zones: Vec<String>,
    pub mode: Mode,
}

impl JoinOptions {
    /// Joins `cluster_name` at `api_endpoint`, everything else as by default.
    pub fn new(cluster_name: impl Into<String>, api_endpoint: impl Into<String>) -> Self {
        Self {
            cluster_name: cluster_name.into(),
            cluster_namespace: footprint::DEFAULT_CLUSTER_NAMESPACE.to_owned(),
            api_endpoint: api_endpoint.into(),
            proxy_url: None,
            verification: Verification::Checked,
            provider: None,
            region: None,
            zones: Vec::new(),
            mode: Mode::Apply,
        }
    }
}

/// A join that went through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinOutcome {
    /// The member's identity: the uid of its namespace `kube-system`.
    pub id: String,
    /// The objects that were ensured (or would be), in order.
    pub ensured: Vec<String>,
}

/// A join that did not go through. Everything written so far is taken over by the next attempt.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    #[error("invalid cluster name({name}): {reason}")]
    InvalidName { name: String, reason: String },
    #[error("cannot read the identity of cluster({cluster}) (the uid of its namespace kube-system)")]
    Identity {
        cluster: String,
        #[source]
        source: Box<ApiError>,
    },
    #[error("cannot list the registered clusters")]
    Clusters(#[source] Box<ApiError>),
    #[error("the cluster ID {id} or the cluster name {name} has been registered")]
    Registered { id: String, name: String, registered_as: String },
    #[error("cannot ensure {object}")]
    Ensure {
        object: String,
        #[source]
        source: Box<ApiError>,
    },
    #[error("cluster({cluster}) did not put a token into the secret {secret} within {} seconds", TOKEN_TIMEOUT.as_secs())]
    NoToken { cluster: String, secret: String },
}

/// Registers a member cluster in push mode.
///
/// Safe to repeat: what an earlier, failed attempt left is taken over. A name or a cluster that
/// is registered already is refused before anything is written.
pub async fn join_cluster(
    control_plane: &kube::Client,
    member: &kube::Client,
    options: &JoinOptions,
) -> Result<JoinOutcome, JoinError> {
    let name = &options.cluster_name;
    footprint::check_cluster_name(name)
        .map_err(|reason| JoinError::InvalidName { name: name.clone(), reason })?;
    let id = identity(member, name).await?;
    refuse_registered(control_plane, options, &id).await?;
    let mut ensured = Vec::new();
    let tokens = prepare_member(member, options, &mut ensured).await?;
    register(control_plane, options, &id, tokens, &mut ensured).await?;
    Ok(JoinOutcome { id, ensured })
}

/// The credentials read from a member.
pub(crate) struct Tokens {
    pub(crate) impersonator: ByteString,
    pub(crate) token: ByteString,
    pub(crate) ca_bundle: ByteString,
}

pub(crate) async fn identity(member: &kube::Client, cluster: &str) -> Result<String, JoinError> {
    let namespaces: Api<Namespace> = Api::all(member.clone());
    let system = namespaces.get("kube-system").await.map_err(|source| JoinError::Identity {
        cluster: cluster.to_owned(),
        source: Box::new(ApiError(source)),
    })?;
    Ok(system.metadata.uid.unwrap_or_default())
}

async fn refuse_registered(
    control_plane: &kube::Client,
    options: &JoinOptions,
    id: &str,
) -> Result<(), JoinError> {
    let clusters =
        members::clusters(control_plane).await.map_err(|error| JoinError::Clusters(Box::new(error)))?;
    for cluster in clusters {
        let name = cluster.metadata.name.as_deref().unwrap_or_default();
        let same_name = name == options.cluster_name;
        let same_id = cluster.data["spec"]["id"] == id;
        if same_name && same_id && is_half_joined(control_plane, options, &cluster).await? {
            continue;
        }
        if same_name || same_id {
            return Err(JoinError::Registered {
                id: id.to_owned(),
                name: options.cluster_name.clone(),
                registered_as: name.to_owned(),
            });
        }
    }
    Ok(())
}

/// Whether the join of this very cluster stopped after its Cluster was created: then its secrets
/// do not yet belong to it.
///
/// DEVIATION: upstream refuses to go on here, and the cluster must be unjoined first.
async fn is_half_joined(
    control_plane: &kube::Client,
    options: &JoinOptions,
    cluster: &DynamicObject,
) -> Result<bool, JoinError> {
    if cluster.metadata.deletion_timestamp.is_some() {
        return Ok(false);
    }
    let secrets: Api<Secret> = Api::namespaced(control_plane.clone(), &options.cluster_namespace);
    for name in secret_names(options) {
        let secret =
            secrets.get_opt(&name).await.map_err(|source| ensure_error(format!("secret {name}"), source))?;
        let owned = secret.is_some_and(|secret| {
            secret
                .metadata
                .owner_references
                .unwrap_or_default()
                .iter()
                .any(|owner| Some(&owner.uid) == cluster.metadata.uid.as_ref())
        });
        if !owned {
            return Ok(true);
        }
    }
    Ok(false)
}

fn secret_names(options: &JoinOptions) -> [String; 2] {
    [footprint::impersonator_secret_name(&options.cluster_name), options.cluster_name.clone()]
}

pub(crate) async fn prepare_member(
    member: &kube::Client,
    options: &JoinOptions,
    ensured: &mut Vec<String>,
) -> Result<Option<Tokens>, JoinError> {
    let cluster = options.cluster_name.as_str();
    let namespace = options.cluster_namespace.as_str();
    let account = footprint::service_account_name(cluster);
    let mut side = Side { place: format!("cluster({cluster})"), mode: options.mode, ensured };

    let namespaces: Api<Namespace> = Api::all(member.clone());
    side.ensure(&namespaces, footprint::namespace(namespace)).await?;
    let accounts: Api<ServiceAccount> = Api::namespaced(member.clone(), namespace);
    side.ensure(&accounts, footprint::service_account(namespace, footprint::IMPERSONATOR)).await?;
    side.ensure(&accounts, footprint::service_account(namespace, &account)).await?;
    let roles: Api<ClusterRole> = Api::all(member.clone());
    side.ensure_content(&roles, footprint::cluster_role(cluster)).await?;
    let bindings: Api<ClusterRoleBinding> = Api::all(member.clone());
    side.ensure_content(&bindings, footprint::cluster_role_binding(cluster, namespace)).await?;
    let secrets: Api<Secret> = Api::namespaced(member.clone(), namespace);
    side.ensure(&secrets, footprint::token_secret(namespace, footprint::IMPERSONATOR)).await?;
    side.ensure(&secrets, footprint::token_secret(namespace, &account)).await?;
    if options.mode == Mode::DryRun {
        return Ok(None);
    }
    let mut impersonator = wait_for_token(&secrets, cluster, footprint::IMPERSONATOR).await?;
    let mut credentials = wait_for_token(&secrets, cluster, &account).await?;
    Ok(Some(Tokens {
        impersonator: impersonator.remove("token").unwrap_or_default(),
        token: credentials.remove("token").unwrap_or_default(),
        ca_bundle: credentials.remove("ca.crt").unwrap_or_default(),
    }))
}

async fn wait_for_token(
    secrets: &Api<Secret>,
    cluster: &str,
    name: &str,
) -> Result<BTreeMap<String, ByteString>, JoinError> {
    let started = Instant::now();
    let mut pause = Duration::from_millis(5);
    while started.elapsed() < TOKEN_TIMEOUT {
        let secret =
            secrets.get_opt(name).await.map_err(|source| ensure_error(format!("secret {name}"), source))?;
        let data = secret.and_then(|secret| secret.data).unwrap_or_default();
        if data.get("token").is_some_and(|token| !token.0.is_empty()) {
            return Ok(data);
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(1));
    }
    Err(JoinError::NoToken { cluster: cluster.to_owned(), secret: name.to_owned() })
}

async fn register(
    control_plane: &kube::Client,
    options: &JoinOptions,
    id: &str,
    tokens: Option<Tokens>,
    ensured: &mut Vec<String>,
) -> Result<(), JoinError> {
    let namespace = options.cluster_namespace.as_str();
    let mut side = Side { place: "the control plane".to_owned(), mode: options.mode, ensured };
    let namespaces: Api<Namespace> = Api::all(control_plane.clone());
    side.ensure(&namespaces, footprint::namespace(namespace)).await?;

    let secrets: Api<Secret> = Api::namespaced(control_plane.clone(), namespace);
    let [impersonator_name, name] = secret_names(options);
    let (impersonator, credentials) = match tokens {
        Some(tokens) => (
            BTreeMap::from([("token".to_owned(), tokens.impersonator)]),
            BTreeMap::from([("caBundle".to_owned(), tokens.ca_bundle), ("token".to_owned(), tokens.token)]),
        ),
        None => Default::default(),
    };
    side.ensure_content(&secrets, footprint::credentials_secret(namespace, &impersonator_name, impersonator))
        .await?;
    side.ensure_content(&secrets, footprint::credentials_secret(namespace, &name, credentials)).await?;

    let clusters: Api<DynamicObject> = Api::all_with(control_plane.clone(), &members::cluster_resource());
    let object = format!("Cluster {} in the control plane", options.cluster_name);
    side.ensured.push(object.clone());
    if options.mode == Mode::DryRun {
        return Ok(());
    }
    let cluster: DynamicObject = serde_json::from_value(footprint::cluster(options, id))
        .map_err(|source| ensure_error(object.clone(), kube::Error::SerdeError(source)))?;
    let uid = match clusters.create(&PostParams::default(), &cluster).await {
        Ok(created) => created.metadata.uid,
        Err(kube::Error::Api(status)) if status.code == 409 => {
            clusters
                .get(&options.cluster_name)
                .await
                .map_err(|source| ensure_error(object, source))?
                .metadata
                .uid
        }
        Err(source) => return Err(ensure_error(object, source)),
    };
    let owner = json!({ "metadata": { "ownerReferences": [{
        "apiVersion": "cluster.karmada.io/v1alpha1", "kind": "Cluster", "name": options.cluster_name,
        "uid": uid.unwrap_or_default(), "controller": true, "blockOwnerDeletion": true,
    }] } });
    for secret in [&impersonator_name, &name] {
        secrets
            .patch(secret, &PatchParams::default(), &Patch::Merge(&owner))
            .await
            .map_err(|source| ensure_error(format!("the owner of secret {namespace}/{secret}"), source))?;
    }
    Ok(())
}

/// One of the two clusters while it is written to.
pub(crate) struct Side<'a> {
    pub(crate) place: String,
    pub(crate) mode: Mode,
    pub(crate) ensured: &'a mut Vec<String>,
}

impl Side<'_> {
    /// Creates an object unless one of its name is there, whatever its content.
    async fn ensure<K>(&mut self, api: &Api<K>, object: K) -> Result<(), JoinError>
    where
        K: Resource<DynamicType = ()> + Clone + Debug + Serialize + DeserializeOwned,
    {
        let label = self.announce(&object);
        if self.mode == Mode::DryRun {
            return Ok(());
        }
        match api.create(&PostParams::default(), &object).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
            Err(source) => Err(ensure_error(label, source)),
        }
    }

    /// Creates an object, or gives the one of its name the same content.
    pub(crate) async fn ensure_content<K>(&mut self, api: &Api<K>, object: K) -> Result<(), JoinError>
    where
        K: Resource<DynamicType = ()> + Clone + Debug + Serialize + DeserializeOwned,
    {
        let label = self.announce(&object);
        if self.mode == Mode::DryRun {
            return Ok(());
        }
        match api.create(&PostParams::default(), &object).await {
            Ok(_) => return Ok(()),
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            Err(source) => return Err(ensure_error(label, source)),
        }
        let content: Value = serde_json::to_value(&object)
            .map_err(|source| ensure_error(label.clone(), kube::Error::SerdeError(source)))?;
        api.patch(
            object.meta().name.as_deref().unwrap_or_default(),
            &PatchParams::default(),
            &Patch::Merge(&content),
        )
        .await
        .map(|_| ())
        .map_err(|source| ensure_error(label, source))
    }

    fn announce<K: Resource<DynamicType = ()>>(&mut self, object: &K) -> String {
        let name = object.meta().name.as_deref().unwrap_or_default();
        let label = match object.meta().namespace.as_deref() {
            Some(namespace) => format!("{} {namespace}/{name} in {}", K::kind(&()), self.place),
            None => format!("{} {name} in {}", K::kind(&()), self.place),
        };
        self.ensured.push(label.clone());
        label
    }
}

pub(crate) fn ensure_error(object: String, source: kube::Error) -> JoinError {
    JoinError::Ensure { object, source: Box::new(ApiError(source)) }
}
