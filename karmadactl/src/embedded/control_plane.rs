//! A control plane in this process: API server and controllers.

use std::sync::Arc;

use karmada_controllers::{ControlPlane, ControlPlaneSettings, StartError};

use crate::attached::election::Progress;
use crate::attached::observe::Observed;
use crate::register::ObjectError;
use crate::register::bootstrap::ensure_bootstrap;

use super::server::{EmbeddedError, EmbeddedOptions, EmbeddedServer};

/// A control plane in this process.
#[derive(Debug)]
pub struct EmbeddedControlPlane {
    server: EmbeddedServer,
    controllers: ControlPlane,
}

/// A control plane that did not start.
#[derive(Debug, thiserror::Error)]
pub enum ControlPlaneError {
    #[error(transparent)]
    Server(#[from] EmbeddedError),
    #[error("cannot start the controllers")]
    Controllers(#[source] StartError),
    #[error("cannot prepare the registration of clusters")]
    Registration(#[source] ObjectError),
}

impl EmbeddedControlPlane {
    /// Starts an API server with Karmada's kinds and the controllers over it.
    pub async fn start(
        options: &EmbeddedOptions,
        settings: ControlPlaneSettings,
    ) -> Result<Self, ControlPlaneError> {
        let server = EmbeddedServer::karmada_reaching(options, settings.connector.clone()).await?;
        Self::over(server, settings).await
    }

    /// Starts the controllers over an API server.
    pub(super) async fn over(
        server: EmbeddedServer,
        settings: ControlPlaneSettings,
    ) -> Result<Self, ControlPlaneError> {
        let prepared = ensure_bootstrap(
            &server.client(),
            &server.public_url(),
            server.certificate_authority().as_bytes(),
        )
        .await;
        if let Err(error) = prepared {
            server.shutdown().await;
            return Err(ControlPlaneError::Registration(error));
        }
        match ControlPlane::start(server.client(), settings).await {
            Ok(controllers) => Ok(Self { server, controllers }),
            Err(source) => {
                server.shutdown().await;
                Err(ControlPlaneError::Controllers(source))
            }
        }
    }

    /// The API server.
    pub fn server(&self) -> &EmbeddedServer {
        &self.server
    }

    /// What is served about the controllers.
    pub fn observed(&self) -> Observed {
        let progress = Progress::running(self.controllers.runtime());
        Observed {
            metrics: self.controllers.runtime().metrics().clone(),
            phase: progress.phase(),
            refresh: Arc::new(progress),
        }
    }

    /// Stops the controllers, then the API server.
    pub async fn shutdown(&self) {
        self.controllers.shutdown().await;
        self.server.shutdown().await;
    }
}
