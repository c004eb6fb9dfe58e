//! `karmadactl controller-manager`.

use clap::Args;
use karmada_controllers::{ControlPlaneSettings, Controller};

use super::component_args::{FlagsWithoutEffect, Takes, WithoutEffect, connect, parse_open_address};
use super::controller_args::LoopArgs;
use super::controllers::{BindAddress, ElectionArgs, Leases, admission, check_kinds, work};
use crate::attached::election::CONTROLLERS_LEASE;
use crate::context::Context;
use crate::error::CliError;
use crate::logging::LoggingArgs;

const EXAMPLES: &str = "\
Examples:
  # Run all controllers but the scheduler, as a Deployment does
  karmadactl controller-manager --kubeconfig /etc/karmada/config/karmada.config --logging-format=json

  # Two on one machine: one works, the other takes over when it ends
  karmadactl controller-manager --metrics-bind-address=0 --health-probe-bind-address=0 &
  karmadactl controller-manager --metrics-bind-address=0 --health-probe-bind-address=0 &";

/// Run the controllers of a control plane, without its scheduler
///
/// The component karmada-controller-manager, with its flags: a process of its own beside an API server. Runs until it is
/// told to stop (SIGTERM or Ctrl-C) and gives up its lease then.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct ControllerManagerArgs {
    /// Address of /metrics; 0 for none
    #[arg(long, value_name = "ADDRESS:PORT", default_value = ":8080", value_parser = parse_open_address)]
    pub metrics_bind_address: BindAddress,

    /// Address of /healthz and /readyz; 0 for none
    #[arg(long, value_name = "ADDRESS:PORT", default_value = ":10357", value_parser = parse_open_address)]
    pub health_probe_bind_address: BindAddress,

    #[command(flatten)]
    pub election: ElectionArgs,

    #[command(flatten)]
    pub logging: LoggingArgs,

    #[command(flatten)]
    pub loops: LoopArgs,

    #[command(flatten)]
    pub without_effect: WithoutEffect<Flags>,
}

/// Flags of upstream's program that mean nothing here.
#[derive(Clone, Debug)]
pub struct Flags;

impl FlagsWithoutEffect for Flags {
    const FLAGS: &'static [(&'static str, Takes)] = &[
        ("cluster-api-context", Takes::Value),
        ("cluster-api-kubeconfig", Takes::Value),
        ("cluster-cache-sync-timeout", Takes::Value),
        ("enable-no-execute-taint-eviction", Takes::Bool),
        ("enable-taint-manager", Takes::Bool),
        ("federated-resource-quota-sync-period", Takes::Value),
        ("graceful-eviction-timeout", Takes::Value),
        ("horizontal-pod-autoscaler-cpu-initialization-period", Takes::Value),
        ("horizontal-pod-autoscaler-downscale-delay", Takes::Value),
        ("horizontal-pod-autoscaler-downscale-stabilization", Takes::Value),
        ("horizontal-pod-autoscaler-initial-readiness-delay", Takes::Value),
        ("horizontal-pod-autoscaler-sync-period", Takes::Value),
        ("horizontal-pod-autoscaler-tolerance", Takes::Value),
        ("horizontal-pod-autoscaler-upscale-delay", Takes::Value),
        ("no-execute-taint-eviction-purge-mode", Takes::Value),
        ("resource-eviction-rate", Takes::Value),
        ("resync-period", Takes::Value),
    ];
}

/// Runs the controllers.
pub async fn run(args: ControllerManagerArgs, context: &Context) -> Result<(), CliError> {
    args.without_effect.tell(&context.printer);
    let election = args.election.election(CONTROLLERS_LEASE)?;
    let settings = args.loops.settings()?;
    let Some(server) = connect(context).await? else { return Ok(()) };
    let settings = ControlPlaneSettings {
        admission: admission(&server).await?,
        controllers: settings.controllers.without(Controller::Scheduler),
        ..settings
    };
    check_kinds(&server).await?;
    let endpoints = [args.metrics_bind_address, args.health_probe_bind_address];
    work(settings, election, Leases::One, endpoints, &server, context).await
}
