//! The agent's credentials for the control plane: a kubeconfig in a file, or a newer one in a Secret of the member.

use std::path::{Path, PathBuf};

use k8s_openapi::api::core::v1::Secret;
use karmada_controllers::agent::Clients;
use karmada_controllers::credentials::ClientCertificate;
use karmada_controllers::dial::FencedClientError;
use karmada_controllers::tenure::Fence;
use kube::config::Kubeconfig;
use kube::{Api, Client};

use crate::api_error::ApiError;
use crate::kubeconfig::{self, LoadError};
use crate::register::footprint::KUBECONFIG_SECRET;

/// Credentials that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    #[error("cannot read {}", .path.display())]
    File {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("cannot read the Secret {namespace}/{KUBECONFIG_SECRET} of the member")]
    Secret {
        namespace: String,
        #[source]
        source: Box<ApiError>,
    },
    #[error(transparent)]
    Kubeconfig(#[from] LoadError),
    #[error(transparent)]
    Client(#[from] FencedClientError),
}

/// A kubeconfig of the control plane.
#[derive(Clone)]
pub struct AgentCredentials {
    text: String,
    context: Option<String>,
    origin: String,
    /// The file that they are from: paths in it are relative to that.
    file: Option<PathBuf>,
}

impl std::fmt::Debug for AgentCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The text holds a key.
        f.debug_struct("AgentCredentials").field("origin", &self.origin).finish_non_exhaustive()
    }
}

impl AgentCredentials {
    /// Takes a kubeconfig; `origin` says where it is from.
    pub fn new(text: String, context: Option<String>, origin: impl Into<String>) -> Self {
        Self { text, context, origin: origin.into(), file: None }
    }

    /// Reads the kubeconfig of a file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn of_file(path: &Path, context: Option<&str>) -> Result<Self, CredentialsError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| CredentialsError::File { path: path.to_owned(), source })?;
        let credentials = Self::new(text, context.map(str::to_owned), path.display().to_string());
        Ok(Self { file: Some(path.to_owned()), ..credentials })
    }

    /// Reads the kubeconfig of the Secret in the member, where a renewal leaves it.
    ///
    /// # Errors
    /// When the member cannot be asked.
    pub async fn of_secret(
        member: &Client,
        namespace: &str,
        context: Option<&str>,
    ) -> Result<Option<Self>, CredentialsError> {
        let secrets: Api<Secret> = Api::namespaced(member.clone(), namespace);
        let secret = secrets.get_opt(KUBECONFIG_SECRET).await.map_err(|source| CredentialsError::Secret {
            namespace: namespace.to_owned(),
            source: Box::new(ApiError(source)),
        })?;
        let data = secret.and_then(|secret| secret.data).unwrap_or_default();
        let text = data.get(KUBECONFIG_SECRET).and_then(|text| String::from_utf8(text.0.clone()).ok());
        let origin = format!("the Secret {namespace}/{KUBECONFIG_SECRET} of the member");
        Ok(text.map(|text| Self::new(text, context.map(str::to_owned), origin)))
    }

    /// Where they are from.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The kubeconfig.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Makes clients with them; nothing is sent yet.
    ///
    /// # Errors
    /// When the kubeconfig is not usable.
    pub async fn clients(&self, fence: &Fence) -> Result<Clients, CredentialsError> {
        let context = self.context.as_deref();
        let endpoint = match &self.file {
            Some(file) => kubeconfig::load_file(file, context).await?,
            None => kubeconfig::load_text_context(&self.text, context, &self.origin).await?,
        };
        Ok(Clients { open: endpoint.client()?, fenced: endpoint.fenced_client(fence)? })
    }

    /// Returns the certificate of the user, if the kubeconfig holds one.
    pub fn certificate(&self) -> Option<ClientCertificate> {
        let kubeconfig = Kubeconfig::from_yaml(&self.text).ok()?;
        let user = user_of(&kubeconfig, self.context.as_deref())?;
        let info = kubeconfig.auth_infos.iter().find(|named| named.name == user)?.auth_info.as_ref()?;
        let pem = match (&info.client_certificate_data, &info.client_certificate) {
            (Some(encoded), _) => decode(encoded)?,
            (None, Some(path)) => std::fs::read(path).ok()?,
            (None, None) => return None,
        };
        ClientCertificate::read(&pem).ok()
    }

    /// Returns the same kubeconfig with another certificate and key of the user.
    pub fn with_certificate(&self, certificate: &[u8], key: &str) -> Option<Self> {
        use base64::Engine as _;
        use base64::engine::general_purpose::STANDARD;
        let kubeconfig = Kubeconfig::from_yaml(&self.text).ok()?;
        let user = user_of(&kubeconfig, self.context.as_deref())?;
        // What is in there besides is kept as it is.
        let mut document: serde_json::Value = serde_saphyr::from_str(&self.text).ok()?;
        let users = document["users"].as_array_mut()?;
        let named = users.iter_mut().find(|named| named["name"] == user.as_str())?;
        let info = named["user"].as_object_mut()?;
        info.remove("client-certificate");
        info.remove("client-key");
        info.insert("client-certificate-data".to_owned(), STANDARD.encode(certificate).into());
        info.insert("client-key-data".to_owned(), STANDARD.encode(key).into());
        Some(Self { text: document.to_string(), file: None, ..self.clone() })
    }
}

fn user_of(kubeconfig: &Kubeconfig, context: Option<&str>) -> Option<String> {
    let context = context.or(kubeconfig.current_context.as_deref())?;
    let named = kubeconfig.contexts.iter().find(|named| named.name == context)?;
    named.context.as_ref()?.user.clone()
}

fn decode(encoded: &str) -> Option<Vec<u8>> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(encoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_certificate_changes_nothing_else() {
        let text = "apiVersion: v1\nkind: Config\ncurrent-context: a\nextra: kept\n\
            clusters: [{name: c, cluster: {server: 'https://x'}}]\n\
            contexts: [{name: a, context: {cluster: c, user: u}}]\n\
            users: [{name: other, user: {token: t}}, {name: u, user: {client-certificate: /f, client-key: /g}}]\n";
        let credentials = AgentCredentials::new(text.to_owned(), None, "a test");
        assert_eq!(credentials.certificate(), None);
        let renewed = credentials.with_certificate(b"cert", "key").unwrap();
        let document: serde_json::Value = serde_json::from_str(renewed.text()).unwrap();
        assert_eq!(
            (&document["extra"], &document["users"][0]["user"]["token"]),
            (&"kept".into(), &"t".into())
        );
        let user = &document["users"][1]["user"];
        assert_eq!((&user["client-certificate-data"], user.get("client-key")), (&"Y2VydA==".into(), None));
        assert!(!format!("{renewed:?}").contains("Y2VydA"));
    }
}
