//! How a simulation is run.

use jiff::Timestamp;

use crate::{
    api::{Feature, FeatureGates, reserved::DEFAULT_SCHEDULER_NAME},
    interpreter::Interpreter,
    propagation::{NamespaceFilter, SkippedApis},
    scheduling::{EmptyWorkloads, FeatureGates as SchedulingGates, PluginSet, ScheduleOptions},
};

/// How a simulation is run; the defaults are those of the control plane.
#[derive(Clone, Debug)]
pub struct SimulationOptions {
    /// Feature gates.
    pub gates: FeatureGates,
    /// The scheduler that is simulated; bindings of others are left alone.
    pub scheduler_name: String,
    /// The scheduler's plugins.
    pub plugins: PluginSet,
    /// Whether clusters without a replica are part of a result.
    pub empty_workloads: EmptyWorkloads,
    /// APIs whose objects are never propagated.
    pub skipped_apis: SkippedApis,
    /// Namespaces whose objects are never propagated.
    pub namespaces: NamespaceFilter,
    /// The namespace of namespaced objects that name none.
    pub default_namespace: String,
    /// Knows what resources mean.
    pub interpreter: Interpreter,
    /// The time of the simulation.
    pub now: Timestamp,
}

impl Default for SimulationOptions {
    fn default() -> Self {
        Self {
            gates: FeatureGates::default(),
            scheduler_name: DEFAULT_SCHEDULER_NAME.to_owned(),
            plugins: PluginSet::default(),
            empty_workloads: EmptyWorkloads::default(),
            skipped_apis: SkippedApis::default(),
            namespaces: NamespaceFilter::default(),
            default_namespace: "default".to_owned(),
            interpreter: Interpreter::default(),
            now: Timestamp::UNIX_EPOCH,
        }
    }
}

impl SimulationOptions {
    /// Returns the options of the scheduler.
    pub(super) fn schedule_options(&self) -> ScheduleOptions {
        let on = |feature| self.gates.is_enabled(feature);
        ScheduleOptions {
            gates: SchedulingGates {
                customized_cluster_resource_modeling: on(Feature::CustomizedClusterResourceModeling),
                workload_affinity: on(Feature::WorkloadAffinity),
                multiple_pod_templates_scheduling: on(Feature::MultiplePodTemplatesScheduling),
                scheduling_overcommit_protection: on(Feature::SchedulingOvercommitProtection),
            },
            empty_workloads: self.empty_workloads,
            plugins: self.plugins,
        }
    }
}
