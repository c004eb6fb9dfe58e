//! An API server in this process, called directly and over TLS.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use karmada_apiserver::audit::AuditConfig;
use karmada_apiserver::auth::{AuthError, UserInfo};
use karmada_apiserver::server::{Controllers, Limits, ListenError, Listener, StartError};
use karmada_apiserver::store::Durability;
use karmada_apiserver::{ApiServer, ServerConfig};
use karmada_controllers::cluster_proxy::ClusterProxy;
use karmada_controllers::members::Connector;
use serde_json::Value;
use tower::ServiceExt as _;

use super::admission::KarmadaAdmission;
use super::cluster_proxy::ClusterProxyRoute;
use super::files::{FileError, create_private_directory};

/// The user whose certificate is in the kubeconfigs.
const ADMIN: &str = "system:admin";
const ADMIN_GROUP: &str = "system:masters";

/// Where objects are kept.
#[derive(Clone, Debug)]
pub enum Storage {
    Memory,
    Disk { directory: PathBuf, durability: Durability },
}

impl Storage {
    /// The storage of one of several servers: a directory below.
    pub(super) fn below(&self, name: &str) -> Self {
        match self {
            Self::Memory => Self::Memory,
            Self::Disk { directory, durability } => {
                Self::Disk { directory: directory.join(name), durability: *durability }
            }
        }
    }
}

/// How an API server in this process is started.
#[derive(Clone, Debug)]
pub struct EmbeddedOptions {
    /// Name of cluster, context and user in the kubeconfig.
    pub name: String,
    pub storage: Storage,
    pub listen: SocketAddr,
    /// Address to try first when `listen` leaves the port open.
    pub preferred: Option<SocketAddr>,
    /// How much clients may ask for.
    pub limits: Limits,
    pub api: ApiOptions,
}

/// What can be chosen of the API itself.
#[derive(Clone, Debug, Default)]
pub struct ApiOptions {
    /// No audit log when there is none.
    pub audit: Option<AuditConfig>,
    /// How long Events stay; an hour when there is none.
    pub event_ttl: Option<Duration>,
    /// What admission of Karmada's kinds goes by.
    pub admission: KarmadaAdmission,
    /// Further names and addresses in its certificate.
    pub server_names: Vec<String>,
    /// Where clusters that register themselves find it, when that is not where it listens.
    pub public_url: Option<String>,
}

