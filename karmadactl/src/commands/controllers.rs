//! `karmadactl controllers`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::{ArgAction, Args};
use karmada_controllers::leader::LeaderSettings;
use karmada_controllers::stand_in::{Admission, admission_of};
use karmada_controllers::{ControlPlaneSettings, StartError};

use super::controller_args::{ControllerArgs, positive_duration};
use crate::api_error::ApiError;
use crate::attached::election::{self, Election, Progress};
use crate::attached::observe::{BindError, Endpoints, Observed, Phase, serve};
use crate::attached::once::{Pass, PassError, converge};
use crate::change::parse_flag;
use crate::context::{Context, ControlPlane};
use crate::duration::parse_duration;
use crate::error::{CliError, ErrorKind};
use crate::logging::LoggingArgs;
use crate::signals::stop_requested;

const EXAMPLES: &str = "\
Examples:
  # Run the control loops against any API server that was prepared
  karmadactl init --crds-only --kubeconfig ./control-plane.config
  karmadactl controllers --kubeconfig ./control-plane.config

  # In a pipeline: apply, bring everything to its clusters, and fail when something is not healthy
  kubectl --kubeconfig ./control-plane.config apply -f ./manifests
  karmadactl controllers --once --timeout 5m --kubeconfig ./control-plane.config

  # Two processes: one works, the other takes over when it ends
  karmadactl controllers --metrics-bind-address=0 --health-probe-bind-address=0 &
  karmadactl controllers --metrics-bind-address=0 --health-probe-bind-address=0 &";

/// Run the control loops against any API server
///
/// Runs until it is told to stop (Ctrl-C or SIGTERM); with --once until everything is applied and healthy. The server
/// is prepared by `karmadactl init --crds-only`. Of several such processes one works at a time.
///
/// Exit codes with --once: 0 everything is applied and healthy, 3 something is not, 1 the loops did not run.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct ControllersArgs {
    /// Make one pass: until everything is applied and healthy, or the time is up
    #[arg(long)]
    pub once: bool,

    /// How long --once waits for objects to become applied and healthy
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = parse_duration, requires = "once")]
    pub timeout: Duration,

    /// Address of /metrics; 0 for none
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080", value_parser = parse_address)]
    pub metrics_bind_address: BindAddress,

    /// Address of /healthz and /readyz; 0 for none
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:10357", value_parser = parse_address)]
    pub health_probe_bind_address: BindAddress,

    #[command(flatten)]
    pub election: ElectionArgs,

    #[command(flatten)]
    pub logging: LoggingArgs,

    #[command(flatten)]
    pub controllers: ControllerArgs,
}

/// Which of several processes works.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Leader election")]
#[allow(clippy::struct_field_names, reason = "fields are named as their flags")]
pub struct ElectionArgs {
    /// Work only while this process holds the leases
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value = "true", value_parser = parse_flag, action = ArgAction::Set)]
    pub leader_elect: bool,

    /// Namespace of the leases karmada-controller-manager and karmada-scheduler
    #[arg(long, value_name = "NAME", default_value = "karmada-system")]
    pub leader_elect_resource_namespace: String,

    /// How long others wait after the last renewal before they take over
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = positive_duration)]
    pub leader_elect_lease_duration: Duration,

    /// How long the leader tries to renew before it gives up
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = positive_duration)]
    pub leader_elect_renew_deadline: Duration,

    /// Time between two tries
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = positive_duration)]
    pub leader_elect_retry_period: Duration,
}

/// An address to listen on, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BindAddress(pub Option<SocketAddr>);

/// Reads an address; a port alone is on loopback.
pub(super) fn parse_address(text: &str) -> Result<BindAddress, String> {
    if text == "0" || text.is_empty() {
        return Ok(BindAddress(None));
    }
    let full = if text.starts_with(':') { format!("127.0.0.1{text}") } else { text.to_owned() };
    match full.parse() {
        Ok(address) => Ok(BindAddress(Some(address))),
        Err(_) => Err(format!("{text:?} is not an address such as 127.0.0.1:8080, :8080 or 0 for none")),
    }
}

