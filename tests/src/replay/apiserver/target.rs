//! The server that a scenario runs against: ours in this process, or a real one.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use karmada_apiserver::ApiServer;
use karmada_apiserver::auth::UserInfo;
use tokio::sync::Mutex;

use super::request::Identity;
use crate::rig::{RealCluster, router_as};

/// The name in the certificate of the front proxy.
const PROXY: &str = "front-proxy-client";

/// The server that a scenario runs against.
pub enum Target {
    /// Ours, for one scenario.
    Embedded(ApiServer),
    /// A real one that all scenarios share.
    Real(RealTarget),
}

/// A real server and the connections that one scenario has to it.
pub struct RealTarget {
    cluster: Arc<RealCluster>,
    routers: Mutex<BTreeMap<Identity, Router>>,
}

impl Target {
    /// A target that is a real cluster.
    pub fn real(cluster: Arc<RealCluster>) -> Self {
        Self::Real(RealTarget { cluster, routers: Mutex::default() })
    }

    /// Returns whether other scenarios use the server too.
    pub fn is_shared(&self) -> bool {
        matches!(self, Self::Real(_))
    }

    /// Returns the router that serves requests of an identity.
    pub(super) async fn router(&self, identity: &Identity) -> Result<Router, String> {
        match self {
            Self::Embedded(server) => Ok(embedded_router(server, identity)),
            Self::Real(real) => {
                let mut routers = real.routers.lock().await;
                if let Some(router) = routers.get(identity) {
                    return Ok(router.clone());
                }
                let router =
                    real_router(&real.cluster, identity).await.map_err(|error| format!("{error:#}"))?;
                routers.insert(identity.clone(), router.clone());
                Ok(router)
            }
        }
    }

    /// Forgets all history up to now.
    pub(super) fn compact(&self) -> Result<(), String> {
        match self {
            Self::Embedded(server) => {
                server.compact();
                Ok(())
            }
            Self::Real(_) => Err("a shared server cannot forget its history".to_owned()),
        }
    }
}

fn embedded_router(server: &ApiServer, identity: &Identity) -> Router {
    match identity {
        Identity::User { name, groups } => {
            let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
            server.router_as(certified(name, &groups))
        }
        Identity::Proxy => server.router_as_proxy(certified(PROXY, &[])),
        Identity::None => server.router(),
    }
}

/// Returns the user of a certificate, with what TLS would have added: its digest.
fn certified(name: &str, groups: &[&str]) -> UserInfo {
    let mut user = UserInfo::new(name, groups);
    let digest = format!("X509SHA256={}", "0".repeat(64));
    user.extra.insert("authentication.kubernetes.io/credential-id".to_owned(), vec![digest]);
    user
}

async fn real_router(cluster: &RealCluster, identity: &Identity) -> anyhow::Result<Router> {
    let client = match identity {
        Identity::User { name, groups } => {
            let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
            cluster.client_of(name, &groups).await?
        }
        Identity::Proxy => cluster.client_of(PROXY, &[]).await?,
        Identity::None => cluster.anonymous_client().await?,
    };
    Ok(router_as(client))
}
