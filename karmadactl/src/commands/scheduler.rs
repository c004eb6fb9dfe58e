//! `karmadactl scheduler`.

use clap::Args;
use karmada_controllers::hub::RuntimeSettings;
use karmada_controllers::{ControlPlaneSettings, Part};
use karmada_core::api::FeatureGates;

use super::component_args::{FlagsWithoutEffect, Takes, WithoutEffect, connect, parse_open_address};
use super::controller_args::{RateArgs, SchedulerArgs};
use super::controllers::{BindAddress, ElectionArgs, Leases, admission, check_kinds, work};
use crate::attached::election::SCHEDULER_LEASE;
use crate::context::Context;
use crate::error::CliError;
use crate::logging::LoggingArgs;

const EXAMPLES: &str = "\
Examples:
  # Choose clusters for bindings, as a Deployment does
  karmadactl scheduler --kubeconfig /etc/karmada/config/karmada.config --logging-format=json

  # A second scheduler for policies that name it
  karmadactl scheduler --scheduler-name=second --leader-elect-resource-name=second-scheduler";

/// Run the scheduler of a control plane
///
/// The component karmada-scheduler, with its flags: a process of its own beside an API server. Runs until it is told to
/// stop (SIGTERM or Ctrl-C) and gives up its lease then.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct SchedulerCommandArgs {
    /// Address of /metrics; 0 for none
    #[arg(long, value_name = "ADDRESS:PORT", default_value = ":8080", value_parser = parse_open_address)]
    pub metrics_bind_address: BindAddress,

    /// Address of /healthz and /readyz; 0 for none
    #[arg(long, value_name = "ADDRESS:PORT", default_value = ":10351", value_parser = parse_open_address)]
    pub health_probe_bind_address: BindAddress,

    /// Features to switch on or off, such as Failover=true,AllAlpha=false
    #[arg(long, value_name = "NAME=BOOL,...", value_parser = FeatureGates::parse, default_value = "",
        hide_default_value = true)]
    pub feature_gates: FeatureGates,

    #[command(flatten)]
    pub scheduler: SchedulerArgs,

    #[command(flatten)]
    pub rates: RateArgs,

    #[command(flatten)]
    pub election: ElectionArgs,

    /// Name of the lease
    #[arg(long, value_name = "NAME", default_value = SCHEDULER_LEASE, help_heading = "Leader election",
        value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub leader_elect_resource_name: String,

    #[command(flatten)]
    pub logging: LoggingArgs,

    #[command(flatten)]
    pub without_effect: WithoutEffect<Flags>,
}

/// Flags of upstream's program that mean nothing here.
#[derive(Clone, Debug)]
pub struct Flags;

impl FlagsWithoutEffect for Flags {
    const FLAGS: &'static [(&'static str, Takes)] = &[
        ("disable-scheduler-estimator-in-pull-mode", Takes::Bool),
        ("enable-scheduler-estimator", Takes::Bool),
        ("insecure-skip-estimator-verify", Takes::Bool),
        ("scheduler-estimator-ca-file", Takes::Value),
        ("scheduler-estimator-cert-file", Takes::Value),
        ("scheduler-estimator-key-file", Takes::Value),
        ("scheduler-estimator-port", Takes::Value),
        ("scheduler-estimator-service-namespace", Takes::Value),
        ("scheduler-estimator-service-prefix", Takes::Value),
        ("scheduler-estimator-timeout", Takes::Value),
    ];
}

/// Runs the scheduler.
pub async fn run(args: SchedulerCommandArgs, context: &Context) -> Result<(), CliError> {
    args.without_effect.tell(&context.printer);
    let election = args.election.election(&args.leader_elect_resource_name)?;
    let scheduler = args.scheduler.settings()?;
    let Some(server) = connect(context).await? else { return Ok(()) };
    let settings = ControlPlaneSettings {
        gates: args.feature_gates,
        scheduler,
        runtime: RuntimeSettings { retry: args.rates.retry(), ..RuntimeSettings::default() },
        api_rate: args.rates.api_rate(),
        admission: admission(&server).await?,
        part: Part::Scheduler,
        ..ControlPlaneSettings::default()
    };
    check_kinds(&server).await?;
    let endpoints = [args.metrics_bind_address, args.health_probe_bind_address];
    work(settings, election, Leases::One, endpoints, &server, context).await
}
