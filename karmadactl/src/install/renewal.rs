//! The certificates of an installation that runs: when they end, and replacing them before.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use karmada_core::api::reserved::BOOTSTRAPPING_LABEL;
use serde_json::{Value, json};

use super::certificate_set::{ADMIN, CertificateSet, ETCD_ROOT, FRONT_PROXY_ROOT, LeafSpec, ROOT, Renewal};
use super::certificates::{CertificateError, Facts, Leaf, Purpose, inspect};
use super::names::{
    CERTIFICATES, Component, ETCD, ETCD_CERTIFICATES, KUBECONFIG_KEY, SECRETS_ANNOTATION,
    WEBHOOK_CERTIFICATES,
};
use super::objects::{self, patiently};
use super::pods::digest_of;
use super::rollout::{self, WaitFailure};
use super::secrets::{Secrets, files_of};
use crate::api_error::ApiError;
use crate::error::CliError;
use crate::printer::{DocumentFormat, render_document};
use crate::raw;

/// The certificates below authorities: file, authority, purpose.
const LEAVES: [(&str, &str, Purpose); 7] = [
    (ADMIN, ROOT, Purpose::Both),
    ("apiserver", ROOT, Purpose::Both),
    ("aggregated-apiserver", ROOT, Purpose::Server),
    ("webhook", ROOT, Purpose::Server),
    ("front-proxy-client", FRONT_PROXY_ROOT, Purpose::Client),
    ("etcd-server", ETCD_ROOT, Purpose::Both),
    ("etcd-client", ETCD_ROOT, Purpose::Client),
];
/// The order in which workloads are replaced: what others need comes first.
const ORDER: [(&str, &str); 8] = [
    ("StatefulSet", ETCD),
    ("StatefulSet", "karmada-apiserver"),
    ("Deployment", "karmada-apiserver"),
    ("Deployment", "karmada-aggregated-apiserver"),
    ("Deployment", "karmada-webhook"),
    ("Deployment", "kube-controller-manager"),
    ("Deployment", "karmada-scheduler"),
    ("Deployment", "karmada-controller-manager"),
];

/// Certificates that cannot be looked at or replaced.
#[derive(Debug, thiserror::Error)]
pub enum RenewalError {
    #[error("the namespace {namespace} has no Secret {CERTIFICATES}")]
    NotInstalled { namespace: String },
    #[error("cannot read or write the Secrets of {namespace}")]
    Secrets {
        namespace: String,
        #[source]
        source: ApiError,
    },
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    #[error("the Secret {secret} holds no kubeconfig")]
    Kubeconfig { secret: String },
    #[error(transparent)]
    Rollout(#[from] WaitFailure),
    #[error("cannot write a kubeconfig as YAML")]
    Render(#[source] Box<CliError>),
}

/// One certificate, and when it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// Name of its file in the Secret.
    pub name: String,
    pub facts: Facts,
    /// Whether `renew` replaces it.
    pub is_renewable: bool,
}

/// The Secrets of an installation that runs.
#[derive(Clone, Debug)]
pub struct Installed {
    namespace: String,
    set: CertificateSet,
}

/// Reads the certificates of an installation.
///
/// # Errors
/// When there is none.
pub async fn read(client: &kube::Client, namespace: &str) -> Result<Installed, RenewalError> {
    let failed = |source| RenewalError::Secrets { namespace: namespace.to_owned(), source };
    let secret = read_secret(client, namespace, CERTIFICATES).await.map_err(failed)?;
    let secret = secret.ok_or_else(|| RenewalError::NotInstalled { namespace: namespace.to_owned() })?;
    let set = CertificateSet::from_files(files_of(&secret));
    Ok(Installed { namespace: namespace.to_owned(), set })
}

async fn read_secret(client: &kube::Client, namespace: &str, name: &str) -> Result<Option<Value>, ApiError> {
    raw::read(client, &format!("{}/{name}", objects::collection("v1", "Secret", namespace))).await
}

impl Installed {
    /// Returns every certificate with its end, authorities first, then by name.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn expiries(&self) -> Result<Vec<Expiry>, RenewalError> {
        let renewable: Vec<&str> = self.leaves()?.iter().map(|spec| spec.name).collect();
        let mut expiries = Vec::new();
        for (file, text) in self.set.files() {
            let Some(name) = file.strip_suffix(".crt") else { continue };
            let is_renewable = renewable.contains(&name);
            expiries.push(Expiry { name: name.to_owned(), facts: inspect(file, text)?, is_renewable });
        }
        expiries.sort_by_key(|expiry| (!expiry.facts.is_authority, expiry.name.clone()));
        Ok(expiries)
    }