impl ElectionArgs {
    /// Returns how this process takes part in the election for a lease.
    ///
    /// # Errors
    /// When the times contradict each other.
    pub(super) fn election(self, lease: &str) -> Result<Election, CliError> {
        if !self.leader_elect {
            return Ok(Election::None);
        }
        let settings = LeaderSettings {
            namespace: self.leader_elect_resource_namespace,
            lease_duration: self.leader_elect_lease_duration,
            renew_deadline: self.leader_elect_renew_deadline,
            retry_period: self.leader_elect_retry_period,
            ..LeaderSettings::new(lease, identity())
        };
        settings.check().map_err(CliError::usage)?;
        Ok(Election::Lease(settings))
    }
}

/// Who this process is: its machine, and something no other process has.
pub(super) fn identity() -> String {
    let machine = std::env::var("HOSTNAME").ok().filter(|name| !name.is_empty());
    let machine = machine.or_else(|| {
        let name = std::fs::read_to_string("/etc/hostname").ok()?;
        Some(name.trim().to_owned())
    });
    format!("{}_{}", machine.unwrap_or_else(|| "karmadactl".to_owned()), uuid::Uuid::new_v4())
}

/// Runs the loops.
pub async fn run(args: ControllersArgs, context: &Context) -> Result<(), CliError> {
    let ControllersArgs {
        once,
        timeout,
        metrics_bind_address,
        health_probe_bind_address,
        election,
        logging: _,
        controllers,
    } = args;
    let election = election.election(election::CONTROLLERS_LEASE)?;
    let mut settings = controllers.settings()?;
    let server = context.connection.connect().await?;
    settings.admission = admission(&server).await?;
    check_kinds(&server).await?;
    if once {
        return pass(settings, election, timeout, &server, context).await;
    }
    let endpoints = [metrics_bind_address, health_probe_bind_address];
    work(settings, election, Leases::OfBothPrograms, endpoints, &server, context).await
}

/// Finds out who does the admission of Karmada's kinds.
pub(super) async fn admission(server: &ControlPlane) -> Result<Admission, CliError> {
    let admission = admission_of(&server.client).await.map_err(|error| server.explain(ApiError(error)))?;
    if admission == Admission::StandIn {
        tracing::info!("the server has no admission for Karmada's kinds: defaults are set from here");
    }
    Ok(admission)
}

/// Which leases a process needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leases {
    /// That of the controller manager, and that of the scheduler for scheduling.
    OfBothPrograms,
    /// One, which the election names.
    One,
}

/// Runs loops until the process is told to stop; metrics and health are served at these addresses.
pub(super) async fn work(
    settings: ControlPlaneSettings,
    election: Election,
    leases: Leases,
    [metrics, health]: [BindAddress; 2],
    server: &ControlPlane,
    context: &Context,
) -> Result<(), CliError> {
    let progress = Progress::default();
    let observed = Observed {
        metrics: settings.metrics.clone(),
        phase: progress.phase(),
        refresh: Arc::new(progress.clone()),
    };
    let endpoints = serve(observed, metrics.0, health.0).await;
    let endpoints = endpoints.map_err(explain_bind)?;
    let ran = {
        let told = tell_phases(&progress, server, &endpoints, context);
        let running = async {
            match leases {
                Leases::OfBothPrograms => {
                    Box::pin(election::run(server, settings, election, &progress, told_to_stop())).await
                }
                Leases::One => {
                    let stop = told_to_stop();
                    Box::pin(election::run_component(server, settings, election, &progress, stop)).await
                }
            }
        };
        tokio::select! {
            ran = running => ran,
            error = told => return Err(error),
        }
    };
    ran.map_err(explain_start)
}

