//! All controllers over one client.

use std::sync::Arc;

use karmada_core::api::{Feature, FeatureGates};
use karmada_core::scheduling::FeatureGates as SchedulingGates;
use kube::Client;
use parking_lot::Mutex;
use tokio::sync::mpsc;

use crate::cluster_status::StatusSettings;
use crate::controllers::{Controller, ControllerSet};
use crate::dial::FencedClientError;
use crate::hub::{ClientSettings, Hub, Rate, Runtime, RuntimeSettings, shape};
use crate::interpreter::LiveInterpreter;
use crate::members::{Connector, Fleet};
use crate::metrics::Metrics;
use crate::stand_in::{self, Admission};
use crate::tenure::Fence;
use crate::{
    agent_csr, binding, binding_status, cluster, cluster_status, dependencies, detector, execution,
    namespace_sync, quota, rebalancer, remedy, scheduler, unified_auth,
};

/// Which part of the controllers a process runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Part {
    /// Those that are enabled.
    #[default]
    Enabled,
    /// The scheduler alone: nothing is read of templates and members.
    Scheduler,
}

impl Part {
    /// Returns the name of upstream's program that does this part.
    fn program(self) -> &'static str {
        match self {
            Self::Enabled => "karmada-controller-manager",
            Self::Scheduler => "karmada-scheduler",
        }
    }
}

/// How the controllers run. The defaults are upstream's, but for the limits on rates: there are none.
#[derive(Clone, Debug, Default)]
pub struct ControlPlaneSettings {
    /// How member clusters are reached.
    pub connector: Connector,
    pub gates: FeatureGates,
    pub controllers: ControllerSet,
    pub status: StatusSettings,
    pub monitor: cluster::MonitorSettings,
    pub detector: detector::DetectorSettings,
    pub scheduler: scheduler::SchedulerSettings,
    /// Retries and workers of the queues.
    pub runtime: RuntimeSettings,
    /// Calls of the control plane's API server.
    pub api_rate: Option<Rate>,
    /// Calls of each member's API server.
    pub member_rate: Option<Rate>,
    pub admission: Admission,
    pub metrics: Metrics,
    pub part: Part,
    /// What all writes must pass, those to members as well.
    pub fence: Option<Fence>,
}

/// Why the controllers did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("no client can be made for the control plane")]
    Client(#[source] FencedClientError),
    #[error("failed to read which kinds the control plane serves")]
    Discovery(#[source] Box<kube::Error>),
    #[error("the control plane does not serve {0}: its CustomResourceDefinitions are not installed")]
    MissingKind(String),
    #[error("the first lists were not complete in time{}", .last_error.as_ref().map(|error| format!(": {error}")).unwrap_or_default())]
    NotSynced {
        /// What a watch said last, if it failed.
        last_error: Option<String>,
    },
}

impl StartError {
    /// Whether the next try may succeed with nothing put right: the API server did not answer, or not well.
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Discovery(source) => {
                !matches!(&**source, kube::Error::Api(status) if matches!(status.code, 401 | 403))
            }
            Self::Client(_) | Self::MissingKind(_) => false,
            Self::NotSynced { .. } => true,
        }
    }
}

/// All controllers over one client.
#[derive(Debug)]
pub struct ControlPlane {
    hub: Arc<Hub>,
    fleet: Arc<Fleet>,
    runtime: Runtime,
    /// How the scheduler runs, until it does.
    scheduler: Mutex<Option<scheduler::SchedulerSettings>>,
}