    /// The certificates whose authority is here, as they are now.
    fn leaves(&self) -> Result<Vec<LeafSpec>, RenewalError> {
        let mut specs = Vec::new();
        for (name, authority, purpose) in LEAVES {
            let (Some(pair), Some(_)) = (self.set.pair(name), self.set.pair(authority)) else { continue };
            let facts = inspect(name, &pair.certificate)?;
            let leaf = Leaf {
                common_name: facts.common_name,
                organizations: facts.organizations,
                names: facts.names,
                purpose,
            };
            specs.push(LeafSpec { name, authority, leaf });
        }
        Ok(specs)
    }

    /// Replaces all certificates below the authorities, with new keys; returns their names.
    ///
    /// # Errors
    /// When an authority cannot be used.
    pub fn renew(
        &mut self,
        validity: SignedDuration,
        now: Timestamp,
    ) -> Result<Vec<&'static str>, RenewalError> {
        let specs = self.leaves()?;
        Ok(self.set.issue(&specs, validity, Renewal::Leaves, now)?)
    }

    /// The certificates.
    pub fn certificates(&self) -> &CertificateSet {
        &self.set
    }
}

/// Writes the certificates into all Secrets that hold them; returns the Secrets as they are then.
///
/// # Errors
/// When the host cluster does not answer, or refuses.
pub async fn write(client: &kube::Client, installed: &Installed) -> Result<Secrets, RenewalError> {
    let namespace = &installed.namespace;
    let set = &installed.set;
    let mut written = Secrets::new();
    for name in secret_names() {
        let failed = |source| RenewalError::Secrets { namespace: namespace.clone(), source };
        let found = patiently(async || read_secret(client, namespace, &name).await).await.map_err(failed)?;
        let Some(secret) = found else { continue };
        let mut files = files_of(&secret);
        for (file, text) in &mut files {
            match file.as_str() {
                KUBECONFIG_KEY => *text = with_client(&name, text, set)?,
                "tls.crt" => set.file("webhook.crt").clone_into(text),
                "tls.key" => set.file("webhook.key").clone_into(text),
                other if !set.file(other).is_empty() => set.file(other).clone_into(text),
                _ => {}
            }
        }
        let data: BTreeMap<&String, String> =
            files.iter().map(|(file, text)| (file, STANDARD.encode(text))).collect();
        let path = format!("{}/{name}", objects::collection("v1", "Secret", namespace));
        let patch = json!({"data": data});
        patiently(async || raw::merge_patch(client, &path, &patch).await).await.map_err(failed)?;
        written.insert(name, files);
    }
    Ok(written)
}

/// Replaces the certificate and key of a kubeconfig's user.
///
/// # Errors
/// When the text is none; `name` is for messages.
pub fn with_client(name: &str, text: &str, set: &CertificateSet) -> Result<String, RenewalError> {
    let unusable = || RenewalError::Kubeconfig { secret: name.to_owned() };
    let mut kubeconfig: Value = serde_saphyr::from_str(text).map_err(|_| unusable())?;
    let user = kubeconfig.pointer_mut("/users/0/user").ok_or_else(unusable)?;
    for (field, file) in [("client-certificate-data", "crt"), ("client-key-data", "key")] {
        user[field] = STANDARD.encode(set.file(&format!("{ADMIN}.{file}"))).into();
    }
    render_document(&kubeconfig, DocumentFormat::Yaml).map_err(|error| RenewalError::Render(Box::new(error)))
}

