//! Flags of the control loops, named as Karmada's components name them.

use std::time::Duration;

use clap::Args;
use jiff::SignedDuration;
use karmada_controllers::hub::{Rate, RetryLimits, RuntimeSettings, Workers};
use karmada_controllers::{
    ControlPlaneSettings, ControllerSet, DetectorSettings, MonitorSettings, ResourceModeling,
    SchedulerSettings, StatusSettings,
};
use karmada_core::admission::TaintPolicyRule;
use karmada_core::api::FeatureGates;
use karmada_core::membership::{HeartbeatLimits, ReadinessThresholds};
use karmada_core::propagation::{NamespaceFilter, SkippedApis};
use karmada_core::scheduling::{EmptyWorkloads, PluginSet, ScheduleOptions};

use crate::change::parse_flag;
use crate::duration::parse_duration;
use crate::embedded::KarmadaAdmission;
use crate::error::CliError;

/// How the control loops run, the scheduler among them.
#[derive(Args, Clone, Debug)]
pub struct ControllerArgs {
    #[command(flatten)]
    pub loops: LoopArgs,

    #[command(flatten)]
    pub scheduler: SchedulerArgs,

    #[command(flatten)]
    pub admission: AdmissionArgs,
}

/// Which loops run, and how clusters are looked at: of the controller manager and of agents.
#[derive(Args, Clone, Debug)]
pub struct CommonArgs {
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

    /// Time between two looks at the status of a cluster
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = positive_duration)]
    pub cluster_status_update_frequency: Duration,

    /// How long a cluster must be healthy until it is ready again
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = parse_duration)]
    pub cluster_success_threshold: Duration,

    /// How long a cluster must be unhealthy until it is no longer ready
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = parse_duration)]
    pub cluster_failure_threshold: Duration,

    /// Sum up the nodes and pods of clusters, for the scheduler
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value = "true", value_parser = parse_flag, action = clap::ArgAction::Set)]
    pub enable_cluster_resource_modeling: bool,
}

/// How the control loops run that are in the controller manager.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Controllers")]
pub struct LoopArgs {
    #[command(flatten)]
    pub common: CommonArgs,

    /// Time between two looks at the agents of pull mode clusters
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = positive_duration)]
    pub cluster_monitor_period: Duration,

    /// How long an agent may be silent until its cluster's state is unknown
    #[arg(long, value_name = "DURATION", default_value = "40s", value_parser = positive_duration)]
    pub cluster_monitor_grace_period: Duration,

    /// The same for an agent that was never heard of
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = positive_duration)]
    pub cluster_startup_grace_period: Duration,

    /// APIs that are never propagated: GROUP, GROUP/VERSION or GROUP/VERSION/KIND,KIND, separated by semicolons
    #[arg(long, value_name = "APIS", value_parser = SkippedApis::parse, default_value = "",
        hide_default_value = true)]
    pub skipped_propagating_apis: SkippedApis,

    /// Namespaces that are never propagated, as regular expressions
    #[arg(long, value_name = "REGEX,...", value_delimiter = ',', default_value = "kube-.*")]
    pub skipped_propagating_namespaces: Vec<String>,

    #[command(flatten)]
    pub rates: RateArgs,

    #[command(flatten)]
    pub member_rates: MemberRateArgs,

    #[command(flatten)]
    pub concurrency: ConcurrencyArgs,
}

/// How bindings are scheduled.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Scheduler")]
pub struct SchedulerArgs {
    /// Name of the scheduler: bindings that ask for another one are left alone
    #[arg(long, value_name = "NAME", default_value = "default-scheduler", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub scheduler_name: String,

    /// Plugins of the scheduler: * for all, NAME for one, -NAME for not that one
    #[arg(
        long,
        value_name = "NAME,...",
        value_delimiter = ',',
        default_value = "*",
        allow_hyphen_values = true
    )]
    pub plugins: Vec<String>,

    /// Propagate workloads also to clusters that got no replica
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value = "false", value_parser = parse_flag, action = clap::ArgAction::Set)]
    pub enable_empty_workload_propagation: bool,
}

