//! A member behind a switch that makes it sick, for a control plane in another process.

use std::net::Ipv4Addr;

use karmada_apiserver::server::Limits;
use karmadactl::embedded::{ApiOptions, EmbeddedOptions, EmbeddedServer, Storage};
use karmadactl::join::{JoinOptions, join_cluster};
use kube::Client;
use serde_json::json;

use super::server::FaultyServer;
use super::world::{eventually, merge};

/// A member behind a switch that makes it sick. It ends when it is dropped.
#[derive(Debug)]
pub struct SickMember {
    pub door: FaultyServer,
    server: EmbeddedServer,
}

impl SickMember {
    /// Starts a member that is well, joins it and waits until it is ready.
    pub async fn join(control_plane: &Client, name: &str) -> anyhow::Result<Self> {
        let options = EmbeddedOptions {
            name: name.to_owned(),
            storage: Storage::Memory,
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            preferred: None,
            api: ApiOptions::default(),
            limits: Limits::default(),
        };
        let server = EmbeddedServer::plain(&options).await?;
        let door = FaultyServer::over(server.token_clients()).await?;
        join_cluster(control_plane, &server.client(), &JoinOptions::new(name, door.url())).await?;
        let secret = format!("/api/v1/namespaces/karmada-cluster/secrets/{name}");
        merge(control_plane, &secret, &json!({"data": {"caBundle": door.ca_bundle()}})).await?;
        let path = format!("/apis/cluster.karmada.io/v1alpha1/clusters/{name}");
        eventually(&format!("{name} is ready"), async || {
            let cluster = karmadactl::raw::read(control_plane, &path).await?.unwrap_or_default();
            let conditions = cluster["status"]["conditions"].clone();
            let mut all = conditions.as_array().into_iter().flatten();
            let is_ready = all.any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
            Ok(if is_ready { Ok(()) } else { Err(conditions) })
        })
        .await?;
        Ok(Self { door, server })
    }

    /// Returns a client of the member, past its faults.
    pub fn client(&self) -> Client {
        self.server.client()
    }

    /// Ends the member.
    pub async fn shutdown(self) {
        self.server.shutdown().await;
    }
}