/// Returns the workloads whose pods mount older certificates than the Secrets hold: an earlier renewal did not end.
///
/// # Errors
/// When the host cluster does not answer, or refuses.
pub async fn unfinished(
    client: &kube::Client,
    installed: &Installed,
) -> Result<Vec<&'static str>, RenewalError> {
    let namespace = &installed.namespace;
    let failed = |source| RenewalError::Secrets { namespace: namespace.clone(), source };
    let mut secrets = Secrets::new();
    for name in secret_names() {
        if let Some(secret) = read_secret(client, namespace, &name).await.map_err(failed)? {
            secrets.insert(name, files_of(&secret));
        }
    }
    let mut names = Vec::new();
    for (kind, name) in ORDER {
        let Some(workload) = read_workload(client, namespace, kind, name).await.map_err(failed)? else {
            continue;
        };
        let annotated = &workload["spec"]["template"]["metadata"]["annotations"][SECRETS_ANNOTATION];
        if mounted_by(&workload, &secrets).is_some_and(|digest| *annotated != digest) {
            names.push(name);
        }
    }
    Ok(names)
}

/// Reads a workload of the installation; what else has its name is none.
async fn read_workload(
    client: &kube::Client,
    namespace: &str,
    kind: &str,
    name: &str,
) -> Result<Option<Value>, ApiError> {
    let path = format!("{}/{name}", objects::collection("apps/v1", kind, namespace));
    let found = patiently(async || raw::read(client, &path).await).await?;
    Ok(found.filter(|workload| workload["metadata"]["labels"].get(BOOTSTRAPPING_LABEL).is_some()))
}

/// The Secrets that hold certificates; the first is what the others are made of.
fn secret_names() -> Vec<String> {
    let mut names =
        vec![CERTIFICATES.to_owned(), ETCD_CERTIFICATES.to_owned(), WEBHOOK_CERTIFICATES.to_owned()];
    names.extend(Component::ALL.into_iter().filter_map(Component::kubeconfig_secret));
    names
}

/// Replaces the pods that mount what changed, one workload after the other; `report` hears of each.
///
/// # Errors
/// When one does not become ready in time; the others are left for the next run.
pub async fn roll(
    client: &kube::Client,
    namespace: &str,
    secrets: &Secrets,
    timeout: Duration,
    mut report: impl FnMut(&str, &str),
) -> Result<usize, RenewalError> {
    let failed = |source| RenewalError::Secrets { namespace: namespace.to_owned(), source };
    let mut rolled = 0;
    for (kind, name) in ORDER {
        let path = format!("{}/{name}", objects::collection("apps/v1", kind, namespace));
        let Some(workload) = read_workload(client, namespace, kind, name).await.map_err(failed)? else {
            continue;
        };
        let Some(digest) = mounted_by(&workload, secrets) else { continue };
        let template = &workload["spec"]["template"]["metadata"]["annotations"];
        if template[SECRETS_ANNOTATION] != digest {
            let patch =
                json!({"spec": {"template": {"metadata": {"annotations": {SECRETS_ANNOTATION: digest}}}}});
            patiently(async || raw::merge_patch(client, &path, &patch).await).await.map_err(failed)?;
            rolled += 1;
        }
        rollout::wait(client, namespace, kind, name, timeout, |seen| report(name, seen)).await?;
    }
    Ok(rolled)
}

/// Returns the digest of the files that the pods of a workload mount.
fn mounted_by(workload: &Value, secrets: &Secrets) -> Option<String> {
    let volumes = workload.pointer("/spec/template/spec/volumes").and_then(Value::as_array)?;
    let mut keys = BTreeMap::new();
    for secret in volumes.iter().map(|volume| &volume["secret"]) {
        let Some(name) = secret["secretName"].as_str() else { continue };
        let items = secret["items"].as_array().into_iter().flatten();
        keys.insert(name, items.filter_map(|item| item["key"].as_str()).collect());
    }
    digest_of(&keys, secrets)
}
