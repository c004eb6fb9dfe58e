//! The agent's registration of its own Cluster.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::api::{Patch, PatchParams, PostParams};
use kube::core::DynamicObject;
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::join::footprint::{self, impersonator_secret_name};
use crate::join::{JoinError, JoinOptions, Mode, Side, ensure_error, identity, prepare_member};
use crate::members;

/// Which credentials of the member the control plane gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportedSecrets {
    /// Those that may do everything.
    pub credentials: Reported,
    /// Those that may only act in the name of users.
    pub impersonator: Reported,
}

/// Whether something is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reported {
    Yes,
    No,
}

impl ReportedSecrets {
    /// Reads the values of `--report-secrets`.
    ///
    /// # Errors
    /// When a value is not known, or contradicts another.
    pub fn parse(values: &[String]) -> Result<Self, String> {
        let has = |name: &str| values.iter().any(|value| value == name);
        let reported = |name: &str| if has(name) { Reported::Yes } else { Reported::No };
        let unknown = values
            .iter()
            .find(|value| !["None", "KubeCredentials", "KubeImpersonator"].contains(&value.as_str()));
        match unknown {
            Some(unknown) => Err(format!("{unknown:?} is none of None, KubeCredentials, KubeImpersonator")),
            None if has("None") && values.len() > 1 => Err("None cannot be combined with others".to_owned()),
            None => Ok(Self {
                credentials: reported("KubeCredentials"),
                impersonator: reported("KubeImpersonator"),
            }),
        }
    }

    fn any(self) -> bool {
        self.credentials == Reported::Yes || self.impersonator == Reported::Yes
    }
}

/// What the agent registers.
#[derive(Clone, Debug)]
pub struct AgentRegistration {
    /// Name, place and address of the cluster; `mode` is not looked at.
    pub cluster: JoinOptions,
    pub secrets: ReportedSecrets,
}

/// The Cluster was not registered.
#[derive(Debug, thiserror::Error)]
pub enum RegistrationError {
    #[error(transparent)]
    Join(#[from] JoinError),
    #[error("cluster {name} is being removed from the control plane")]
    Leaving { name: String },
    #[error("cluster {name} is another one: its ID is {registered}, that of this cluster {own}")]
    OtherCluster { name: String, registered: String, own: String },
}

/// Creates the Cluster, or brings the one of its name up to date.
///
/// # Errors
/// When one of the clusters cannot be asked, or the name belongs to another cluster.
pub async fn register_agent(
    control_plane: &Client,
    member: &Client,
    registration: &AgentRegistration,
) -> Result<(), RegistrationError> {
    let options = JoinOptions { mode: Mode::Apply, ..registration.cluster.clone() };
    let name = options.cluster_name.as_str();
    let id = identity(member, name).await?;
    let clusters: Api<DynamicObject> = Api::all_with(control_plane.clone(), &members::cluster_resource());
    let label = || format!("Cluster {name} in the control plane");
    let failed = |source| RegistrationError::Join(ensure_error(label(), source));
    let existing = clusters.get_opt(name).await.map_err(failed)?;
    match &existing {
        Some(existing) => check(existing, name, &id)?,
        None => refuse_other_name(control_plane, name, &id).await?,
    }
    let mut ensured = Vec::new();
    let secrets = if registration.secrets.any() {
        let tokens = prepare_member(member, &options, &mut ensured).await?;
        write_secrets(control_plane, &options, registration.secrets, tokens, &mut ensured).await?
    } else {
        Vec::new()
    };
    let uid = if let Some(existing) = existing {
        update(&clusters, &existing, &options, registration.secrets, &id).await.map_err(failed)?;
        existing.metadata.uid
    } else {
        let wanted = wanted(&options, registration.secrets, &id);
        let cluster = serde_json::from_value(wanted).map_err(|e| failed(kube::Error::SerdeError(e)))?;
        clusters.create(&PostParams::default(), &cluster).await.map_err(failed)?.metadata.uid
    };
    own(control_plane, &options, &secrets, &uid.unwrap_or_default()).await
}

/// Refuses a Cluster of the name that is not this one.
fn check(existing: &DynamicObject, name: &str, id: &str) -> Result<(), RegistrationError> {
    if existing.metadata.deletion_timestamp.is_some() {
        return Err(RegistrationError::Leaving { name: name.to_owned() });
    }
    let registered = existing.data["spec"]["id"].as_str().unwrap_or_default();
    if registered.is_empty() || registered == id {
        return Ok(());
    }
    Err(RegistrationError::OtherCluster {
        name: name.to_owned(),
        registered: registered.to_owned(),
        own: id.to_owned(),
    })
}

/// Refuses a cluster that is registered under another name.
async fn refuse_other_name(control_plane: &Client, name: &str, id: &str) -> Result<(), JoinError> {
    let clusters =
        members::clusters(control_plane).await.map_err(|error| JoinError::Clusters(Box::new(error)))?;
    let same = clusters.iter().find(|cluster| cluster.data["spec"]["id"] == id);
    match same.and_then(|cluster| cluster.metadata.name.clone()) {
        Some(registered_as) => {
            Err(JoinError::Registered { id: id.to_owned(), name: name.to_owned(), registered_as })
        }
        None => Ok(()),
    }
}

/// Writes what is reported; returns the names of the secrets.
async fn write_secrets(
    control_plane: &Client,
    options: &JoinOptions,
    reported: ReportedSecrets,
    tokens: Option<crate::join::Tokens>,
    ensured: &mut Vec<String>,
) -> Result<Vec<String>, RegistrationError> {
    let Some(tokens) = tokens else { return Ok(Vec::new()) };
    let namespace = options.cluster_namespace.as_str();
    ensure_namespace(control_plane, namespace).await?;
    let secrets: Api<Secret> = Api::namespaced(control_plane.clone(), namespace);
    let mut side = Side { place: "the control plane".to_owned(), mode: Mode::Apply, ensured };
    let mut names = Vec::new();
    if reported.impersonator == Reported::Yes {
        let name = impersonator_secret_name(&options.cluster_name);
        let data = BTreeMap::from([("token".to_owned(), tokens.impersonator)]);
        side.ensure_content(&secrets, footprint::credentials_secret(namespace, &name, data)).await?;
        names.push(name);
    }
    if reported.credentials == Reported::Yes {
        let name = options.cluster_name.clone();
        let data =
            BTreeMap::from([("caBundle".to_owned(), tokens.ca_bundle), ("token".to_owned(), tokens.token)]);
        side.ensure_content(&secrets, footprint::credentials_secret(namespace, &name, data)).await?;
        names.push(name);
    }
    Ok(names)
}

/// Agents may look for a namespace, but not make one: the registration did.
async fn ensure_namespace(control_plane: &Client, name: &str) -> Result<(), JoinError> {
    let namespaces: Api<Namespace> = Api::all(control_plane.clone());
    let failed = |source| ensure_error(format!("namespace {name} in the control plane"), source);
    if namespaces.get_opt(name).await.map_err(failed)?.is_some() {
        return Ok(());
    }
    match namespaces.create(&PostParams::default(), &footprint::namespace(name)).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
        Err(source) => Err(failed(source)),
    }
}