/// What admission goes by, besides features.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Admission")]
pub struct AdmissionArgs {
    /// Allow ClusterTaintPolicies to add taints that evict
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value = "false", value_parser = parse_flag, action = clap::ArgAction::Set)]
    pub allow_no_execute_taint_policy: bool,
}

/// How fast.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Rates of the controllers")]
pub struct RateArgs {
    /// First delay after a failure; it doubles with every further failure of the same object
    #[arg(long, value_name = "DURATION", default_value = "5ms", value_parser = positive_duration)]
    pub rate_limiter_base_delay: Duration,

    /// Longest delay between two tries
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = positive_duration)]
    pub rate_limiter_max_delay: Duration,

    /// Retries of one controller a second [default: no limit]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub rate_limiter_qps: Option<u32>,

    /// Retries of one controller at once after a pause
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub rate_limiter_bucket_size: u32,

    /// Calls of the control plane's API server a second [default: no limit]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub kube_api_qps: Option<u32>,

    /// Calls of the control plane's API server at once after a pause
    #[arg(long, value_name = "NUMBER", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    pub kube_api_burst: u32,
}

/// How fast members are called.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Rates of the controllers")]
pub struct MemberRateArgs {
    /// Calls of each member's API server a second [default: no limit]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub cluster_api_qps: Option<u32>,

    /// Calls of each member's API server at once after a pause
    #[arg(long, value_name = "NUMBER", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    pub cluster_api_burst: u32,
}

/// How many at a time.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Objects in work at a time")]
#[allow(clippy::struct_field_names, reason = "fields are named as their flags")]
pub struct ConcurrencyArgs {
    /// Clusters
    #[arg(long, value_name = "NUMBER", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..))]
    pub concurrent_cluster_syncs: u16,

    /// Bindings, of both kinds
    #[arg(long, value_name = "NUMBER", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..))]
    pub concurrent_resourcebinding_syncs: u16,

    /// Cluster-wide bindings; they share the workers of the others: the larger number holds
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub concurrent_clusterresourcebinding_syncs: u16,

    /// Works of each member
    #[arg(long, value_name = "NUMBER", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..))]
    pub concurrent_work_syncs: u16,

    /// Namespaces
    #[arg(long, value_name = "NUMBER", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..))]
    pub concurrent_namespace_syncs: u16,

    /// Propagation policies, of both kinds
    #[arg(long, value_name = "NUMBER", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..))]
    pub concurrent_propagation_policy_syncs: u16,

    /// Cluster-wide propagation policies; they share the workers of the others: the larger number holds
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub concurrent_cluster_propagation_policy_syncs: u16,

    /// Templates
    #[arg(long, value_name = "NUMBER", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..))]
    pub concurrent_resource_template_syncs: u16,

    /// Bindings whose dependencies are looked up
    #[arg(long, value_name = "NUMBER", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..))]
    pub concurrent_dependent_resource_syncs: u16,
}

impl ControllerArgs {
    /// Returns what admission goes by.
    pub fn admission(&self) -> KarmadaAdmission {
        self.admission.with(self.loops.common.feature_gates.clone())
    }

    /// Returns how the loops run.
    ///
    /// # Errors
    /// When a controller, a plugin or a pattern is not valid.
    pub fn settings(self) -> Result<ControlPlaneSettings, CliError> {
        let scheduler = self.scheduler.settings()?;
        Ok(ControlPlaneSettings { scheduler, ..self.loops.settings()? })
    }
}

impl AdmissionArgs {
    /// Returns what admission goes by under these features.
    pub fn with(self, gates: FeatureGates) -> KarmadaAdmission {
        let taint_policies = if self.allow_no_execute_taint_policy {
            TaintPolicyRule::NoExecuteAllowed
        } else {
            TaintPolicyRule::NoExecuteForbidden
        };
        KarmadaAdmission { gates, taint_policies }
    }
}