impl ControlPlane {
    /// Starts all controllers.
    ///
    /// Returns when every cache has its first list; work goes on in the background until
    /// [`ControlPlane::shutdown`]. Dropped before it returns, nothing goes on.
    ///
    /// # Errors
    /// When the API server cannot be asked what it serves, or does not serve Karmada's kinds.
    pub async fn start(client: Client, settings: ControlPlaneSettings) -> Result<Self, StartError> {
        let ControlPlaneSettings {
            connector,
            gates,
            controllers,
            status,
            monitor,
            detector: detector_settings,
            scheduler: mut scheduler_settings,
            runtime: runtime_settings,
            api_rate,
            member_rate,
            admission,
            metrics,
            part,
            fence,
        } = settings;
        scheduler_settings.options.gates = scheduling_gates(&gates);
        let is_enabled = |controller| controllers.is_enabled(controller);
        let stands_in = admission == Admission::StandIn;
        let client = shape(
            client,
            ClientSettings {
                program: Some(part.program()),
                rate: api_rate,
                counted: stands_in.then(|| (metrics.clone(), "control-plane".to_owned())),
                defaults: stands_in.then(|| stand_in::defaults(gates.clone())),
                fence: fence.clone(),
            },
        );
        let connector = connector.with_rate(member_rate).with_fence(fence);
        let runtime = Runtime::with_settings(runtime_settings, metrics);
        let unfinished = runtime.cancellation().drop_guard();
        let hub = match Hub::start(client, runtime.clone(), gates.clone()).await {
            Ok(hub) => hub,
            Err(error) => {
                runtime.shutdown().await;
                return Err(error);
            }
        };
        let fleet = Arc::new(Fleet::new());
        if part == Part::Scheduler {
            let plane = Self { hub, fleet, runtime, scheduler: Mutex::new(Some(scheduler_settings)) };
            plane.start_scheduler();
            unfinished.disarm();
            return Ok(plane);
        }
        let interpreter = Arc::new(LiveInterpreter::start(&hub));

        // Caches of user kinds first: the other controllers read templates from them.
        let detector_settings = Arc::new(detector_settings);
        if let Err(error) = detector::start_caches(&hub, &detector_settings).await {
            runtime.shutdown().await;
            return Err(StartError::Discovery(Box::new(error)));
        }
        if stands_in {
            stand_in::start(&hub);
        }
        execution::route_works(&hub, fleet.clone());
        let (started, mut members) = mpsc::unbounded_channel();
        cluster::start(cluster::Context {
            hub: hub.clone(),
            fleet: fleet.clone(),
            connector,
            started,
            // Members are served even when what the controller writes is left to another process.
            writes: if is_enabled(Controller::Cluster) {
                cluster::Writes::All
            } else {
                cluster::Writes::None
            },
        });
        {
            let (hub, interpreter) = (hub.clone(), interpreter.clone());
            let (watches, executes) =
                (is_enabled(Controller::ClusterStatus), is_enabled(Controller::Execution));
            runtime.spawn_cancellable(async move {
                while let Some(member) = members.recv().await {
                    if watches {
                        cluster_status::start(hub.clone(), member.clone(), status);
                    } else {
                        member.set_looked_at();
                    }
                    if executes {
                        execution::start(execution::Context {
                            events: hub.events.for_component("execution-controller"),
                            hub: hub.clone(),
                            member,
                            interpreter: interpreter.clone(),
                        });
                    }
                }
            });
        }
        if is_enabled(Controller::Cluster) {
            cluster::monitor::start(&hub, monitor);
        }
        if is_enabled(Controller::AgentCsrApproving) {
            agent_csr::start(&hub);
        }
        if is_enabled(Controller::Namespace) {
            namespace_sync::start(&hub, &detector_settings);
        }
        detector::start(&hub, &interpreter, &detector_settings);
        if gates.is_enabled(Feature::PropagateDeps) {
            dependencies::start(&hub, &interpreter);
        }
        if is_enabled(Controller::Binding) {
            binding::start(&hub, &interpreter);
        }
        if is_enabled(Controller::BindingStatus) {
            binding_status::start(&hub, &interpreter);
        }
        if is_enabled(Controller::UnifiedAuth) {
            unified_auth::start(&hub);
        }
        if is_enabled(Controller::FederatedResourceQuotaSync) {
            let is_enforced = gates.is_enabled(Feature::FederatedQuotaEnforcement)
                && is_enabled(Controller::FederatedResourceQuotaEnforcement);
            let enforcement = if is_enforced { quota::Enforcement::On } else { quota::Enforcement::Off };
            quota::start(&hub, enforcement);
        }
        if is_enabled(Controller::WorkloadRebalancer) {
            rebalancer::start(&hub);
        }
        if is_enabled(Controller::Remedy) {
            remedy::start(&hub);
        }
        let plane = Self { hub, fleet, runtime, scheduler: Mutex::new(Some(scheduler_settings)) };
        if is_enabled(Controller::Scheduler) {
            plane.start_scheduler();
        }
        unfinished.disarm();
        Ok(plane)
    }

    /// Starts the scheduler where it was left out at first; it runs once at most.
    pub fn start_scheduler(&self) {
        let settings = self.scheduler.lock().take();
        if let Some(settings) = settings {
            scheduler::start(&self.hub, settings);
        }
    }

    /// Returns the caches of the control plane.
    pub fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// Returns the members that are served.
    pub fn fleet(&self) -> &Arc<Fleet> {
        &self.fleet
    }

    /// Returns the tasks of the controllers, which know their queues and metrics.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Ends all controllers and waits for them.
    pub async fn shutdown(&self) {
        for member in self.fleet.list() {
            member.stop().await;
        }
        self.runtime.shutdown().await;
    }
}

fn scheduling_gates(gates: &FeatureGates) -> SchedulingGates {
    let on = |feature| gates.is_enabled(feature);
    SchedulingGates {
        customized_cluster_resource_modeling: on(Feature::CustomizedClusterResourceModeling),
        workload_affinity: on(Feature::WorkloadAffinity),
        multiple_pod_templates_scheduling: on(Feature::MultiplePodTemplatesScheduling),
        scheduling_overcommit_protection: on(Feature::SchedulingOvercommitProtection),
    }
}
