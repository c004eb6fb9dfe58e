//! The control loops of one process among several: they run while it leads.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use karmada_controllers::hub::Runtime;
use karmada_controllers::leader::{Candidate, LeaderSettings, Standing};
use karmada_controllers::metrics::{Metrics, Role};
use karmada_controllers::tenure::Fence;
use karmada_controllers::{ControlPlane, ControlPlaneSettings, Controller, StartError};
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use super::observe::{Phase, RefreshMetrics};
use crate::context::ControlPlane as Server;
use crate::error::chain_line;

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

/// How a time of work ended.
#[derive(Debug)]
enum Ended {
    /// Told to stop; the lease is still held.
    Stopped,
    /// Another process may work now.
    Lost,
    /// The loops did not start.
    NotStarted(StartError),
}

/// Runs the loops while this process leads, until it is dropped or `stop` completes.
///
/// A lost lease ends the loops; the process then stands by again.
///
/// # Errors
/// When the loops do not start, for a reason that does not pass by itself.
pub async fn run(
    server: &Server,
    settings: ControlPlaneSettings,
    election: Election,
    progress: &Progress,
    stop: impl Future<Output = ()>,
) -> Result<(), StartError> {
    tokio::pin!(stop);
    let Election::Lease(lease) = election else {
        let never = std::future::pending;
        return match work(&server.client, settings, progress, never(), never(), stop.as_mut()).await {
            Ended::Stopped | Ended::Lost => Ok(()),
            Ended::NotStarted(error) => Err(error),
        };
    };
    let candidate = |name: &str| {
        Candidate::new(server.client.clone(), LeaderSettings { name: name.to_owned(), ..lease.clone() })
    };
    let mut controllers = candidate(CONTROLLERS_LEASE);
    let mut scheduler = candidate(SCHEDULER_LEASE);
    let metrics = settings.metrics.clone();
    let wants_scheduler = settings.controllers.is_enabled(Controller::Scheduler);
    // A server that starts again does not serve its CustomResourceDefinitions at once.
    let mut has_led = false;
    let result = loop {
        tell(&metrics, Role::Standby, Role::Standby);
        if !lead(&mut controllers, progress, stop.as_mut()).await {
            break Ok(());
        }
        // Upstream's own scheduler may hold its lease; then it schedules, and this process does the rest.
        let schedules = wants_scheduler && matches!(scheduler.attempt().await, Ok(Standing::Leader));
        tell(&metrics, Role::Leader, if schedules { Role::Leader } else { Role::Standby });
        let fence = Fence::of(controllers.tenure());
        let client = match server.fenced_client(&fence) {
            Ok(client) => client,
            Err(error) => break Err(StartError::Client(error)),
        };
        let mut wanted = ControlPlaneSettings { fence: Some(fence.clone()), ..settings.clone() };
        if schedules {
            fence.add(scheduler.tenure());
        } else {
            wanted.controllers = wanted.controllers.without(Controller::Scheduler);
        }
        let granted = Notify::new();
        let hold = async {
            let also_scheduling = async {
                if !wants_scheduler {
                    std::future::pending::<()>().await;
                }
                if !schedules {
                    scheduler.lead().await;
                    tell(&metrics, Role::Leader, Role::Leader);
                    fence.add(scheduler.tenure());
                    granted.notify_one();
                }
                scheduler.hold().await;
            };
            tokio::select! {
                () = controllers.hold() => {}
                () = also_scheduling => {}
            }
        };
        match Box::pin(work(&client, wanted, progress, hold, granted.notified(), stop.as_mut())).await {
            Ended::Stopped => break Ok(()),
            Ended::Lost => {
                has_led = true;
                scheduler.release().await;
            }
            Ended::NotStarted(error) if has_led || error.is_retriable() => {
                scheduler.release().await;
                let pause = lease.retry_period;
                if !try_later(&mut controllers, &error, pause, stop.as_mut()).await {
                    break Ok(());
                }
            }
            Ended::NotStarted(error) => break Err(error),
        }
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
/// When the loops do not start, for a reason that does not pass by itself.
pub async fn run_component(
    server: &Server,
    settings: ControlPlaneSettings,
    election: Election,
    progress: &Progress,
    stop: impl Future<Output = ()>,
) -> Result<(), StartError> {
    let Election::Lease(lease) = election else {
        return run(server, settings, Election::None, progress, stop).await;
    };
    tokio::pin!(stop);
    let metrics = settings.metrics.clone();
    let (name, pause) = (lease.name.clone(), lease.retry_period);
    let mut candidate = Candidate::new(server.client.clone(), lease);
    // As above.
    let mut has_led = false;
    let result = loop {
        metrics.runtime.set_role(&name, Role::Standby);
        if !lead(&mut candidate, progress, stop.as_mut()).await {
            break Ok(());
        }
        metrics.runtime.set_role(&name, Role::Leader);
        let fence = Fence::of(candidate.tenure());
        let client = match server.fenced_client(&fence) {
            Ok(client) => client,
            Err(error) => break Err(StartError::Client(error)),
        };
        let wanted = ControlPlaneSettings { fence: Some(fence), ..settings.clone() };
        let never = std::future::pending();
        match work(&client, wanted, progress, candidate.hold(), never, stop.as_mut()).await {
            Ended::Stopped => break Ok(()),
            Ended::Lost => has_led = true,
            Ended::NotStarted(error) if has_led || error.is_retriable() => {
                if !try_later(&mut candidate, &error, pause, stop.as_mut()).await {
                    break Ok(());
                }
            }
            Ended::NotStarted(error) => break Err(error),
        }
    };
    candidate.release().await;
    result
}

/// Waits until this process leads; false when it is told to stop.
async fn lead(
    candidate: &mut Candidate,
    progress: &Progress,
    stop: Pin<&mut impl Future<Output = ()>>,
) -> bool {
    let leading = async {
        if !matches!(candidate.attempt().await, Ok(Standing::Leader)) {
            progress.tell(Phase::StandingBy);
            candidate.lead().await;
        }
    };
    tokio::select! {
        () = stop => false,
        () = leading => true,
    }
}

/// Lets another process try what this one could not, and waits; false when it is told to stop.
async fn try_later(
    candidate: &mut Candidate,
    error: &StartError,
    pause: Duration,
    stop: Pin<&mut impl Future<Output = ()>>,
) -> bool {
    tracing::warn!(error = chain_line(error), "the controllers did not start, will retry");
    candidate.release().await;
    tokio::select! {
        () = stop => false,
        () = tokio::time::sleep(pause) => true,
    }
}

/// Runs the loops until `lost` or `stop` completes; those of the scheduler, where they were left out, from `granted` on.
async fn work(
    client: &kube::Client,
    settings: ControlPlaneSettings,
    progress: &Progress,
    lost: impl Future<Output = ()>,
    granted: impl Future<Output = ()>,
    mut stop: Pin<&mut impl Future<Output = ()>>,
) -> Ended {
    tokio::pin!(lost);
    progress.tell(Phase::Starting);
    // Filling the caches may take longer than the lease lasts.
    let plane = tokio::select! {
        started = Box::pin(ControlPlane::start(client.clone(), settings)) => match started {
            Ok(plane) => plane,
            Err(error) => return Ended::NotStarted(error),
        },
        () = stop.as_mut() => return Ended::Stopped,
        () = lost.as_mut() => return Ended::Lost,
    };
    progress.follow(plane.runtime());
    progress.tell(Phase::Working);
    tracing::info!("the controllers are running");
    let schedule_when_granted = async {
        granted.await;
        plane.start_scheduler();
        std::future::pending::<()>().await;
    };
    let ended = tokio::select! {
        () = stop => Ended::Stopped,
        () = lost.as_mut() => Ended::Lost,
        () = schedule_when_granted => Ended::Lost,
    };
    progress.forget();
    let keep = async {
        if matches!(ended, Ended::Stopped) {
            lost.await;
        }
        std::future::pending::<()>().await;
    };
    // The lease is held until the last write was made.
    tokio::select! {
        () = plane.shutdown() => {}
        () = keep => {}
    }
    ended
}

fn tell(metrics: &Metrics, controllers: Role, scheduler: Role) {
    metrics.runtime.set_role(CONTROLLERS_LEASE, controllers);
    metrics.runtime.set_role(SCHEDULER_LEASE, scheduler);
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use http::{Method, Request};
    use karmada_apiserver::auth::UserInfo;
    use karmada_apiserver::{ApiServer, ServerConfig};
    use kube::Client;
    use kube::client::Body;
    use tokio::time::{Instant, sleep};

    use super::*;
    use crate::attached::prepare::{apply, objects, wait_until_served};
    use crate::change::DryRun;

    const PATIENCE: Duration = Duration::from_mins(1);

    /// A client whose lists of Works take a while, or get no answer.
    fn slow(client: Client, answers: Arc<AtomicBool>) -> Client {
        let service = tower::service_fn(move |request: Request<Body>| {
            let (client, answers) = (client.clone(), answers.clone());
            async move {
                let uri = request.uri();
                let is_watch = uri.query().is_some_and(|query| query.contains("watch=true"));
                if request.method() == Method::GET && uri.path().ends_with("/works") && !is_watch {
                    sleep(Duration::from_secs(3)).await;
                    if !answers.load(Ordering::SeqCst) {
                        std::future::pending::<()>().await;
                    }
                }
                client.send(request).await
            }
        });
        Client::new(service, "default")
    }

    fn lease(identity: &str) -> LeaderSettings {
        LeaderSettings {
            lease_duration: Duration::from_secs(1),
            renew_deadline: Duration::from_millis(800),
            retry_period: Duration::from_millis(100),
            ..LeaderSettings::new(CONTROLLERS_LEASE, identity)
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_lease_is_kept_while_caches_fill_for_longer_than_it_lasts() {
        let server = ApiServer::start(ServerConfig::default()).await.unwrap();
        let client = server.client(UserInfo::admin());
        for object in &objects() {
            apply(&client, object, DryRun::None).await.unwrap();
        }
        wait_until_served(&client, PATIENCE).await.unwrap();
        for answers in [true, false] {
            let (progress, answers) = (Progress::default(), Arc::new(AtomicBool::new(answers)));
            // Before it begins: a change that was missed would be waited for.
            let mut phases = progress.phase();
            let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
            let running = {
                let (progress, client) = (progress.clone(), slow(client.clone(), answers.clone()));
                let stopped = async { drop(stopped.await) };
                tokio::spawn(async move {
                    let election = Election::Lease(lease("first"));
                    let server = Server::in_process(client);
                    Box::pin(run(&server, ControlPlaneSettings::default(), election, &progress, stopped))
                        .await
                })
            };
            tokio::time::timeout(PATIENCE, phases.changed()).await.unwrap().unwrap();
            let mut second = Candidate::new(client.clone(), lease("second"));
            let started = Instant::now();
            let mut looks = 0;
            while started.elapsed() < PATIENCE && *phases.borrow() != Phase::Working {
                let standing = second.attempt().await.unwrap();
                assert_eq!(standing, Standing::Standby { leader: "first".into() });
                looks += 1;
                sleep(Duration::from_millis(50)).await;
                if !answers.load(Ordering::SeqCst) && started.elapsed() > Duration::from_secs(5) {
                    break;
                }
            }
            assert!(looks > 5);
            // Told to stop, it does, also when the caches will never be full.
            stop.send(()).unwrap();
            tokio::time::timeout(PATIENCE, running).await.unwrap().unwrap().unwrap();
            assert_eq!(second.attempt().await.unwrap(), Standing::Leader, "given up");
            second.release().await;
        }
        server.shutdown().await;
    }
}
