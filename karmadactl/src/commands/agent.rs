//! `karmadactl agent`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{ArgAction, Args};
use jiff::SignedDuration;
use karmada_controllers::agent::{self, AgentSettings, LeaseSettings};
use karmada_controllers::hub::{RetryLimits, RuntimeSettings, Workers};
use karmada_controllers::leader::LeaderSettings;
use karmada_controllers::metrics::Metrics;
use karmada_controllers::{Controller, ControllerSet, ResourceModeling, StatusSettings};
use karmada_core::api::FeatureGates;
use karmada_core::membership::ReadinessThresholds;

use super::controller_args::{MemberRateArgs, RateArgs, positive_duration, rate};
use super::controllers::{BindAddress, ElectionArgs, identity, parse_address};
use crate::agent::{
    AgentCredentials, AgentRegistration, AgentRun, ReportedSecrets, RotationSettings, run_agent,
};
use crate::attached::election::Progress;
use crate::attached::observe::{Endpoints, Observed, Phase, serve};
use crate::change::parse_flag;
use crate::context::Context;
use crate::duration::parse_duration;
use crate::error::CliError;
use crate::join::JoinOptions;
use crate::join::footprint::{DEFAULT_CLUSTER_NAMESPACE, check_cluster_name};
use crate::kubeconfig::{self, Endpoint};
use crate::logging::LoggingArgs;
use crate::signals::stop_requested;

const EXAMPLES: &str = "\
Examples:
  # What `karmadactl register` installs in the member
  karmadactl agent --karmada-kubeconfig /etc/kubeconfig/karmada-kubeconfig --cluster-name member3

  # From outside of the member
  karmadactl agent --karmada-kubeconfig ./member3-agent.config --cluster-name member3 \\
    --kubeconfig ~/.kube/member3.config --cluster-api-endpoint https://10.0.0.3:6443";

/// Run the agent of a pull mode cluster
///
/// Registers the cluster with the control plane, brings what is propagated to it into the cluster, and reports back.
/// Runs until it is told to stop (Ctrl-C or SIGTERM); the control plane and the cluster may be away meanwhile.
/// The cluster is that of --kubeconfig, or the one that the agent runs in.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct AgentArgs {
    /// Path to the kubeconfig of the control plane
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::FilePath)]
    pub karmada_kubeconfig: PathBuf,

    /// Name of the cluster in the control plane
    #[arg(long, value_name = "NAME")]
    pub cluster_name: String,

    /// Namespace of the credentials in the control plane and in the cluster
    #[arg(long, value_name = "NAMESPACE", default_value = DEFAULT_CLUSTER_NAMESPACE)]
    pub cluster_namespace: String,

    /// Address of the cluster's API server, for the control plane [default: that in the kubeconfig]
    #[arg(long, value_name = "URL")]
    pub cluster_api_endpoint: Option<String>,

    /// Proxy by which the control plane reaches the cluster
    #[arg(long, value_name = "URL")]
    pub proxy_server_address: Option<String>,

    /// Provider of the cluster, for policies to choose by
    #[arg(long, value_name = "NAME")]
    pub cluster_provider: Option<String>,

    /// Region of the cluster, for policies to choose by
    #[arg(long, value_name = "NAME")]
    pub cluster_region: Option<String>,

    /// Zones of the cluster, separated by commas (can be repeated)
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub cluster_zones: Vec<String>,

    /// Credentials of the cluster that the control plane gets: KubeCredentials, KubeImpersonator, or None
    #[arg(
        long,
        value_name = "NAME,...",
        value_delimiter = ',',
        default_value = "KubeCredentials,KubeImpersonator"
    )]
    pub report_secrets: Vec<String>,

    /// Features to switch on or off, such as Failover=true,AllAlpha=false
    #[arg(long, value_name = "NAME=BOOL,...", value_parser = FeatureGates::parse, default_value = "",
        hide_default_value = true)]
    pub feature_gates: FeatureGates,

    /// Controllers to run: * for all that are on by default, NAME for one, -NAME for not that one
    #[arg(
        long,
        value_name = "NAME,...",
        value_delimiter = ',',
        default_value = "*",
        allow_hyphen_values = true
    )]
    pub controllers: Vec<String>,

    /// Time between two looks at the status of the cluster
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = positive_duration)]
    pub cluster_status_update_frequency: Duration,

    /// How long the cluster must be healthy until it is ready again
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = parse_duration)]
    pub cluster_success_threshold: Duration,

    /// How long the cluster must be unhealthy until it is no longer ready
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = parse_duration)]
    pub cluster_failure_threshold: Duration,

    /// How long a sign of life of the agent is good
    #[arg(long, value_name = "DURATION", default_value = "40s", value_parser = positive_duration)]
    pub cluster_lease_duration: Duration,

    /// Part of that time between two signs of life
    #[arg(long, value_name = "FRACTION", default_value_t = 0.25, value_parser = parse_fraction)]
    pub cluster_lease_renew_interval_fraction: f64,

    /// How long the first look at the control plane may take
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = positive_duration)]
    pub cluster_cache_sync_timeout: Duration,

    /// Sum up the nodes and pods of the cluster, for the scheduler
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value = "true", value_parser = parse_flag, action = ArgAction::Set)]
    pub enable_cluster_resource_modeling: bool,

    /// Works in work at a time
    #[arg(long, value_name = "NUMBER", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..))]
    pub concurrent_work_syncs: u16,

    /// Time between two looks at the certificate (with --controllers=*,certRotation)
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = positive_duration)]
    pub cert_rotation_checking_interval: Duration,

    /// Part of its lifetime that is left when the certificate is renewed
    #[arg(long, value_name = "FRACTION", default_value_t = 0.2, value_parser = parse_fraction)]
    pub cert_rotation_remaining_time_threshold: f64,

    /// Namespace of the Secret karmada-kubeconfig in the cluster, where a renewed certificate is kept
    #[arg(long, value_name = "NAMESPACE", default_value = "karmada-system")]
    pub karmada_kubeconfig_namespace: String,

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
    pub rates: RateArgs,

    #[command(flatten)]
    pub member_rates: MemberRateArgs,
}

