//! The control loops of one process among several: they run while it leads.

use std::sync::Arc;

use karmada_controllers::hub::Runtime;
use karmada_controllers::leader::{Candidate, LeaderSettings, Standing};
use karmada_controllers::metrics::{Metrics, Role};
use karmada_controllers::{ControlPlane, ControlPlaneSettings, Controller, StartError};
use parking_lot::Mutex;
use tokio::sync::watch;

use super::observe::{Phase, RefreshMetrics};
use crate::api_error::ApiError;

/// The lease of the controllers.
pub const CONTROLLERS_LEASE: &str = "karmada-controller-manager";
/// The lease of the scheduler, which upstream is a program of its own.
pub const SCHEDULER_LEASE: &str = "karmada-scheduler";

/// Whether several processes take turns.
#[derive(Clone, Debug)]
pub enum Election {
    /// The loops run at once, whoever else does.
    None,
    /// They run while this process holds the lease of this name, which these settings have.
    Lease(LeaderSettings),
}

/// What a process tells while it runs.
#[derive(Clone, Debug)]
pub struct Progress {
    phase: watch::Sender<Phase>,
    running: Arc<Mutex<Option<Runtime>>>,
}

impl Default for Progress {
    fn default() -> Self {
        Self { phase: watch::Sender::new(Phase::Starting), running: Arc::default() }
    }
}

impl Progress {
    /// What a process tells whose loops run already.
    pub fn running(runtime: &Runtime) -> Self {
        let progress = Self { phase: watch::Sender::new(Phase::Working), ..Self::default() };
        *progress.running.lock() = Some(runtime.clone());
        progress
    }

    /// Says what the process does now.
    pub fn tell(&self, phase: Phase) {
        self.phase.send_replace(phase);
    }

    /// Looks at these loops from now on.
    pub fn follow(&self, runtime: &Runtime) {
        *self.running.lock() = Some(runtime.clone());
    }

    /// Looks at no loops any more.
    pub fn forget(&self) {
        *self.running.lock() = None;
    }

    /// Follows what the process does.
    pub fn phase(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }
}

impl RefreshMetrics for Progress {
    fn refresh(&self) {
        let running = self.running.lock();
        let Some(runtime) = running.as_ref() else { return };
        for (controller, load) in runtime.loads() {
            runtime.metrics().runtime.queued(controller, load.waiting);
        }
    }
}

