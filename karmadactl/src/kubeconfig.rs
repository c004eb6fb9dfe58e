//! Finding and reading kubeconfigs, with errors that name the file, the context and the way out.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use karmada_controllers::dial::{FencedClientError, fenced_client};
use karmada_controllers::hub::{ClientSettings, shape};
use karmada_controllers::tenure::Fence;
use kube::config::{Config, InClusterError, KubeConfigOptions, Kubeconfig, KubeconfigError};

use crate::error::CliError;

/// One context of a kubeconfig, ready to make a client of.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Name of the context.
    pub context: String,
    /// Where the context comes from, for messages.
    pub origin: String,
    /// The server exactly as the kubeconfig writes it.
    pub server: String,
    /// Proxy between us and the server.
    pub proxy_url: Option<String>,
    /// Name of the cluster in the kubeconfig.
    pub cluster: String,
    /// Whether the server's certificate is not checked.
    pub verification: Verification,
    config: Config,
}

/// Whether a server's certificate is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verification {
    Checked,
    Skipped,
}

/// A kubeconfig that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("stat {}: no such file or directory", .path.display())]
    NoSuchFile { path: PathBuf },
    #[error(
        "Missing or incomplete configuration info.  Please point to an existing, complete config file:\n  \
         1. Via the command-line flag --kubeconfig\n  2. Via the KUBECONFIG environment variable\n  \
         3. In your home directory as ~/.kube/config"
    )]
    Missing,
    #[error("cannot read the kubeconfig {origin}")]
    Unreadable {
        origin: String,
        #[source]
        source: Box<KubeconfigError>,
    },
    #[error("context {context:?} does not exist")]
    NoSuchContext { context: String, origin: String, known: Vec<String> },
    #[error("the kubeconfig {origin} names no current context")]
    NoCurrentContext { origin: String, known: Vec<String> },
    #[error("context {context:?} of the kubeconfig {origin} cannot be used")]
    Unusable {
        context: String,
        origin: String,
        #[source]
        source: Box<KubeconfigError>,
    },
    #[error("cannot make a client for {server}")]
    Client {
        server: String,
        #[source]
        source: Box<kube::Error>,
    },
}

impl LoadError {
    /// What the user can do; `flag` is the option that names the context.
    pub fn hints(&self, flag: &str) -> Vec<String> {
        match self {
            Self::NoSuchContext { known, origin, .. } | Self::NoCurrentContext { known, origin }
                if !known.is_empty() =>
            {
                vec![format!("contexts of {origin}: {}; choose one with {flag}", known.join(", "))]
            }
            Self::NoSuchContext { origin, .. } | Self::NoCurrentContext { origin, .. } => {
                vec![format!("{origin} has no contexts")]
            }
            _ => Vec::new(),
        }
    }
}

impl From<LoadError> for CliError {
    fn from(error: LoadError) -> Self {
        let hints = error.hints("--karmada-context");
        Self::failed(error).with_hints(hints)
    }
}

impl Endpoint {
    /// Makes a client; nothing is sent yet.
    pub fn client(&self) -> Result<kube::Client, LoadError> {
        // Who is told to come back later decides for himself: commands have their own time limits.
        let mut config = self.config.clone();
        config.default_retry = false;
        kube::Client::try_from(config)
            .map(|client| shape(client, Self::settings()))
            .map_err(|source| LoadError::Client { server: self.server.clone(), source: Box::new(source) })
    }

    /// Makes a client on whose connections nothing is sent while the fence is closed.
    ///
    /// # Errors
    /// When the proxy, the credentials or the certificates are not usable.
    pub fn fenced_client(&self, fence: &Fence) -> Result<kube::Client, FencedClientError> {
        let client = fenced_client(&self.config, fence)?;
        Ok(shape(client, Self::settings()))
    }

    fn settings() -> ClientSettings {
        ClientSettings { program: Some("karmadactl"), ..ClientSettings::default() }
    }

    /// Returns the certificates that the server's one is checked by, as PEM.
    pub fn certificate_authority(&self) -> Option<String> {
        let certificates = self.config.root_cert.as_ref().filter(|certificates| !certificates.is_empty())?;
        Some(certificates.iter().map(|der| pem_of(der)).collect())
    }

    /// The namespace of the context, `default` when it names none.
    pub fn namespace(&self) -> &str {
        &self.config.default_namespace
    }
}

/// Writes a certificate as PEM.
fn pem_of(der: &[u8]) -> String {
    let mut pem = "-----BEGIN CERTIFICATE-----\n".to_owned();
    let encoded = STANDARD.encode(der);
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem + "-----END CERTIFICATE-----\n"
}

/// Reads the current context of a kubeconfig that is not a file; `origin` says where it is from.
pub async fn load_text(text: &str, origin: &str) -> Result<Endpoint, LoadError> {
    load_text_context(text, None, origin).await
}

/// Reads a context of a kubeconfig that is not a file; `origin` says where it is from.
pub async fn load_text_context(
    text: &str,
    context: Option<&str>,
    origin: &str,
) -> Result<Endpoint, LoadError> {
    let kubeconfig = Kubeconfig::from_yaml(text)
        .map_err(|source| LoadError::Unreadable { origin: origin.to_owned(), source: Box::new(source) })?;
    select(kubeconfig, origin.to_owned(), context).await
}

/// Reads a context: of `path` when given, else of `KUBECONFIG`, else of `~/.kube/config`.
pub async fn load(path: Option<&Path>, context: Option<&str>) -> Result<Endpoint, LoadError> {
    let (kubeconfig, origin) = match path {
        Some(path) => (read_file(path)?, path.display().to_string()),
        None => find()?,
    };
    select(kubeconfig, origin, context).await
}

