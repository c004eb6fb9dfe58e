//! An independent check of scheduling results.
//!
//! It knows the promises of a placement, not how the scheduler keeps them: replicas add up, limits
//! hold, and clusters that were refused get nothing. Tests run it on everything they schedule.

use std::collections::BTreeSet;

use super::{Decision, ScheduleContext, ScheduleInput};
use crate::api::policy::{DivisionPreference, ReplicaSchedulingType, SpreadField};

/// A promise that a result does not keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// There are not as many verdicts as clusters.
    VerdictsMissing,
    /// A cluster is in the result twice.
    ClusterTwice(String),
    /// A cluster in the result does not exist.
    ClusterUnknown(String),
    /// A cluster in the result was refused, is being deleted or was not selected.
    ClusterRefused(String),
    /// A cluster has another share in its verdict than in the result.
    VerdictWrong(String),
    /// Divided replicas do not add up.
    ReplicasWrong {
        /// The sum of the result.
        assigned: i64,
        /// The replicas of the binding.
        wanted: i64,
    },
    /// A cluster does not have all replicas, though they are duplicated.
    CopyIncomplete(String),
    /// More clusters than a constraint allows.
    TooManyClusters {
        /// The clusters of the result.
        used: usize,
        /// The clusters that are allowed.
        allowed: i64,
    },
    /// More regions than a constraint allows.
    TooManyRegions {
        /// The regions of the result.
        used: usize,
        /// The regions that are allowed.
        allowed: i64,
    },
    /// A cluster got more new replicas than there is room for.
    NoRoom(String),
}

/// Returns the promises that a decision does not keep; none is as it should be.
pub fn check_placement(
    context: &ScheduleContext<'_>,
    input: &ScheduleInput<'_>,
    decision: &Decision,
) -> Vec<Violation> {
    let mut violations = Vec::new();
    if decision.verdicts.len() != context.snapshot.len() {
        violations.push(Violation::VerdictsMissing);
        return violations;
    }
    let Ok(targets) = &decision.result else { return violations };
    let mut seen = BTreeSet::new();
    for target in targets {
        let name = target.name.clone();
        if !seen.insert(name.clone()) {
            violations.push(Violation::ClusterTwice(name.clone()));
        }
        let Some(index) = context.snapshot.index_of(&name) else {
            violations.push(Violation::ClusterUnknown(name));
            continue;
        };
        let verdict = &decision.verdicts[index.0 as usize];
        if !verdict.is_feasible() || !verdict.selected {
            violations.push(Violation::ClusterRefused(name.clone()));
        }
        if verdict.cluster != index || verdict.share != Some(target.replicas) {
            violations.push(Violation::VerdictWrong(name));
        }
    }
    if input.spec.components.len() <= 1
        && (input.spec.replicas > 0 || input.spec.replica_requirements.is_some())
    {
        check_replicas(input, decision, &mut violations);
        check_room(input, decision, context, &mut violations);
    }
    check_spread(context, input, decision, &mut violations);
    violations
}

fn check_replicas(input: &ScheduleInput<'_>, decision: &Decision, violations: &mut Vec<Violation>) {
    let targets = decision.result.as_deref().unwrap_or_default();
    let strategy = input.spec.placement.as_ref().and_then(|placement| placement.replica_scheduling.as_ref());
    let is_divided =
        strategy.is_some_and(|strategy| strategy.replica_scheduling_type == ReplicaSchedulingType::Divided);
    if is_divided {
        let assigned = targets.iter().map(|target| i64::from(target.replicas)).sum();
        let wanted = i64::from(input.spec.replicas);
        if assigned != wanted {
            violations.push(Violation::ReplicasWrong { assigned, wanted });
        }
    } else {
        let incomplete = targets.iter().filter(|target| target.replicas != input.spec.replicas);
        violations.extend(incomplete.map(|target| Violation::CopyIncomplete(target.name.clone())));
    }
}

/// Dynamic division gives a cluster no more new replicas than were estimated to fit.
fn check_room(
    input: &ScheduleInput<'_>,
    decision: &Decision,
    context: &ScheduleContext<'_>,
    violations: &mut Vec<Violation>,
) {
    let strategy = input.spec.placement.as_ref().and_then(|placement| placement.replica_scheduling.as_ref());
    let is_dynamic = strategy.is_some_and(|strategy| {
        strategy.replica_scheduling_type == ReplicaSchedulingType::Divided
            && (strategy.replica_division_preference == DivisionPreference::Aggregated
                || strategy
                    .weight_preference
                    .as_ref()
                    .is_some_and(|weights| !weights.dynamic_weight.is_unset()))
    });
    if !is_dynamic {
        return;
    }
    for target in decision.result.iter().flatten() {
        let before =
            input.spec.clusters.iter().find(|old| old.name == target.name).map_or(0, |old| old.replicas);
        let estimate = context
            .snapshot
            .index_of(&target.name)
            .and_then(|index| decision.verdicts[index.0 as usize].estimate)
            .unwrap_or(0);
        if i64::from(target.replicas) - i64::from(before) > i64::from(estimate) {
            violations.push(Violation::NoRoom(target.name.clone()));
        }
    }
}

fn check_spread(
    context: &ScheduleContext<'_>,
    input: &ScheduleInput<'_>,
    decision: &Decision,
    violations: &mut Vec<Violation>,
) {
    let Some(placement) = &input.spec.placement else { return };
    let weighted_by_hand = placement.replica_scheduling.as_ref().is_some_and(|strategy| {
        strategy.replica_scheduling_type == ReplicaSchedulingType::Divided
            && strategy.replica_division_preference == DivisionPreference::Weighted
            && strategy.weight_preference.as_ref().is_none_or(|weights| weights.dynamic_weight.is_unset())
    });
    if weighted_by_hand {
        return;
    }
    let selected: Vec<_> = decision.verdicts.iter().filter(|verdict| verdict.selected).collect();
    let regions: BTreeSet<&str> =
        selected.iter().map(|verdict| context.snapshot.entry(verdict.cluster).region.as_str()).collect();
    let by_region = placement
        .spread_constraints
        .iter()
        .any(|constraint| constraint.spread_by_field == SpreadField::Region);
    // Every chosen region gives a cluster, also when fewer clusters are allowed.
    let least = if by_region { regions.len() as i64 } else { 0 };
    for constraint in &placement.spread_constraints {
        match constraint.spread_by_field {
            SpreadField::Cluster if selected.len() as i64 > constraint.max_groups.max(least) => {
                violations.push(Violation::TooManyClusters {
                    used: selected.len(),
                    allowed: constraint.max_groups,
                });
            }
            SpreadField::Region if regions.len() as i64 > constraint.max_groups => {
                violations
                    .push(Violation::TooManyRegions { used: regions.len(), allowed: constraint.max_groups });
            }
            _ => {}
        }
    }
}
