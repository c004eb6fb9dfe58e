//! Which selection the placement asks for.

use super::{
    candidate::Candidate,
    cluster::select_clusters,
    region::{RegionConstraints, select_by_region},
};
use crate::{
    api::policy::{DivisionPreference, Placement, ReplicaSchedulingType, SpreadConstraint, SpreadField},
    scheduling::{ScheduleContext, ScheduleError, ScheduleInput, Selection},
};

/// Selects from candidates in the order of preference; keeps that order where it can.
///
/// # Errors
///
/// When the constraints cannot be met.
pub(in crate::scheduling) fn select_candidates(
    context: &ScheduleContext<'_>,
    input: &ScheduleInput<'_>,
    candidates: Vec<Candidate>,
    trace: &mut Selection,
) -> Result<Vec<Candidate>, ScheduleError> {
    *trace = Selection::All;
    let Some(placement) = input.placement() else { return Ok(candidates) };
    if placement.spread_constraints.is_empty() {
        return Ok(candidates);
    }
    if is_weighted_by_hand(placement) {
        *trace = Selection::ConstraintsIgnored;
        return Ok(candidates);
    }
    let constraint = |field: &SpreadField| -> Option<&SpreadConstraint> {
        placement.spread_constraints.iter().rfind(|constraint| constraint.spread_by_field == *field)
    };
    let is_divided = placement
        .replica_scheduling
        .as_ref()
        .is_some_and(|strategy| strategy.replica_scheduling_type != ReplicaSchedulingType::Duplicated);
    let cluster = constraint(&SpreadField::Cluster);
    if let Some(region) = constraint(&SpreadField::Region) {
        let constraints = RegionConstraints { region, cluster };
        return select_by_region(
            context.snapshot,
            &constraints,
            input.spec.replicas,
            is_divided,
            &candidates,
            trace,
        );
    }
    let Some(cluster) = cluster else { return Err(ScheduleError::UnsupportedConstraint) };
    // A workload of several components needs room for one set of them.
    let has_components =
        context.options.gates.multiple_pod_templates_scheduling && !input.spec.components.is_empty();
    let needed = if has_components { 1 } else { i64::from(input.spec.replicas) };
    select_clusters(cluster, candidates, is_divided.then_some(needed), trace)
}

/// Returns true when replicas are divided by weights that do not depend on the clusters' state:
/// then all clusters with a weight are wanted, and constraints have no effect.
fn is_weighted_by_hand(placement: &Placement) -> bool {
    let Some(strategy) = &placement.replica_scheduling else { return false };
    strategy.replica_scheduling_type == ReplicaSchedulingType::Divided
        && strategy.replica_division_preference == DivisionPreference::Weighted
        && strategy.weight_preference.as_ref().is_none_or(|preference| {
            !preference.static_weight_list.is_empty() && preference.dynamic_weight.is_unset()
        })
}