/// Loops that did not start, or an election that cannot be held.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("cannot start the controllers")]
    Start(#[source] StartError),
    #[error("cannot take part in the election")]
    Election(#[source] ApiError),
}

/// Runs the loops while this process leads, until it is dropped or `stop` completes.
///
/// A lost lease ends the loops; the process then stands by again.
///
/// # Errors
/// When the loops do not start.
pub async fn run(
    client: kube::Client,
    settings: ControlPlaneSettings,
    election: Election,
    progress: &Progress,
    stop: impl Future<Output = ()>,
) -> Result<(), RunError> {
    tokio::pin!(stop);
    let Election::Lease(lease) = election else {
        let plane = start(&client, &settings, progress).await?;
        stop.await;
        plane.shutdown().await;
        return Ok(());
    };
    let candidate = |name: &str| {
        Candidate::new(client.clone(), LeaderSettings { name: name.to_owned(), ..lease.clone() })
    };
    let mut controllers = candidate(CONTROLLERS_LEASE);
    let mut scheduler = candidate(SCHEDULER_LEASE);
    let metrics = settings.metrics.clone();
    let result = loop {
        tell(&metrics, Role::Standby, Role::Standby);
        if !matches!(controllers.attempt().await, Ok(Standing::Leader)) {
            progress.phase.send_replace(Phase::StandingBy);
            tokio::select! {
                () = &mut stop => break Ok(()),
                () = controllers.lead() => {}
            }
        }
        let wants_scheduler = settings.controllers.is_enabled(Controller::Scheduler);
        // Upstream's own scheduler may hold its lease; then it schedules, and this process does the rest.
        let schedules = wants_scheduler
            && match scheduler.attempt().await {
                Ok(standing) => standing == Standing::Leader,
                Err(source) => break Err(RunError::Election(ApiError(source))),
            };
        tell(&metrics, Role::Leader, if schedules { Role::Leader } else { Role::Standby });
        let mut wanted = settings.clone();
        if !schedules {
            wanted.controllers = wanted.controllers.without(Controller::Scheduler);
        }
        progress.phase.send_replace(Phase::Starting);
        let plane = match start(&client, &wanted, progress).await {
            Ok(plane) => plane,
            Err(error) => break Err(error),
        };
        let is_stopped = tokio::select! {
            () = &mut stop => true,
            () = controllers.hold() => false,
            () = async {
                if !wants_scheduler {
                    std::future::pending::<()>().await;
                }
                if !schedules {
                    scheduler.lead().await;
                    tell(&metrics, Role::Leader, Role::Leader);
                    plane.start_scheduler();
                }
                scheduler.hold().await;
            } => false,
        };
        *progress.running.lock() = None;
        plane.shutdown().await;
        if is_stopped {
            break Ok(());
        }
        scheduler.release().await;
    };
    controllers.release().await;
    scheduler.release().await;
    result
}

/// Runs loops under a lease of their own while this process leads, until `stop` completes: one of upstream's programs.
///
/// A lost lease ends the loops; the process then stands by again.
///
/// # Errors
/// When the loops do not start.
pub async fn run_component(
    client: kube::Client,
    settings: ControlPlaneSettings,
    election: Election,
    progress: &Progress,
    stop: impl Future<Output = ()>,
) -> Result<(), RunError> {
    let Election::Lease(lease) = election else {
        return run(client, settings, Election::None, progress, stop).await;
    };
    tokio::pin!(stop);
    let metrics = settings.metrics.clone();
    let name = lease.name.clone();
    let mut candidate = Candidate::new(client.clone(), lease);
    let result = loop {
        metrics.runtime.set_role(&name, Role::Standby);
        if !matches!(candidate.attempt().await, Ok(Standing::Leader)) {
            progress.phase.send_replace(Phase::StandingBy);
            tokio::select! {
                () = &mut stop => break Ok(()),
                () = candidate.lead() => {}
            }
        }
        metrics.runtime.set_role(&name, Role::Leader);
        progress.phase.send_replace(Phase::Starting);
        // Filling the caches may take longer than the lease lasts.
        let (started, is_lost) = {
            let starting = start(&client, &settings, progress);
            tokio::pin!(starting);
            tokio::select! {
                started = &mut starting => (started, false),
                () = candidate.hold() => (starting.await, true),
            }
        };
        let plane = match started {
            Ok(plane) => plane,
            Err(error) => break Err(error),
        };
        let is_stopped = tokio::select! {
            biased;
            () = std::future::ready(()), if is_lost => false,
            () = &mut stop => true,
            () = candidate.hold() => false,
        };
        *progress.running.lock() = None;
        plane.shutdown().await;
        if is_stopped {
            break Ok(());
        }
    };
    candidate.release().await;
    result
}

async fn start(
    client: &kube::Client,
    settings: &ControlPlaneSettings,
    progress: &Progress,
) -> Result<ControlPlane, RunError> {
    let plane = ControlPlane::start(client.clone(), settings.clone()).await.map_err(RunError::Start)?;
    *progress.running.lock() = Some(plane.runtime().clone());
    progress.phase.send_replace(Phase::Working);
    tracing::info!("the controllers are running");
    Ok(plane)
}

fn tell(metrics: &Metrics, controllers: Role, scheduler: Role) {
    metrics.runtime.set_role(CONTROLLERS_LEASE, controllers);
    metrics.runtime.set_role(SCHEDULER_LEASE, scheduler);
}