/// An API server in this process that did not start.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    #[error(transparent)]
    Directory(#[from] FileError),
    #[error("cannot start the API server {name}{}", .directory.as_ref().map(|path| format!(" on {}", path.display())).unwrap_or_default())]
    Start {
        name: String,
        directory: Option<PathBuf>,
        #[source]
        source: Box<StartError>,
    },
    #[error("cannot listen on {address}")]
    Listen {
        address: SocketAddr,
        #[source]
        source: ListenError,
    },
    #[error("cannot issue a client certificate")]
    Credentials(#[from] AuthError),
}

/// An API server in this process that also listens on TLS.
#[derive(Debug)]
pub struct EmbeddedServer {
    server: ApiServer,
    listener: Listener,
    cluster_proxy: Option<Arc<ClusterProxy>>,
    public_url: Option<String>,
}

impl EmbeddedServer {
    /// Starts a plain Kubernetes API.
    pub async fn plain(options: &EmbeddedOptions) -> Result<Self, EmbeddedError> {
        Self::start(options, ServerConfig::default()).await
    }

    /// Starts an API with Karmada's kinds.
    pub async fn karmada(options: &EmbeddedOptions) -> Result<Self, EmbeddedError> {
        Self::karmada_reaching(options, Connector::new()).await
    }

    /// Starts an API with Karmada's kinds, whose cluster proxy reaches members as `connector` does.
    pub async fn karmada_reaching(
        options: &EmbeddedOptions,
        connector: Connector,
    ) -> Result<Self, EmbeddedError> {
        let proxy = Arc::new(ClusterProxy::new(connector));
        let config = ServerConfig {
            crds: karmada_core::api::crds(),
            connects: vec![Arc::new(ClusterProxyRoute::new(proxy.clone()))],
            admission: vec![Arc::new(options.api.admission.clone())],
            // Policies would carry the accounts and certificates of the control plane to members.
            controllers: Controllers::WithoutAccounts,
            ..ServerConfig::default()
        };
        let mut server = Self::start(options, config).await?;
        proxy.set_control_plane(Some(server.client()));
        server.cluster_proxy = Some(proxy);
        Ok(server)
    }

    async fn start(options: &EmbeddedOptions, config: ServerConfig) -> Result<Self, EmbeddedError> {
        let (data_dir, durability) = match &options.storage {
            Storage::Memory => (None, Durability::Memory),
            Storage::Disk { directory, durability } => (Some(directory.clone()), *durability),
        };
        if let Some(directory) = &data_dir {
            create_private_directory(directory)?;
        }
        let config = ServerConfig {
            name: options.name.clone(),
            data_dir: data_dir.clone(),
            durability,
            audit: options.api.audit.clone(),
            event_ttl: options.api.event_ttl,
            limits: options.limits.clone(),
            server_names: options.api.server_names.clone(),
            ..config
        };
        let server = ApiServer::start(config).await.map_err(|source| EmbeddedError::Start {
            name: options.name.clone(),
            directory: data_dir,
            source: Box::new(source),
        })?;
        match listen(&server, options).await {
            Ok(listener) => {
                let public_url = options.api.public_url.clone();
                Ok(Self { server, listener, cluster_proxy: None, public_url })
            }
            Err(error) => {
                server.shutdown().await;
                Err(error)
            }
        }
    }

    /// A client in this process that may do everything.
    pub fn client(&self) -> kube::Client {
        self.server.client(UserInfo::admin())
    }

    /// A client in this process of a user of these groups, who may do what the server's roles say.
    pub fn client_as(&self, user: &str, groups: &[&str]) -> kube::Client {
        self.server.client(UserInfo::new(user, groups))
    }

    /// A client in this process that proves itself by a bearer token, as over the network.
    pub fn client_with_token(&self, token: &str) -> kube::Client {
        bearer_client(&self.server, token)
    }

    /// Makes clients as [`Self::client_with_token`] does, without keeping the server alive by a reference.
    pub fn token_clients(&self) -> Arc<dyn Fn(&str) -> kube::Client + Send + Sync> {
        let server = self.server.clone();
        Arc::new(move |token| bearer_client(&server, token))
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        self.listener.url()
    }

    /// The certificate that clients of the listener trust, as PEM.
    pub fn certificate_authority(&self) -> &str {
        self.server.ca_pem()
    }

    /// Where others find it.
    pub fn public_url(&self) -> String {
        self.public_url.clone().unwrap_or_else(|| self.url())
    }

    /// A kubeconfig for the address it listens on, with a fresh certificate of an administrator.
    pub fn kubeconfig(&self) -> Result<Value, EmbeddedError> {
        Ok(self.server.kubeconfig(&self.url(), ADMIN, &[ADMIN_GROUP])?)
    }

    /// Ends watches and listeners and closes the store.
    pub async fn shutdown(&self) {
        self.server.shutdown().await;
        // The proxy's client holds the server.
        if let Some(proxy) = &self.cluster_proxy {
            proxy.set_control_plane(None);
        }
    }
}

fn bearer_client(server: &ApiServer, token: &str) -> kube::Client {
    // A token that is no header value is no token: the server will say so.
    let header = http::HeaderValue::from_str(&format!("Bearer {token}")).ok();
    let service = server.router().map_request(move |mut request: Request<kube::client::Body>| {
        if let Some(header) = &header {
            request.headers_mut().insert(http::header::AUTHORIZATION, header.clone());
        }
        request
    });
    kube::Client::new(service, "default")
}

/// Listens on the address of the last run when the user leaves the port open and it is free.
async fn listen(server: &ApiServer, options: &EmbeddedOptions) -> Result<Listener, EmbeddedError> {
    let preferred =
        options.preferred.filter(|address| options.listen.port() == 0 && address.ip() == options.listen.ip());
    if let Some(address) = preferred {
        match server.listen(address).await {
            Ok(listener) => return Ok(listener),
            Err(error) => tracing::info!(%address, %error, "the address of the last run is not free"),
        }
    }
    server
        .listen(options.listen)
        .await
        .map_err(|source| EmbeddedError::Listen { address: options.listen, source })
}
