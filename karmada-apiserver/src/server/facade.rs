//! The handle of a running server.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::Request;
use serde_json::Value;

use super::config::{ServerConfig, StartError};
use super::inner::Inner;
use super::listener::{ListenError, Listener};
use super::traffic::Unlimited;
use crate::audit::Audit;
use crate::auth::{AuthError, Authority, FromProxy, PeerUser, UserInfo};
use crate::http::serve::serve;
use crate::lifecycle;
use crate::store::{Durability, Store, StoreOptions};

pub(super) const DATA_FILE: &str = "state.redb";
const KEY_DIRECTORY: &str = "pki";

/// Returns where a server with this data directory keeps its objects.
pub fn data_file(directory: &Path) -> PathBuf {
    directory.join(DATA_FILE)
}

/// An API server in this process. Clones are handles of the same server.
#[derive(Clone, Debug)]
pub struct ApiServer {
    pub(super) inner: Arc<Inner>,
}

impl ApiServer {
    /// Starts a server: opens its store, installs its kinds and the objects that every server has.
    ///
    /// # Errors
    /// When the store or the keys cannot be opened, or a CRD of the configuration cannot be served.
    pub async fn start(config: ServerConfig) -> Result<Self, StartError> {
        let mut options = StoreOptions { durability: config.durability, ..StoreOptions::default() };
        if let Some(bytes) = config.history_bytes {
            options.history_bytes = bytes;
        }
        let (store, authority) = match &config.data_dir {
            Some(directory) => {
                // The store's lock comes first: only its holder may touch the keys.
                let store = if config.durability == Durability::Memory {
                    Store::in_memory(&options)
                } else {
                    Store::open(&data_file(directory), &options)?
                };
                (store, Authority::in_directory(&directory.join(KEY_DIRECTORY), &config.name)?)
            }
            None => (Store::in_memory(&options), Authority::ephemeral(&config.name)?),
        };
        let authority = authority.with_clock(config.clock.clone());
        let audit = config.audit.as_ref().map(Audit::start).transpose()?;
        let inner = Arc::new(Inner::new(config, store, authority, audit));
        lifecycle::start(&inner).await?;
        Ok(Self { inner })
    }

    /// Returns the server as a service whose callers prove who they are.
    ///
    /// By a bearer token, or by a [`PeerUser`] among a request's extensions, which the TLS listener sets.
    pub fn router(&self) -> Router {
        let inner = self.inner.clone();
        Router::new().fallback(move |request: Request<Body>| serve(inner.clone(), request))
    }

    /// Returns the server as a service for one caller in this process, who is not limited.
    pub fn router_as(&self, user: UserInfo) -> Router {
        let inner = self.inner.clone();
        Router::new().fallback(move |mut request: Request<Body>| {
            request.extensions_mut().insert(PeerUser(user.clone()));
            request.extensions_mut().insert(Unlimited);
            serve(inner.clone(), request)
        })
    }

    /// Returns the server as a service for a trusted proxy in this process, which is `user` itself where it names no one.
    ///
    /// The headers that name callers are those of [`ServerConfig::front_proxy`].
    pub fn router_as_proxy(&self, user: UserInfo) -> Router {
        let inner = self.inner.clone();
        Router::new().fallback(move |mut request: Request<Body>| {
            request.extensions_mut().insert(PeerUser(user.clone()));
            request.extensions_mut().insert(FromProxy);
            serve(inner.clone(), request)
        })
    }

    /// Returns a client that calls the server in this process. Must be called in a tokio runtime.
    pub fn client(&self, user: UserInfo) -> kube::Client {
        kube::Client::new(self.router_as(user), "default")
    }

    /// Serves HTTPS on an address, until the listener or the server is stopped.
    ///
    /// # Errors
    /// When the address is in use or cannot be bound.
    pub async fn listen(&self, address: SocketAddr) -> Result<Listener, ListenError> {
        Listener::start(&self.inner, self.router(), address).await
    }

    /// Returns a kubeconfig with a fresh client certificate.
    ///
    /// # Errors
    /// When no certificate can be made.
    pub fn kubeconfig(&self, url: &str, user: &str, groups: &[&str]) -> Result<Value, AuthError> {
        let name = if self.inner.config.name.is_empty() { "kubernetes" } else { &self.inner.config.name };
        self.inner.authority.kubeconfig(name, url, user, groups)
    }

    /// Returns the certificate that clients of the listener trust, as PEM.
    pub fn ca_pem(&self) -> &str {
        self.inner.authority.pem()
    }

    /// Returns how many requests there were, by verb and `resource.group` (with `/subresource`).
    pub fn request_counts(&self) -> BTreeMap<(String, String), u64> {
        self.inner.metrics.counts()
    }

    /// Forgets the history that watches and old lists can go back to.
    pub fn compact(&self) {
        self.inner.store.compact();
    }

    /// Ends watches and listeners, finishes the requests under way and closes the store.
    ///
    /// Clients that are not done within [`super::Limits::shutdown_timeout`] are cut off. What was acknowledged is durable
    /// either way.
    pub async fn shutdown(&self) {
        self.inner.shutdown.cancel();
        self.inner.tasks.close();
        let deadline = self.inner.config.limits.shutdown_timeout;
        if tokio::time::timeout(deadline, self.inner.tasks.wait()).await.is_err() {
            tracing::warn!("some requests are not finished in time and are cut off");
            self.inner.abort.cancel();
            self.inner.tasks.wait().await;
        }
        if let Some(audit) = &self.inner.audit {
            audit.close().await;
        }
        let store = self.inner.store.clone();
        if tokio::task::spawn_blocking(move || store.close()).await.is_err() {
            tracing::error!("closing the store failed");
        }
    }
}