/// The Cluster as it should be.
fn wanted(options: &JoinOptions, reported: ReportedSecrets, id: &str) -> Value {
    let mut cluster = footprint::cluster(options, id);
    cluster["spec"]["syncMode"] = json!("Pull");
    if let Some(spec) = cluster["spec"].as_object_mut() {
        if reported.credentials == Reported::No {
            spec.remove("secretRef");
        }
        if reported.impersonator == Reported::No {
            spec.remove("impersonatorSecretRef");
        }
    }
    cluster
}

/// Overwrites what this agent says of the cluster, and nothing else. Writes nothing that is so already.
async fn update(
    clusters: &Api<DynamicObject>,
    existing: &DynamicObject,
    options: &JoinOptions,
    reported: ReportedSecrets,
    id: &str,
) -> Result<(), kube::Error> {
    let wanted = wanted(options, reported, id);
    let spec = &existing.data["spec"];
    let mut changed = serde_json::Map::new();
    for (field, value) in wanted["spec"].as_object().into_iter().flatten() {
        if spec.get(field) != Some(value) {
            changed.insert(field.clone(), value.clone());
        }
    }
    if changed.is_empty() {
        return Ok(());
    }
    let patch = json!({
        "metadata": {"resourceVersion": existing.metadata.resource_version}, "spec": changed,
    });
    clusters.patch(&options.cluster_name, &PatchParams::default(), &Patch::Merge(&patch)).await.map(drop)
}

/// Makes the secrets go with the Cluster.
async fn own(
    control_plane: &Client,
    options: &JoinOptions,
    secrets: &[String],
    uid: &str,
) -> Result<(), RegistrationError> {
    let api: Api<Secret> = Api::namespaced(control_plane.clone(), &options.cluster_namespace);
    let owner = json!({ "metadata": { "ownerReferences": [{
        "apiVersion": "cluster.karmada.io/v1alpha1", "kind": "Cluster", "name": options.cluster_name,
        "uid": uid, "controller": true, "blockOwnerDeletion": true,
    }] } });
    for name in secrets {
        let patched = api.patch(name, &PatchParams::default(), &Patch::Merge(&owner)).await;
        patched.map_err(|source| ensure_error(format!("the owner of secret {name}"), source))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reported(values: &[&str]) -> Result<ReportedSecrets, String> {
        ReportedSecrets::parse(&values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn what_is_reported_can_be_chosen() {
        let all = reported(&["KubeCredentials", "KubeImpersonator"]).unwrap();
        assert_eq!((all.credentials, all.impersonator), (Reported::Yes, Reported::Yes));
        assert!(!reported(&["None"]).unwrap().any());
        assert!(reported(&["None", "KubeCredentials"]).is_err());
        assert!(reported(&["Everything"]).is_err());
    }

    #[test]
    fn a_cluster_without_reported_secrets_refers_to_none() {
        let options = JoinOptions::new("m1", "https://127.0.0.1:6445");
        let only = reported(&["KubeImpersonator"]).unwrap();
        let spec = &wanted(&options, only, "id")["spec"];
        assert_eq!(spec["syncMode"], "Pull");
        assert!(spec.get("secretRef").is_none() && spec["impersonatorSecretRef"].is_object());
    }
}
