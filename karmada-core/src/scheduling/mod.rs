//! The scheduler: which clusters run a workload, and how many replicas each.
//!
//! [`schedule`] is a pure function of a [`Snapshot`] of the clusters and one binding: filter,
//! score, select, assign. The same input gives the same answer, in whatever order the clusters
//! were added. [`reconcile_binding`] decides around it: whether scheduling is needed, which
//! affinity group comes next, what to write, which events to send and when to try again.
//!
//! A [`Decision`] has a [`Verdict`] for every cluster: which plugins refused it and why, what it
//! scored, how many replicas fit and how many it got. Text is made only when it is asked for.

mod affinity;
mod assign;
mod checker;
mod decision;
mod error;
mod estimate;
mod explain;
mod filter;
mod input;
mod numbers;
mod options;
#[cfg(test)]
mod properties;
mod rebalance;
mod reconcile;
mod schedule;
mod score;
mod select;
mod snapshot;
#[cfg(test)]
mod testing;
mod trace;

pub use assign::dispense_replicas;
pub use checker::{PlacementCheck, Violation, check_placement};
pub use decision::{ClusterIndex, Decision, Refusals, Verdict};
pub use error::{DivisionStep, ScheduleError, ScheduleErrorKind};
pub use estimate::{AssumedWorkload, AssumedWorkloads, Limit};
pub use explain::{
    ClusterExplanation, Explanation, Obstacle, Outcome, RefusalExplanation, RoomExplanation, Rounding,
    ScorePart, ShareExplanation,
};
pub use filter::{Plugin, PluginSet, UnknownPlugin, WorkloadGroups};
pub use input::{ClusterWeight, ScheduleContext, ScheduleInput};
pub use options::{EmptyWorkloads, FeatureGates, ScheduleOptions};
pub use rebalance::{RebalanceAttempt, RebalanceDecision, rebalance_status, workloads_to_ask};
pub use reconcile::{
    Attempt, BindingChange, BindingDecision, BindingEvent, BindingInput, EventKind, PlacedBinding,
    PlacementResult, Retry, StatusChange, Trigger, is_affected_by_cluster, is_in_charge, needs_scheduling,
    place_binding, quota_exceeded, reconcile_binding,
};
pub use schedule::schedule;
pub use select::{SpreadGroup, select_groups};
pub use snapshot::Snapshot;
pub use trace::{ClusterSelection, Division, DivisionRule, Part, RegionRating, Selection, TieOrder};
