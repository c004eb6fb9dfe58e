//! Getting a certificate from an API server.

use std::time::Duration;

use k8s_openapi::ByteString;
use k8s_openapi::api::certificates::v1::{CertificateSigningRequest, CertificateSigningRequestSpec};
use karmada_core::membership::{AGENT_KEY_USAGES, CLIENT_SIGNER};
use kube::Client;
use kube::api::{Api, ObjectMeta, PostParams};
use tokio::time::Instant;

use super::{KeyError, Subject, new_key};
use crate::members::CallError;

/// Pause between two looks at the request.
const PAUSE: Duration = Duration::from_secs(1);
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const SUFFIX_LENGTH: usize = 5;

/// What certificate is wanted.
#[derive(Clone, Debug)]
pub struct CertificateOrder {
    /// Name of the request.
    pub name: String,
    pub subject: Subject,
    /// How long the certificate should be good.
    pub lifetime: Duration,
    /// How long to wait for it.
    pub patience: Duration,
}

/// A certificate with its key, both as PEM.
pub struct Issued {
    pub certificate: Vec<u8>,
    pub key: String,
}

impl std::fmt::Debug for Issued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // No keys in logs.
        f.debug_struct("Issued").finish_non_exhaustive()
    }
}

/// No certificate was issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("cannot {operation} the request {name}")]
    Request {
        operation: &'static str,
        name: String,
        #[source]
        source: Box<CallError>,
    },
    #[error("the request {name} was not granted ({condition}{})", .message.as_ref().map(|text| format!(": {text}")).unwrap_or_default())]
    Refused { name: String, condition: String, message: Option<String> },
    #[error("the request {name} was not {missing} within {} seconds", .patience.as_secs())]
    Timeout { name: String, missing: &'static str, patience: Duration },
}

/// Makes a key, asks the API server for its certificate and waits for that.
///
/// The request is left behind: the API server removes it after an hour.
///
/// # Errors
/// When the server cannot be asked, refuses, or nobody approves or signs the request in time.
pub async fn issue(client: &Client, order: &CertificateOrder) -> Result<Issued, IssueError> {
    let new = new_key(&order.subject)?;
    let failed = |operation| {
        let name = order.name.clone();
        move |source| IssueError::Request { operation, name, source: Box::new(CallError::from(source)) }
    };
    let request = CertificateSigningRequest {
        metadata: ObjectMeta { name: Some(order.name.clone()), ..ObjectMeta::default() },
        spec: CertificateSigningRequestSpec {
            request: ByteString(new.request.into_bytes()),
            signer_name: CLIENT_SIGNER.to_owned(),
            expiration_seconds: Some(i32::try_from(order.lifetime.as_secs()).unwrap_or(i32::MAX)),
            usages: Some(AGENT_KEY_USAGES.map(str::to_owned).into()),
            ..CertificateSigningRequestSpec::default()
        },
        status: None,
    };
    let requests: Api<CertificateSigningRequest> = Api::all(client.clone());
    requests.create(&PostParams::default(), &request).await.map_err(failed("create"))?;
    let started = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        let found = requests.get(&order.name).await.map_err(failed("read"))?;
        let status = found.status.unwrap_or_default();
        if let Some(certificate) = status.certificate.filter(|pem| !pem.0.is_empty()) {
            return Ok(Issued { certificate: certificate.0, key: new.key });
        }
        let conditions = status.conditions.unwrap_or_default();
        let refusal =
            conditions.iter().find(|condition| ["Denied", "Failed"].contains(&condition.type_.as_str()));
        if let Some(refusal) = refusal {
            return Err(IssueError::Refused {
                name: order.name.clone(),
                condition: refusal.type_.clone(),
                message: refusal.message.clone(),
            });
        }
        if started.elapsed() >= order.patience {
            let is_approved = conditions.iter().any(|condition| condition.type_ == "Approved");
            return Err(IssueError::Timeout {
                name: order.name.clone(),
                missing: if is_approved { "signed" } else { "approved" },
                patience: order.patience,
            });
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE);
    }
}

/// Returns a few random letters and digits, for the name of a request.
pub fn random_suffix() -> String {
    let random = uuid::Uuid::new_v4().simple().to_string();
    random.chars().take(SUFFIX_LENGTH).collect()
}
