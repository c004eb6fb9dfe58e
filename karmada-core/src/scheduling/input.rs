//! What one call of the scheduler looks at.

use std::collections::HashMap;

use jiff::Timestamp;

use super::{AssumedWorkloads, ScheduleOptions, Snapshot, WorkloadGroups};
use crate::api::{policy::Placement, work::ResourceBindingSpec};

/// What all bindings share: the clusters and what else is placed on them.
#[derive(Clone, Copy)]
pub struct ScheduleContext<'a> {
    /// The clusters.
    pub snapshot: &'a Snapshot,
    /// The other workloads by group; used with the gate WorkloadAffinity.
    pub groups: &'a WorkloadGroups,
    /// Placements that do not show in the clusters yet; used with the gate
    /// SchedulingOvercommitProtection.
    pub assumed: &'a AssumedWorkloads,
    /// Options.
    pub options: &'a ScheduleOptions,
}

/// One binding to schedule.
#[derive(Clone, Copy)]
pub struct ScheduleInput<'a> {
    /// The binding's name; with the namespace of the resource it tells the binding from its peers.
    pub name: &'a str,
    /// What to place.
    pub spec: &'a ResourceBindingSpec,
    /// The affinity group to use, where the placement has several.
    pub affinity_name: &'a str,
    /// When the binding was last scheduled.
    pub last_scheduled: Option<Timestamp>,
    /// The least number of replicas (or sets of components) that accurate estimators found room
    /// for, by cluster; a cluster without an answer is left out.
    pub estimates: Option<&'a HashMap<String, i32>>,
}

impl<'a> ScheduleInput<'a> {
    /// Returns true when a schedule from scratch was asked for since the last one.
    pub(super) fn is_fresh(&self) -> bool {
        match (&self.spec.reschedule_triggered_at, self.last_scheduled) {
            (Some(triggered), Some(last)) => triggered.0 > last,
            _ => false,
        }
    }

    /// Returns true when the resource has pods of one kind to count.
    pub(super) fn has_replicas(&self) -> bool {
        self.spec.replicas > 0 || self.spec.replica_requirements.is_some()
    }

    pub(super) fn placement(&self) -> Option<&'a Placement> {
        self.spec.placement.as_ref()
    }
}

/// A cluster's weight in a division.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterWeight {
    /// The cluster.
    pub cluster: String,
    /// Its weight; never negative.
    pub weight: i64,
}
