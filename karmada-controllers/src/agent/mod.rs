//! The agent of a Pull cluster: it runs in the member, fetches the member's Works and reports back.
//!
//! It knows of the control plane only its own Cluster, its own execution namespace and the interpreters. What it does is
//! what the control plane does for Push clusters, by the same controllers: execution, status of Works, status of the
//! cluster. It adds a lease that says that it lives.

mod lease;
mod renewable;

use std::sync::Arc;
use std::time::Duration;

use karmada_core::api::FeatureGates;
use karmada_core::api::reserved::CLUSTER_NAMESPACE;
use kube::{Client, ResourceExt};

use crate::cluster_status::{self, StatusSettings};
use crate::control_plane::StartError;
use crate::controllers::{Controller, ControllerSet};
use crate::execution;
use crate::hub::{Change, ClientSettings, Hub, Rate, Runtime, RuntimeSettings, shape};
use crate::interpreter::LiveInterpreter;
use crate::members::{Endpoint, Fleet, Member, Verification};
use crate::metrics::Metrics;
use crate::tenure::Fence;

pub use lease::LeaseSettings;
pub use renewable::{Clients, RenewableClient};

/// The controllers that `*` may mean in an agent, and those that it may be told to run besides.
pub const CONTROLLERS: [Controller; 6] = [
    Controller::ClusterStatus,
    Controller::Execution,
    Controller::WorkStatus,
    Controller::ServiceExport,
    Controller::EndpointSliceCollect,
    Controller::CertRotation,
];

/// How an agent runs.
#[derive(Clone, Debug)]
pub struct AgentSettings {
    /// Name of the Cluster.
    pub cluster: String,
    /// Address of the member, for what is logged.
    pub member_url: String,
    pub gates: FeatureGates,
    pub controllers: ControllerSet,
    pub status: StatusSettings,
    pub lease: LeaseSettings,
    /// Retries and workers of the queues.
    pub runtime: RuntimeSettings,
    /// Calls of the control plane's API server.
    pub api_rate: Option<Rate>,
    /// Calls of the member's API server.
    pub member_rate: Option<Rate>,
    /// How long the first lists may take.
    pub sync_timeout: Duration,
    pub metrics: Metrics,
    /// What all writes must pass, those to the member as well.
    pub fence: Option<Fence>,
}

impl AgentSettings {
    /// Serves a cluster with upstream's settings, but for the limits on rates: there are none.
    pub fn new(cluster: impl Into<String>) -> Self {
        Self {
            cluster: cluster.into(),
            member_url: String::new(),
            gates: FeatureGates::default(),
            controllers: ControllerSet::default(),
            status: StatusSettings::default(),
            lease: LeaseSettings::default(),
            runtime: RuntimeSettings::default(),
            api_rate: None,
            member_rate: None,
            sync_timeout: Duration::from_mins(2),
            metrics: Metrics::default(),
            fence: None,
        }
    }
}

/// The controllers of an agent.
#[derive(Debug)]
pub struct Agent {
    member: Arc<Member>,
    runtime: Runtime,
}

impl Agent {
    /// Starts the controllers. Returns when what the control plane has for this member is known; dropped before, nothing
    /// goes on.
    ///
    /// # Errors
    /// When the control plane cannot be asked, or does not show the agent what is its own.
    pub async fn start(
        control_plane: Client,
        member: Client,
        settings: AgentSettings,
    ) -> Result<Self, StartError> {
        let AgentSettings {
            cluster,
            member_url,
            gates,
            controllers,
            status,
            lease,
            runtime: runtime_settings,
            api_rate,
            member_rate,
            sync_timeout,
            metrics,
            fence,
        } = settings;
        let program = Some("karmada-agent");
        let shaped =
            |rate| ClientSettings { program, rate, fence: fence.clone(), ..ClientSettings::default() };
        let control_plane = shape(control_plane, shaped(api_rate));
        let member = shape(member, shaped(member_rate));
        let runtime = Runtime::with_settings(runtime_settings, metrics);
        let unfinished = runtime.cancellation().drop_guard();
        let hub = Hub::start_for_agent(control_plane, runtime.clone(), gates, &cluster, sync_timeout).await;
        let hub = match hub {
            Ok(hub) => hub,
            Err(error) => {
                runtime.shutdown().await;
                return Err(error);
            }
        };
        let interpreter = Arc::new(LiveInterpreter::start(&hub));
        let endpoint = Endpoint {
            url: member_url,
            // The member's client brings its own credentials.
            token: String::new(),
            ca_bundle: Vec::new(),
            verification: Verification::Full,
            proxy_url: None,
            proxy_headers: std::collections::BTreeMap::new(),
        };
        let member = Arc::new(Member::new(&cluster, endpoint, member, runtime.child()));
        let fleet = Arc::new(Fleet::new());
        fleet.insert(member.clone());
        execution::route_works(&hub, fleet);
        follow_readiness(&hub, &member);
        if controllers.is_enabled(Controller::ClusterStatus) {
            cluster_status::start(hub.clone(), member.clone(), status);
        } else {
            member.set_looked_at();
        }
        if controllers.is_enabled(Controller::Execution) {
            execution::start(execution::Context {
                events: hub.events.for_component("execution-controller"),
                hub: hub.clone(),
                member: member.clone(),
                interpreter,
            });
        }
        lease::start(&hub, &member, lease);
        unfinished.disarm();
        Ok(Self { member, runtime })
    }

    /// Returns the tasks of the controllers, which know their queues and metrics.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Ends all controllers and waits for them.
    pub async fn shutdown(&self) {
        self.member.stop().await;
        self.runtime.shutdown().await;
    }
}

/// Lets the member's unit know what its Cluster says.
fn follow_readiness(hub: &Hub, member: &Arc<Member>) {
    let (member, name) = (Arc::downgrade(member), member.name.clone());
    hub.clusters.on_change(move |change| {
        let Some(member) = member.upgrade() else { return };
        if change.object().name_any() != name || matches!(change, Change::Deleted(_)) {
            return;
        }
        let is_ready = change.object().is_ready();
        member.ready.send_if_modified(|ready| std::mem::replace(ready, is_ready) != is_ready);
    });
}

/// Namespace of the leases and credentials of agents in the control plane.
pub const NAMESPACE: &str = CLUSTER_NAMESPACE;