/// A command line that makes no sense.
#[derive(Debug, thiserror::Error)]
enum Misuse {
    #[error("invalid cluster name({name}): {reason}")]
    Name { name: String, reason: String },
    #[error("invalid value for --report-secrets: {0}")]
    Secrets(String),
    #[error("the agent has no controller {0:?}; it has {known}", known = known_controllers())]
    Controller(&'static str),
}

fn known_controllers() -> String {
    agent::CONTROLLERS.map(Controller::name).join(", ")
}

fn parse_fraction(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(fraction) if fraction > 0.0 && fraction < 1.0 => Ok(fraction),
        _ => Err(format!("{text:?} is not a number between 0 and 1")),
    }
}

/// Runs the agent.
pub async fn run(args: AgentArgs, context: &Context) -> Result<(), CliError> {
    let name = args.cluster_name.clone();
    check_cluster_name(&name)
        .map_err(|reason| CliError::usage(Misuse::Name { name: name.clone(), reason }))?;
    let secrets = ReportedSecrets::parse(&args.report_secrets)
        .map_err(|reason| CliError::usage(Misuse::Secrets(reason)))?;
    let controllers = ControllerSet::parse(args.controllers.iter().map(String::as_str));
    let controllers = controllers.map_err(CliError::usage)?;
    let foreign = Controller::ALL
        .iter()
        .copied()
        .find(|controller| controllers.is_named(*controller) && !agent::CONTROLLERS.contains(controller));
    if let Some(foreign) = foreign {
        return Err(CliError::usage(Misuse::Controller(foreign.name())));
    }
    let election = election(&args.election, &name)?;
    let member = member(context).await?;
    let karmada_context = context.connection.karmada_context.clone();
    let credentials = AgentCredentials::of_file(&args.karmada_kubeconfig, karmada_context.as_deref());
    let credentials = credentials.map_err(|error| {
        CliError::failed(error).with_hint(format!("`karmadactl register` makes one for {name}"))
    })?;
    let endpoint = args.cluster_api_endpoint.clone().filter(|endpoint| !endpoint.is_empty());
    let cluster = JoinOptions {
        cluster_namespace: args.cluster_namespace.clone(),
        proxy_url: args
            .proxy_server_address
            .clone()
            .filter(|url| !url.is_empty())
            .or_else(|| member.proxy_url.clone()),
        verification: member.verification,
        provider: args.cluster_provider.clone(),
        region: args.cluster_region.clone(),
        zones: args.cluster_zones.clone(),
        ..JoinOptions::new(name.clone(), endpoint.unwrap_or_else(|| member.server.clone()))
    };
    let metrics = Metrics::default();
    let settings = settings(&args, controllers, &cluster.api_endpoint, metrics.clone());
    let rotation = RotationSettings {
        cluster: name.clone(),
        interval: args.cert_rotation_checking_interval,
        threshold: args.cert_rotation_remaining_time_threshold,
        namespace: args.karmada_kubeconfig_namespace,
        file: args.karmada_kubeconfig,
        context: karmada_context,
    };
    let progress = Progress::default();
    let observed = Observed { metrics, phase: progress.phase(), refresh: Arc::new(progress.clone()) };
    let endpoints = serve(observed, args.metrics_bind_address.0, args.health_probe_bind_address.0).await;
    let endpoints = endpoints.map_err(|error| {
        CliError::failed(error)
            .with_hint("--metrics-bind-address and --health-probe-bind-address choose others; 0 is none")
    })?;
    let registration = AgentRegistration { cluster, secrets };
    let run = AgentRun { credentials, registration, settings, rotation, election };
    let told = tell_phases(&progress, &name, &endpoints, context);
    tokio::select! {
        ran = run_agent(&member, run, &progress, told_to_stop()) => ran.map_err(CliError::failed),
        error = told => Err(error),
    }
}

