//! Filters: every plugin says whether a cluster may run the workload.

mod api_enablement;
mod cluster_affinity;
mod cluster_eviction;
mod plugin;
mod run;
mod spread_constraint;
mod taint_toleration;
mod workload_affinity;
mod workload_anti_affinity;
mod workload_groups;

pub use plugin::{Plugin, PluginSet, UnknownPlugin};
pub(super) use run::filter_clusters;
pub(super) use spread_constraint::{SpreadProperties, SpreadProperty};
pub(super) use taint_toleration::TaintToleration;
pub use workload_groups::WorkloadGroups;
