//! What the scheduler is told by its flags and feature gates.

use super::PluginSet;

/// Feature gates that change decisions of the scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeatureGates {
    /// Estimate room from the grades of a cluster's nodes.
    pub customized_cluster_resource_modeling: bool,
    /// Workloads of a group share clusters or avoid each other.
    pub workload_affinity: bool,
    /// Workloads with several pod templates are placed as a whole.
    pub multiple_pod_templates_scheduling: bool,
    /// Room that was given away but is not used yet counts as used.
    pub scheduling_overcommit_protection: bool,
}

impl Default for FeatureGates {
    fn default() -> Self {
        Self {
            customized_cluster_resource_modeling: true,
            workload_affinity: false,
            multiple_pod_templates_scheduling: false,
            scheduling_overcommit_protection: false,
        }
    }
}

/// Whether clusters that got no replica are part of the result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EmptyWorkloads {
    /// They are left out.
    #[default]
    Drop,
    /// They get the workload with zero replicas.
    Propagate,
}

/// Options of the scheduler; the defaults are upstream's.
#[derive(Clone, Debug, Default)]
pub struct ScheduleOptions {
    /// Feature gates.
    pub gates: FeatureGates,
    /// Clusters without a replica.
    pub empty_workloads: EmptyWorkloads,
    /// Plugins in use.
    pub plugins: PluginSet,
}
