//! One pass of the control loops: until there is nothing left to do.

use std::time::{Duration, Instant};

use karmada_controllers::leader::{Candidate, LeaderSettings, Standing};
use karmada_controllers::metrics::ResourceTotals;
use karmada_controllers::tenure::Fence;
use karmada_controllers::{ControlPlane, ControlPlaneSettings, Report, StartError};

use super::election::{CONTROLLERS_LEASE, Election};
use crate::api_error::ApiError;

/// How long nothing must happen until nothing more is expected to happen.
const QUIET: Duration = Duration::from_millis(700);

/// What a pass came to.
#[derive(Clone, Debug)]
pub struct Pass {
    pub report: Report,
    /// What was written to members.
    pub written: ResourceTotals,
    pub elapsed: Duration,
}

/// A pass that was not made.
#[derive(Debug, thiserror::Error)]
pub enum PassError {
    #[error("the controllers run in another process already ({leader})")]
    Busy { leader: String },
    #[error("cannot take part in the election")]
    Election(#[source] ApiError),
    #[error("cannot start the controllers")]
    Start(#[source] StartError),
    #[error("the lease was lost before everything was done")]
    Lost,
    #[error("told to stop before everything was done")]
    Stopped,
}

/// Runs the loops until everything is applied and healthy, the time is up, or `stop` completes.
///
/// # Errors
/// When the loops do not start, or run elsewhere already.
pub async fn converge(
    client: kube::Client,
    settings: ControlPlaneSettings,
    election: Election,
    patience: Duration,
    stop: impl Future<Output = ()>,
) -> Result<Pass, PassError> {
    let started = Instant::now();
    let mut candidate = None;
    if let Election::Lease(lease) = election {
        let lease = LeaderSettings { name: CONTROLLERS_LEASE.to_owned(), ..lease };
        let mut contender = Candidate::new(client.clone(), lease);
        match contender.attempt().await {
            Ok(Standing::Leader) => candidate = Some(contender),
            Ok(Standing::Standby { leader }) => return Err(PassError::Busy { leader }),
            Err(source) => return Err(PassError::Election(ApiError(source))),
        }
    }
    let metrics = settings.metrics.clone();
    let fence = candidate.as_ref().map(|candidate| Fence::of(candidate.tenure()));
    let report = tokio::select! {
        report = pass(client, ControlPlaneSettings { fence, ..settings }, started, patience, stop) => report,
        () = hold(&mut candidate) => Err(PassError::Lost),
    };
    release(candidate).await;
    Ok(Pass { report: report?, written: metrics.resources.totals(), elapsed: started.elapsed() })
}

async fn pass(
    client: kube::Client,
    settings: ControlPlaneSettings,
    started: Instant,
    patience: Duration,
    stop: impl Future<Output = ()>,
) -> Result<Report, PassError> {
    tokio::pin!(stop);
    let plane = tokio::select! {
        plane = ControlPlane::start(client, settings) => plane.map_err(PassError::Start)?,
        () = &mut stop => return Err(PassError::Stopped),
    };
    let report = tokio::select! {
        report = settle(&plane, started, patience) => Ok(report),
        () = stop => Err(PassError::Stopped),
    };
    plane.shutdown().await;
    report
}

async fn settle(plane: &ControlPlane, started: Instant, patience: Duration) -> Report {
    loop {
        plane.wait_until_quiet(QUIET, patience.saturating_sub(started.elapsed())).await;
        let report = plane.report();
        // Workloads take their time to become healthy: what is not there yet may still come.
        if report.problems.is_empty() || started.elapsed() >= patience {
            return report;
        }
        tokio::time::sleep(QUIET).await;
    }
}

async fn hold(candidate: &mut Option<Candidate>) {
    match candidate {
        Some(candidate) => candidate.hold().await,
        None => std::future::pending().await,
    }
}

async fn release(candidate: Option<Candidate>) {
    if let Some(mut candidate) = candidate {
        candidate.release().await;
    }
}