fn settings(args: &AgentArgs, controllers: ControllerSet, url: &str, metrics: Metrics) -> AgentSettings {
    let signed = |duration: Duration| SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
    let rates = &args.rates;
    let mut workers = Workers::default();
    workers.set("execution", args.concurrent_work_syncs.into());
    AgentSettings {
        member_url: url.to_owned(),
        gates: args.feature_gates.clone(),
        controllers,
        status: StatusSettings {
            frequency: args.cluster_status_update_frequency,
            thresholds: ReadinessThresholds {
                success: signed(args.cluster_success_threshold),
                failure: signed(args.cluster_failure_threshold),
            },
            resources: if args.enable_cluster_resource_modeling {
                ResourceModeling::On
            } else {
                ResourceModeling::Off
            },
        },
        lease: LeaseSettings {
            duration: args.cluster_lease_duration,
            renew_fraction: args.cluster_lease_renew_interval_fraction,
        },
        runtime: RuntimeSettings {
            retry: RetryLimits {
                base: rates.rate_limiter_base_delay,
                longest: rates.rate_limiter_max_delay.max(rates.rate_limiter_base_delay),
                rate: rate(rates.rate_limiter_qps, rates.rate_limiter_bucket_size),
            },
            workers,
        },
        api_rate: rate(rates.kube_api_qps, rates.kube_api_burst),
        member_rate: rate(args.member_rates.cluster_api_qps, args.member_rates.cluster_api_burst),
        sync_timeout: args.cluster_cache_sync_timeout,
        metrics,
        ..AgentSettings::new(args.cluster_name.clone())
    }
}

fn election(args: &ElectionArgs, cluster: &str) -> Result<Option<LeaderSettings>, CliError> {
    if !args.leader_elect {
        return Ok(None);
    }
    let settings = LeaderSettings {
        namespace: args.leader_elect_resource_namespace.clone(),
        lease_duration: args.leader_elect_lease_duration,
        renew_deadline: args.leader_elect_renew_deadline,
        retry_period: args.leader_elect_retry_period,
        ..LeaderSettings::new(format!("karmada-agent-{cluster}"), identity())
    };
    settings.check().map_err(CliError::usage)?;
    Ok(Some(settings))
}

/// Finds the cluster: that of the kubeconfig if one is named, else the one around us, else that of the user's kubeconfig.
async fn member(context: &Context) -> Result<Endpoint, CliError> {
    let named = context.connection.kubeconfig.as_deref();
    if named.is_none() && std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() {
        return kubeconfig::in_cluster().map_err(CliError::failed);
    }
    kubeconfig::load(named, None).await.map_err(|error| {
        CliError::failed(error).with_hint("--kubeconfig names the kubeconfig of the cluster")
    })
}

/// Prints what the process does as that changes; only ends when it cannot print.
async fn tell_phases(
    progress: &Progress,
    cluster: &str,
    endpoints: &Endpoints,
    context: &Context,
) -> CliError {
    let mut phase = progress.phase();
    for (what, address) in [("metrics", endpoints.metrics), ("health", endpoints.health)] {
        if let Some(address) = address {
            context.printer.progress(&format!("{what}: http://{address}"));
        }
    }
    loop {
        let line = match *phase.borrow_and_update() {
            Phase::Starting | Phase::StandingBy => None,
            Phase::Working => Some(format!("ready: the agent of {cluster} works")),
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

async fn told_to_stop() {
    if let Err(error) = stop_requested().await {
        tracing::error!(%error, "cannot wait for signals");
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_are_parts_of_one() {
        assert_eq!(parse_fraction("0.25"), Ok(0.25));
        for bad in ["0", "1", "-0.1", "x", "NaN"] {
            assert!(parse_fraction(bad).is_err(), "{bad}");
        }
    }
}