impl SchedulerArgs {
    /// Returns how bindings are scheduled.
    ///
    /// # Errors
    /// When there is no such plugin.
    pub fn settings(self) -> Result<SchedulerSettings, CliError> {
        let plugins = PluginSet::parse(self.plugins.iter().map(String::as_str))
            .map_err(|error| usage("--plugins", error))?;
        let empty_workloads = if self.enable_empty_workload_propagation {
            EmptyWorkloads::Propagate
        } else {
            EmptyWorkloads::Drop
        };
        Ok(SchedulerSettings {
            name: self.scheduler_name,
            options: ScheduleOptions { empty_workloads, plugins, ..ScheduleOptions::default() },
        })
    }
}

impl RateArgs {
    /// Returns how failures are tried again.
    pub fn retry(&self) -> RetryLimits {
        RetryLimits {
            base: self.rate_limiter_base_delay,
            longest: self.rate_limiter_max_delay.max(self.rate_limiter_base_delay),
            rate: rate(self.rate_limiter_qps, self.rate_limiter_bucket_size),
        }
    }

    /// Returns how often the control plane's API server is called.
    pub fn api_rate(&self) -> Option<Rate> {
        rate(self.kube_api_qps, self.kube_api_burst)
    }
}

impl CommonArgs {
    /// Returns which controllers run.
    ///
    /// # Errors
    /// When one is not known.
    pub fn controllers(&self) -> Result<ControllerSet, CliError> {
        ControllerSet::parse(self.controllers.iter().map(String::as_str))
            .map_err(|error| usage("--controllers", error))
    }

    /// Returns how the status of clusters is found out.
    pub fn status(&self) -> StatusSettings {
        StatusSettings {
            frequency: self.cluster_status_update_frequency,
            thresholds: ReadinessThresholds {
                success: signed(self.cluster_success_threshold),
                failure: signed(self.cluster_failure_threshold),
            },
            resources: if self.enable_cluster_resource_modeling {
                ResourceModeling::On
            } else {
                ResourceModeling::Off
            },
        }
    }
}

impl LoopArgs {
    /// Returns how the loops run, with a scheduler as it is by itself.
    ///
    /// # Errors
    /// When a controller or a pattern is not valid.
    pub fn settings(self) -> Result<ControlPlaneSettings, CliError> {
        let controllers = self.common.controllers()?;
        let namespaces = NamespaceFilter::new(&self.skipped_propagating_namespaces)
            .map_err(|error| usage("--skipped-propagating-namespaces", error))?;
        Ok(ControlPlaneSettings {
            status: self.common.status(),
            gates: self.common.feature_gates,
            controllers,
            monitor: MonitorSettings {
                period: self.cluster_monitor_period,
                limits: HeartbeatLimits {
                    grace: signed(self.cluster_monitor_grace_period),
                    startup_grace: signed(self.cluster_startup_grace_period),
                },
            },
            detector: DetectorSettings { skipped_apis: self.skipped_propagating_apis, namespaces },
            runtime: RuntimeSettings { retry: self.rates.retry(), workers: self.concurrency.into() },
            api_rate: self.rates.api_rate(),
            member_rate: rate(self.member_rates.cluster_api_qps, self.member_rates.cluster_api_burst),
            ..ControlPlaneSettings::default()
        })
    }
}

impl From<ConcurrencyArgs> for Workers {
    fn from(args: ConcurrencyArgs) -> Self {
        let mut workers = Self::default();
        let bindings =
            args.concurrent_resourcebinding_syncs.max(args.concurrent_clusterresourcebinding_syncs);
        let policies =
            args.concurrent_propagation_policy_syncs.max(args.concurrent_cluster_propagation_policy_syncs);
        for (controller, number) in [
            ("cluster", args.concurrent_cluster_syncs),
            ("binding", bindings),
            ("execution", args.concurrent_work_syncs),
            ("namespace-sync", args.concurrent_namespace_syncs),
            ("policy", policies),
            ("detector", args.concurrent_resource_template_syncs),
            ("dependencies", args.concurrent_dependent_resource_syncs),
        ] {
            workers.set(controller, number.into());
        }
        workers
    }
}