/// Reads a context of the kubeconfig at `path`.
pub async fn load_file(path: &Path, context: Option<&str>) -> Result<Endpoint, LoadError> {
    select(read_file(path)?, path.display().to_string(), context).await
}

fn read_file(path: &Path) -> Result<Kubeconfig, LoadError> {
    if !path.exists() {
        return Err(LoadError::NoSuchFile { path: path.to_owned() });
    }
    Kubeconfig::read_from(path).map_err(|source| LoadError::Unreadable {
        origin: path.display().to_string(),
        source: Box::new(source),
    })
}

fn find() -> Result<(Kubeconfig, String), LoadError> {
    if let Some(paths) = std::env::var_os("KUBECONFIG").filter(|paths| !paths.is_empty()) {
        // As kubectl does: of several files, those that are missing are passed over.
        let existing: Vec<PathBuf> = std::env::split_paths(&paths).filter(|path| path.exists()).collect();
        if existing.is_empty() {
            return Err(LoadError::Missing);
        }
        let mut merged = Kubeconfig::default();
        for path in &existing {
            let next = read_file(path)?;
            merged = merged.merge(next).map_err(|source| LoadError::Unreadable {
                origin: path.display().to_string(),
                source: Box::new(source),
            })?;
        }
        return Ok((merged, format!("{} (from KUBECONFIG)", paths.display())));
    }
    let path = dirs::home_dir().map(|home| home.join(".kube").join("config")).ok_or(LoadError::Missing)?;
    if !path.exists() {
        return Err(LoadError::Missing);
    }
    Ok((read_file(&path)?, path.display().to_string()))
}

/// The cluster around this process, as a pod finds it.
///
/// # Errors
/// When the process is not in a pod, or not in one that may call the API server.
pub fn in_cluster() -> Result<Endpoint, InClusterError> {
    let config = Config::incluster()?;
    Ok(Endpoint {
        context: String::new(),
        origin: "the pod's service account".to_owned(),
        server: config.cluster_url.to_string().trim_end_matches('/').to_owned(),
        proxy_url: None,
        cluster: String::new(),
        verification: Verification::Checked,
        config,
    })
}

async fn select(
    kubeconfig: Kubeconfig,
    origin: String,
    context: Option<&str>,
) -> Result<Endpoint, LoadError> {
    let known: Vec<String> = kubeconfig.contexts.iter().map(|context| context.name.clone()).collect();
    let current = kubeconfig.current_context.as_deref().filter(|name| !name.is_empty());
    let Some(context) = context.or(current).map(str::to_owned) else {
        return Err(if known.is_empty() {
            LoadError::Missing
        } else {
            LoadError::NoCurrentContext { origin, known }
        });
    };
    if !known.contains(&context) {
        return Err(LoadError::NoSuchContext { context, origin, known });
    }
    let unusable = |source| LoadError::Unusable {
        context: context.clone(),
        origin: origin.clone(),
        source: Box::new(source),
    };
    let options = KubeConfigOptions { context: Some(context.clone()), ..KubeConfigOptions::default() };
    let named = kubeconfig
        .contexts
        .iter()
        .find(|named| named.name == context)
        .and_then(|named| named.context.as_ref())
        .and_then(|context| kubeconfig.clusters.iter().find(|cluster| cluster.name == context.cluster));
    let cluster_name = named.map(|named| named.name.clone()).unwrap_or_default();
    let cluster = named
        .and_then(|named| named.cluster.clone())
        .ok_or_else(|| unusable(KubeconfigError::LoadClusterOfContext(context.clone())))?;
    let server = cluster.server.clone().ok_or_else(|| unusable(KubeconfigError::MissingClusterUrl))?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(unusable)?;
    Ok(Endpoint {
        server,
        proxy_url: cluster.proxy_url,
        cluster: cluster_name,
        verification: match cluster.insecure_skip_tls_verify {
            Some(true) => Verification::Skipped,
            _ => Verification::Checked,
        },
        context: context.clone(),
        origin,
        config,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "apiVersion: v1\nkind: Config\nclusters:\n- name: c\n  cluster: {server: 'https://127.0.0.1:6445'}\n\
        contexts:\n- name: one\n  context: {cluster: c, user: u, namespace: web}\n- name: two\n  context: {cluster: nope}\n";

    async fn load_text(text: &str, context: Option<&str>) -> Result<Endpoint, LoadError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config");
        std::fs::write(&path, text).unwrap();
        load_file(&path, context).await
    }

    #[tokio::test]
    async fn a_context_keeps_the_server_as_it_is_written() {
        let endpoint = load_text(TWO, Some("one")).await.unwrap();
        assert_eq!((endpoint.server.as_str(), endpoint.namespace()), ("https://127.0.0.1:6445", "web"));
    }

    #[tokio::test]
    async fn an_unknown_context_is_refused_with_those_that_exist() {
        let error = load_text(TWO, Some("nope")).await.unwrap_err();
        assert_eq!(error.to_string(), "context \"nope\" does not exist");
        assert!(error.hints("--cluster-context")[0].contains("one, two; choose one with --cluster-context"));
    }

    #[tokio::test]
    async fn a_context_without_its_cluster_is_unusable() {
        assert!(matches!(load_text(TWO, Some("two")).await, Err(LoadError::Unusable { .. })));
        assert!(matches!(load_text(TWO, None).await, Err(LoadError::NoCurrentContext { .. })));
        assert!(matches!(load_text("", None).await, Err(LoadError::Missing)));
    }
}