/// Words an address for metrics or health that is not free.
pub(super) fn explain_bind(error: BindError) -> CliError {
    CliError::failed(error)
        .with_hint("--metrics-bind-address and --health-probe-bind-address choose others; 0 is none")
}

/// Prints what the process does as that changes; only ends when it cannot print.
async fn tell_phases(
    progress: &Progress,
    server: &ControlPlane,
    endpoints: &Endpoints,
    context: &Context,
) -> CliError {
    let mut phase = progress.phase();
    endpoints.tell(&context.printer);
    loop {
        let line = match *phase.borrow_and_update() {
            Phase::Starting => None,
            Phase::StandingBy => Some(format!("standing by: another process may lead at {}", server.server)),
            Phase::Working => Some(format!("ready: the controllers run against {}", server.server)),
        };
        if let Some(line) = line
            && let Err(error) = context.printer.line(&line)
        {
            return error;
        }
        if phase.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

async fn pass(
    settings: ControlPlaneSettings,
    election: Election,
    timeout: Duration,
    server: &ControlPlane,
    context: &Context,
) -> Result<(), CliError> {
    let pass = converge(server.client.clone(), settings, election, timeout, told_to_stop()).await;
    let pass = pass.map_err(|error| match error {
        PassError::Start(error) => explain_start(error),
        PassError::Election(error) => server.explain(error),
        error @ PassError::Busy { .. } => CliError::failed(error).with_hint(
            "they bring everything to its clusters; --leader-elect=false makes a pass all the same",
        ),
        error @ (PassError::Stopped | PassError::Lost) => CliError::failed(error),
    })?;
    print(&pass, context)?;
    if pass.report.problems.is_empty() {
        return Ok(());
    }
    Err(CliError::new(ErrorKind::ReportedPartial, NotConverged(pass.report.problems.len())))
}

fn print(pass: &Pass, context: &Context) -> Result<(), CliError> {
    let printer = &context.printer;
    for problem in &pass.report.problems {
        printer.line(&format!("{}: {}", problem.about, problem.message))?;
    }
    let written = &pass.written;
    printer.line(&format!(
        "{} resources in {} clusters, {} problems; objects in clusters: {} created, {} updated, {} deleted ({:.1} s)",
        pass.report.resources,
        pass.report.clusters,
        pass.report.problems.len(),
        written.created,
        written.updated,
        written.deleted,
        pass.elapsed.as_secs_f64(),
    ))
}

/// Something is not applied or not healthy.
#[derive(Debug, thiserror::Error)]
#[error("{0} things are not as they should be")]
struct NotConverged(usize);

pub(super) async fn told_to_stop() {
    if let Err(error) = stop_requested().await {
        tracing::error!(%error, "cannot wait for signals");
        std::future::pending::<()>().await;
    }
}

/// Says at once when the server was not prepared: an election there would never end.
pub(super) async fn check_kinds(server: &ControlPlane) -> Result<(), CliError> {
    let found = crate::raw::read(&server.client, "/apis/work.karmada.io/v1alpha2").await;
    match found.map_err(|error| server.explain(error))? {
        Some(_) => Ok(()),
        None => Err(explain_start(StartError::MissingKind("work.karmada.io".to_owned()))),
    }
}

fn explain_start(error: StartError) -> CliError {
    let hint = matches!(error, StartError::MissingKind(_))
        .then(|| "`karmadactl init --crds-only` prepares the server".to_owned());
    CliError::failed(error).with_hints(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_on_loopback_unless_said_otherwise() {
        let parse = |text| parse_address(text).map(|address| address.0);
        assert_eq!(parse(":8080"), Ok(Some(([127, 0, 0, 1], 8080).into())));
        assert_eq!(parse("0.0.0.0:1"), Ok(Some(([0, 0, 0, 0], 1).into())));
        assert_eq!(parse("0"), Ok(None));
        assert!(parse("nowhere").is_err());
    }

    #[test]
    fn two_processes_have_two_identities() {
        assert_ne!(identity(), identity());
    }
}
