//! All controllers over one client.

use std::sync::Arc;

use karmada_core::api::Feature;
use kube::Client;
use tokio::sync::mpsc;

use crate::cluster_status::StatusSettings;
use crate::hub::{Hub, Runtime};
use crate::interpreter::LiveInterpreter;
use crate::members::{Connector, Fleet};
use crate::{
    binding, binding_status, cluster, cluster_status, dependencies, detector, execution, namespace_sync,
    rebalancer, remedy, scheduler,
};

/// How the controllers run. The defaults are upstream's.
#[derive(Clone, Debug, Default)]
pub struct ControlPlaneSettings {
    /// How member clusters are reached.
    pub connector: Connector,
    pub status: StatusSettings,
    pub detector: detector::DetectorSettings,
    pub scheduler: scheduler::SchedulerSettings,
}

/// Why the controllers did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("failed to read which kinds the control plane serves")]
    Discovery(#[source] Box<kube::Error>),
    #[error("the control plane does not serve {0}: its CustomResourceDefinitions are not installed")]
    MissingKind(String),
}

/// All controllers over one client.
#[derive(Debug)]
pub struct ControlPlane {
    hub: Arc<Hub>,
    fleet: Arc<Fleet>,
    runtime: Runtime,
}

impl ControlPlane {
    /// Starts all controllers.
    ///
    /// Returns when every cache has its first list; work goes on in the background until
    /// [`ControlPlane::shutdown`].
    ///
    /// # Errors
    /// When the API server cannot be asked what it serves, or does not serve Karmada's kinds.
    pub async fn start(client: Client, settings: ControlPlaneSettings) -> Result<Self, StartError> {
        let ControlPlaneSettings {
            connector,
            status,
            detector: detector_settings,
            scheduler: scheduler_settings,
        } = settings;
        let runtime = Runtime::new();
        let hub = Hub::start(client, runtime.clone()).await?;
        let fleet = Arc::new(Fleet::new());
        let interpreter = Arc::new(LiveInterpreter::start(&hub));

        // Caches of user kinds first: the other controllers read templates from them.
        let detector_settings = Arc::new(detector_settings);
        detector::start_caches(&hub, &detector_settings)
            .await
            .map_err(|error| StartError::Discovery(Box::new(error)))?;
        execution::route_works(&hub, fleet.clone());
        let (started, mut members) = mpsc::unbounded_channel();
        cluster::start(cluster::Context { hub: hub.clone(), fleet: fleet.clone(), connector, started });
        {
            let (hub, interpreter) = (hub.clone(), interpreter.clone());
            runtime.spawn_cancellable(async move {
                while let Some(member) = members.recv().await {
                    cluster_status::start(hub.clone(), member.clone(), status);
                    execution::start(execution::Context {
                        events: hub.events.for_component("execution-controller"),
                        hub: hub.clone(),
                        member,
                        interpreter: interpreter.clone(),
                    });
                }
            });
        }
        namespace_sync::start(&hub, &detector_settings);
        detector::start(&hub, &interpreter, &detector_settings);
        scheduler::start(&hub, scheduler_settings);
        if detector_settings.gates.is_enabled(Feature::PropagateDeps) {
            dependencies::start(&hub, &interpreter);
        }
        binding::start(&hub, &interpreter);
        binding_status::start(&hub, &interpreter);
        rebalancer::start(&hub);
        remedy::start(&hub);
        Ok(Self { hub, fleet, runtime })
    }

    /// Returns the caches of the control plane.
    pub fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// Returns the members that are served.
    pub fn fleet(&self) -> &Arc<Fleet> {
        &self.fleet
    }

    /// Ends all controllers and waits for them.
    pub async fn shutdown(&self) {
        for member in self.fleet.list() {
            member.stop().await;
        }
        self.runtime.shutdown().await;
    }
}
