//! Renewal of the agent's certificate before it ends, without a restart.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use karmada_controllers::agent::RenewableClient;
use karmada_controllers::credentials::{
    CertificateOrder, ClientCertificate, IssueError, issue, random_suffix,
};
use karmada_controllers::tenure::Fence;
use kube::Client;
use serde_json::json;

use super::credentials::{AgentCredentials, CredentialsError};
use crate::api_error::ApiError;
use crate::error::chain_line;
use crate::raw;
use crate::register::footprint::{KUBECONFIG_SECRET, kubeconfig_secret};
use crate::register::path_of;

/// How long a certificate may take.
const PATIENCE: Duration = Duration::from_mins(5);

/// When a certificate is renewed.
#[derive(Clone, Debug)]
pub struct RotationSettings {
    /// Name of the Cluster.
    pub cluster: String,
    /// Time between two looks (`--cert-rotation-checking-interval`).
    pub interval: Duration,
    /// Which part of its lifetime is left when it is renewed (`--cert-rotation-remaining-time-threshold`).
    pub threshold: f64,
    /// Namespace of the Secret with the kubeconfig in the member.
    pub namespace: String,
    /// The file that the kubeconfig was read from.
    pub file: PathBuf,
    /// Context of the kubeconfig.
    pub context: Option<String>,
}

/// A certificate that was not renewed.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    #[error("the kubeconfig of {origin} holds no certificate to renew")]
    NoCertificate { origin: String },
    #[error(transparent)]
    Issue(#[from] IssueError),
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    #[error("cannot write the Secret {namespace}/{KUBECONFIG_SECRET} of the member")]
    Secret {
        namespace: String,
        #[source]
        source: Box<ApiError>,
    },
}

/// Looks at the certificate again and again, and renews it when it is due. Never ends.
///
/// Credentials that others renewed, in the file or in the Secret, are taken over.
pub async fn keep_certificate(
    control_plane: &RenewableClient,
    member: &Client,
    mut credentials: AgentCredentials,
    settings: &RotationSettings,
    fence: &Fence,
) {
    loop {
        if let Some(newer) = newer(member, &credentials, settings).await {
            match newer.clients(fence).await {
                Ok(clients) => {
                    tracing::info!(origin = newer.origin(), "newer credentials taken over");
                    control_plane.renew(clients);
                    credentials = newer;
                }
                Err(error) => {
                    tracing::warn!(error = chain_line(&error), "newer credentials are not usable");
                }
            }
        }
        let is_due = |certificate: ClientCertificate| {
            certificate.is_due(settings.threshold, Timestamp::now()).then_some(certificate)
        };
        if let Some(certificate) = credentials.certificate().and_then(is_due) {
            match rotate(control_plane, member, &credentials, &certificate, settings, fence).await {
                Ok(renewed) => {
                    tracing::info!(cluster = settings.cluster, "the certificate was renewed");
                    credentials = renewed;
                }
                Err(error) => {
                    tracing::warn!(error = chain_line(&error), "the certificate was not renewed, will retry");
                }
            }
        }
        tokio::time::sleep(settings.interval).await;
    }
}

/// Returns credentials of the file or of the Secret that are good for longer.
pub(super) async fn newer(
    member: &Client,
    credentials: &AgentCredentials,
    settings: &RotationSettings,
) -> Option<AgentCredentials> {
    let context = settings.context.as_deref();
    let of_file = AgentCredentials::of_file(&settings.file, context);
    let of_secret = AgentCredentials::of_secret(member, &settings.namespace, context).await;
    let mut candidates = Vec::new();
    match of_file {
        Ok(found) => candidates.push(found),
        Err(error) => tracing::debug!(error = chain_line(&error), "kubeconfig not read"),
    }
    match of_secret {
        Ok(found) => candidates.extend(found),
        Err(error) => tracing::debug!(error = chain_line(&error), "kubeconfig not read"),
    }
    let ours = credentials.certificate()?;
    candidates.into_iter().find(|candidate| {
        let certificate = candidate.certificate();
        certificate.is_some_and(|certificate| {
            certificate.subject == ours.subject && certificate.not_after > ours.not_after
        })
    })
}

/// Renews the certificate: for the client at once, in the Secret and in the file for the next start.
///
/// # Errors
/// When no certificate is issued or it cannot be kept.
pub async fn rotate(
    control_plane: &RenewableClient,
    member: &Client,
    credentials: &AgentCredentials,
    certificate: &ClientCertificate,
    settings: &RotationSettings,
    fence: &Fence,
) -> Result<AgentCredentials, RotationError> {
    let order = CertificateOrder {
        name: format!("{}-{}", settings.cluster, random_suffix()),
        subject: certificate.subject.clone(),
        lifetime: Duration::try_from(certificate.lifetime()).unwrap_or_default(),
        patience: PATIENCE,
    };
    let issued = issue(&control_plane.client(), &order).await?;
    let renewed = credentials
        .with_certificate(&issued.certificate, &issued.key)
        .ok_or_else(|| RotationError::NoCertificate { origin: credentials.origin().to_owned() })?;
    let clients = renewed.clients(fence).await?;
    let secret = kubeconfig_secret(&settings.namespace, renewed.text());
    let patch = json!({"data": secret["data"]});
    let written = raw::merge_patch(member, &path_of(&secret), &patch).await;
    let failed = |source: ApiError| RotationError::Secret {
        namespace: settings.namespace.clone(),
        source: Box::new(source),
    };
    match written {
        Ok(_) => {}
        // An agent that was started by hand: the file alone has the kubeconfig.
        Err(error) if error.is_not_found() => {}
        Err(error) => return Err(failed(error)),
    }
    if let Err(error) = write_file(&settings.file, renewed.text()) {
        // A mounted Secret cannot be written to, and follows by itself.
        tracing::debug!(file = %settings.file.display(), %error, "kubeconfig file not written");
    }
    control_plane.renew(clients);
    Ok(renewed)
}

/// Writes a file that only its owner can read, whole or not at all.
fn write_file(path: &std::path::Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}.tmp", std::process::id()));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&temporary)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)
}