/// A flag whose value is not valid.
#[derive(Debug, thiserror::Error)]
#[error("invalid value for {flag}")]
struct FlagError {
    flag: &'static str,
    #[source]
    source: Box<dyn std::error::Error + Send + Sync>,
}

fn usage(flag: &'static str, source: impl std::error::Error + Send + Sync + 'static) -> CliError {
    CliError::usage(FlagError { flag, source: Box::new(source) })
}

pub(super) fn rate(per_second: Option<u32>, burst: u32) -> Option<Rate> {
    per_second.map(|per_second| Rate { per_second: f64::from(per_second), burst })
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

/// Reads a duration that is longer than nothing.
pub(super) fn positive_duration(text: &str) -> Result<Duration, String> {
    match parse_duration(text)? {
        Duration::ZERO => Err("must be longer than 0".to_owned()),
        duration => Ok(duration),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use karmada_controllers::Controller;
    use karmada_core::api::Feature;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        controllers: ControllerArgs,
    }

    fn settings(arguments: &[&str]) -> Result<ControlPlaneSettings, String> {
        let arguments = std::iter::once(&"x").chain(arguments);
        let line = Line::try_parse_from(arguments).map_err(|error| error.to_string())?;
        line.controllers.settings().map_err(|error| error.lines().join("\n"))
    }

    #[test]
    fn without_flags_all_is_as_by_itself() {
        let settings = settings(&[]).unwrap();
        assert_eq!(settings.gates, FeatureGates::default());
        assert_eq!(settings.controllers, ControllerSet::default());
        assert_eq!((settings.api_rate, settings.member_rate), (None, None));
        assert_eq!(settings.runtime.retry, RetryLimits::default());
        assert_eq!(settings.status.frequency, Duration::from_secs(10));
    }

    #[test]
    fn flags_reach_the_settings() {
        let settings = settings(&[
            "--feature-gates=AllAlpha=true,WorkloadAffinity=false",
            "--controllers=*,-unifiedAuth,hpaScaleTargetMarker",
            "--kube-api-qps=40",
            "--rate-limiter-qps=10",
            "--cluster-status-update-frequency=2s",
            "--enable-cluster-resource-modeling=false",
        ])
        .unwrap();
        assert!(settings.gates.is_enabled(Feature::PropagationPolicyPreemption));
        assert!(!settings.gates.is_enabled(Feature::WorkloadAffinity));
        assert!(!settings.controllers.is_enabled(Controller::UnifiedAuth));
        assert!(settings.controllers.is_named(Controller::HpaScaleTargetMarker));
        assert_eq!(settings.api_rate, Some(Rate { per_second: 40.0, burst: 60 }));
        assert_eq!(settings.runtime.retry.rate, Some(Rate { per_second: 10.0, burst: 100 }));
        assert_eq!(settings.status.frequency, Duration::from_secs(2));
        assert_eq!(settings.status.resources, ResourceModeling::Off);
    }

    #[test]
    fn values_that_make_no_sense_are_refused_with_what_there_is() {
        for (argument, said) in [
            ("--feature-gates=Nope=true", "known are AllAlpha, AllBeta, Failover"),
            ("--feature-gates=Failover", "missing bool value"),
            ("--controllers=nope", "there is no controller \"nope\"; there are cluster,"),
            ("--plugins=Nope", "Nope"),
            ("--skipped-propagating-namespaces=(", "pattern"),
            ("--skipped-propagating-apis=a/b/c/d/e", "a/b/c/d/e"),
            ("--cluster-status-update-frequency=0s", "must be longer than 0"),
            ("--kube-api-qps=0", "0 is not in"),
            ("--concurrent-work-syncs=0", "0 is not in"),
        ] {
            let error = settings(&[argument]).unwrap_err();
            assert!(error.contains(said), "{argument}: {error}");
        }
    }
}
