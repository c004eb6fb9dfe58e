//! Checking a decision against what a placement promises.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Violation,
    eligibility::{refusing_plugins, tier},
    room::room,
};
use crate::{
    api::{
        cluster::Cluster,
        policy::{DivisionPreference, Placement, ReplicaSchedulingType, SpreadConstraint, SpreadField},
        work::{ResourceBinding, TargetCluster},
    },
    scheduling::{
        Decision, Division, DivisionRule, EmptyWorkloads, Plugin, ScheduleContext, ScheduleError,
        ScheduleInput, Verdict,
    },
};

/// What a decision was made from, as objects.
#[derive(Clone, Copy)]
pub struct PlacementCheck<'a> {
    /// The clusters, in any order.
    pub clusters: &'a [Cluster],
    /// The bindings that the scheduler knew, in any order and version.
    pub peers: &'a [ResourceBinding],
    /// What the scheduler was called with; its snapshot is not looked at.
    pub context: &'a ScheduleContext<'a>,
    /// What the scheduler was called with.
    pub input: &'a ScheduleInput<'a>,
}

/// A cluster as the checker sees it, with its verdict.
struct Checked<'a> {
    cluster: &'a Cluster,
    verdict: &'a Verdict,
    may_have_it: bool,
    /// None when it is not known here.
    room: Option<i64>,
    tier: usize,
    /// The replicas that it had.
    held: i64,
}

impl Checked<'_> {
    fn room(&self) -> i64 {
        self.room.unwrap_or_else(|| self.verdict.estimate.map_or(0, i64::from))
    }
}

type ByName<'a> = BTreeMap<&'a str, Checked<'a>>;

/// Returns the promises that a decision does not keep; none is as it should be.
///
/// The placement and the binding are expected to be such as admission lets through.
pub fn check_placement(check: &PlacementCheck<'_>, decision: &Decision) -> Vec<Violation> {
    let mut violations = Vec::new();
    let Some(clusters) = pair_with_verdicts(check, decision) else { return vec![Violation::VerdictsMissing] };
    check_verdicts(check, &clusters, &mut violations);
    violations
        .extend(decision.divisions.iter().filter(|one| !is_fair(one)).map(|_| Violation::DivisionUnfair));
    let targets = match &decision.result {
        Ok(targets) => targets,
        Err(error) => {
            violations.extend(check_failure(check, &clusters, error));
            return violations;
        }
    };
    if !clusters.values().any(|one| one.may_have_it) {
        violations.push(Violation::PlacedWithoutCluster);
    }
    check_targets(&clusters, targets, &mut violations);
    let spec = check.input.spec;
    if spec.components.len() <= 1 && (spec.replicas > 0 || spec.replica_requirements.is_some()) {
        check_replicas(check, &clusters, targets, &mut violations);
        check_room(check, &clusters, targets, &mut violations);
    } else {
        check_components(check, targets, &mut violations);
    }
    check_spread(check, &clusters, targets, &mut violations);
    violations
}

fn pair_with_verdicts<'a>(check: &PlacementCheck<'a>, decision: &'a Decision) -> Option<ByName<'a>> {
    let by_name: BTreeMap<&str, &Cluster> = check.clusters.iter().map(|one| (one.name(), one)).collect();
    if by_name.len() != decision.verdicts.len() {
        return None;
    }
    let spec = check.input.spec;
    let pair = |((name, cluster), verdict): ((&'a str, &'a Cluster), &'a Verdict)| {
        let is_deleting = cluster.metadata.deletion_timestamp.is_some();
        let held = spec.clusters.iter().rfind(|target| target.name == name);
        let checked = Checked {
            cluster,
            verdict,
            may_have_it: !is_deleting && refusing_plugins(check, cluster).is_empty(),
            room: room(check, cluster),
            tier: tier(check, cluster).unwrap_or(usize::MAX),
            held: held.map_or(0, |target| i64::from(target.replicas)),
        };
        (name, checked)
    };
    Some(by_name.into_iter().zip(&decision.verdicts).map(pair).collect())
}

fn check_verdicts(check: &PlacementCheck<'_>, clusters: &ByName<'_>, violations: &mut Vec<Violation>) {
    for (name, one) in clusters {
        let is_deleting = one.cluster.metadata.deletion_timestamp.is_some();
        let wanted = if is_deleting { Vec::new() } else { refusing_plugins(check, one.cluster) };
        let got: Vec<Plugin> = one.verdict.refusals.plugins().collect();
        if wanted != got || is_deleting != one.verdict.deleting {
            violations.push(Violation::RefusalsWrong { cluster: (*name).to_owned(), wanted, got });
        }
        if let (true, Some(wanted), Some(got)) = (one.may_have_it, one.room, one.verdict.estimate)
            && wanted != i64::from(got)
        {
            let cluster = (*name).to_owned();
            violations.push(Violation::EstimateWrong { cluster, wanted, got: i64::from(got) });
        }
    }
}

/// Every cluster of the result exists, once, may have the workload, and its verdict says the same.
fn check_targets(clusters: &ByName<'_>, targets: &[TargetCluster], violations: &mut Vec<Violation>) {
    let mut seen = BTreeSet::new();
    for target in targets {
        let name = target.name.as_str();
        if !seen.insert(name) {
            violations.push(Violation::ClusterTwice(name.to_owned()));
        }
        let Some(one) = clusters.get(name) else {
            violations.push(Violation::ClusterUnknown(name.to_owned()));
            continue;
        };
        if !one.may_have_it || !one.verdict.selected {
            violations.push(Violation::ClusterRefused(name.to_owned()));
        }
        if one.verdict.share != Some(target.replicas) {
            violations.push(Violation::VerdictWrong(name.to_owned()));
        }
    }
    for (name, one) in clusters {
        if one.verdict.share.is_some() && !seen.contains(name) {
            violations.push(Violation::VerdictWrong((*name).to_owned()));
        }
    }
}

fn check_replicas(
    check: &PlacementCheck<'_>,
    clusters: &ByName<'_>,
    targets: &[TargetCluster],
    violations: &mut Vec<Violation>,
) {
    let spec = check.input.spec;
    if is_divided(spec.placement.as_ref()) {
        let assigned = targets.iter().map(|target| i64::from(target.replicas)).sum();
        let wanted = i64::from(spec.replicas);
        if assigned != wanted {
            violations.push(Violation::ReplicasWrong { assigned, wanted });
        }
        let keeps_empty = check.context.options.empty_workloads == EmptyWorkloads::Propagate;
        let empty = targets.iter().filter(|target| target.replicas <= 0 && !keeps_empty);
        violations.extend(empty.map(|target| Violation::VerdictWrong(target.name.clone())));
        return;
    }
    let incomplete = targets.iter().filter(|target| target.replicas != spec.replicas);
    violations.extend(incomplete.map(|target| Violation::CopyIncomplete(target.name.clone())));
    let is_limited = spec.placement.as_ref().is_some_and(|one| !one.spread_constraints.is_empty());
    if !is_limited && spec.replicas > 0 {
        let has = |name: &str| targets.iter().any(|target| target.name == name);
        let missing = clusters.iter().filter(|(name, one)| one.may_have_it && !has(name));
        violations.extend(missing.map(|(name, _)| Violation::CopyMissing((*name).to_owned())));
    }
}

/// Division by room gives a cluster no more new replicas than fit, and fills tiers in order.
fn check_room(
    check: &PlacementCheck<'_>,
    clusters: &ByName<'_>,
    targets: &[TargetCluster],
    violations: &mut Vec<Violation>,
) {
    if !is_by_room(check.input.spec.placement.as_ref()) {
        return;
    }
    let share = |name: &str| {
        targets.iter().find(|target| target.name == name).map_or(0, |target| i64::from(target.replicas))
    };
    for target in targets {
        let Some(one) = clusters.get(target.name.as_str()) else { continue };
        let replicas = i64::from(target.replicas);
        if replicas - one.held > one.room() {
            violations.push(Violation::NoRoom(target.name.clone()));
        }
        // What a tier was given fits all at once, so what is left over shows that it is full.
        let before: Vec<_> =
            clusters.iter().filter(|(_, other)| other.verdict.selected && other.tier < one.tier).collect();
        let room: i64 = before.iter().map(|(_, other)| other.room() + other.held).sum();
        let used: i64 = before.iter().map(|(name, _)| share(name)).sum();
        if replicas > 0 && used < room && used < i64::from(check.input.spec.replicas) {
            violations.push(Violation::OverflowTooEarly(target.name.clone()));
        }
    }
}

fn check_components(check: &PlacementCheck<'_>, targets: &[TargetCluster], violations: &mut Vec<Violation>) {
    let spec = check.input.spec;
    for target in targets {
        let counted: BTreeMap<&str, i32> =
            target.components.iter().map(|one| (one.name.as_str(), one.replicas)).collect();
        let wanted: BTreeMap<&str, i32> =
            spec.components.iter().map(|one| (one.name.as_str(), one.replicas)).collect();
        if target.replicas != 0 || (!counted.is_empty() && counted != wanted) {
            violations.push(Violation::ComponentsWrong(target.name.clone()));
        }
    }
}

fn check_spread(
    check: &PlacementCheck<'_>,
    clusters: &ByName<'_>,
    targets: &[TargetCluster],
    violations: &mut Vec<Violation>,
) {
    let Some(placement) = &check.input.spec.placement else { return };
    if is_by_fixed_weight(placement) {
        return;
    }
    let constraint = |field: SpreadField| -> Option<&SpreadConstraint> {
        placement.spread_constraints.iter().rfind(|one| one.spread_by_field == field)
    };
    let (region, cluster) = (constraint(SpreadField::Region), constraint(SpreadField::Cluster));
    let selected: Vec<&Checked<'_>> = clusters.values().filter(|one| one.verdict.selected).collect();
    let regions: BTreeSet<&str> = selected.iter().map(|one| one.cluster.spec.region.as_str()).collect();
    if let Some(region) = region {
        let (count, allowed) = (regions.len(), (region.min_groups, region.max_groups));
        if (count as i64) < allowed.0 || count as i64 > allowed.1 {
            violations.push(Violation::RegionCountWrong { selected: count, allowed });
        }
    }
    if let Some(cluster) = cluster {
        // Every chosen region gives a cluster, also when fewer clusters are allowed.
        let least = if region.is_some() { regions.len() as i64 } else { 0 };
        let allowed = (cluster.min_groups, cluster.max_groups.max(least));
        let count = selected.len();
        if (count as i64) < allowed.0 || count as i64 > allowed.1 || targets.len() > count {
            violations.push(Violation::ClusterCountWrong { selected: count, allowed });
        }
    }
}

/// A failure must be one: nobody may have the workload, or there is too little room.
fn check_failure(
    check: &PlacementCheck<'_>,
    clusters: &ByName<'_>,
    error: &ScheduleError,
) -> Option<Violation> {
    let spec = check.input.spec;
    let able: Vec<&Checked<'_>> = clusters.values().filter(|one| one.may_have_it).collect();
    let constraints = spec.placement.as_ref().map_or(&[][..], |one| &one.spread_constraints);
    let room: i64 = able.iter().map(|one| one.room() + one.held).sum();
    let needed = i64::from(spec.replicas);
    let is_justified = match error {
        ScheduleError::NoClusterFit { total, .. } => able.is_empty() && *total == clusters.len(),
        ScheduleError::NotEnoughOverflow => room < needed || !constraints.is_empty(),
        // Clusters that had replicas and may not have them any more make room for none.
        ScheduleError::NotEnoughReplicas { .. } => room < needed || !constraints.is_empty(),
        ScheduleError::TooFewClusters => {
            let wanted = constraints.iter().rfind(|one| one.spread_by_field == SpreadField::Cluster);
            wanted.is_some_and(|wanted| (able.len() as i64) < wanted.min_groups)
        }
        ScheduleError::TooFewRegions => {
            let regions: BTreeSet<&str> = able.iter().map(|one| one.cluster.spec.region.as_str()).collect();
            let wanted = constraints.iter().rfind(|one| one.spread_by_field == SpreadField::Region);
            wanted.is_some_and(|wanted| (regions.len() as i64) < wanted.min_groups)
        }
        ScheduleError::TooLittleRoom { selected } => {
            let mut rooms: Vec<i64> = able.iter().map(|one| one.room() + one.held).collect();
            rooms.sort_unstable();
            rooms.iter().rev().take(*selected).sum::<i64>() < needed.max(1)
        }
        ScheduleError::TooFewClustersInRegions
        | ScheduleError::UnsupportedConstraint
        | ScheduleError::NoClusterSelected
        | ScheduleError::UnsupportedStrategy { .. } => !able.is_empty(),
    };
    (!is_justified).then_some(Violation::FailedWithoutNeed)
}

/// Every replica was handed out, and no cluster has a better claim to one that another won.
fn is_fair(division: &Division) -> bool {
    let parts = &division.parts;
    if parts.is_empty() {
        return true;
    }
    let won: i64 = parts.iter().map(|part| part.seats).sum();
    let by_room = matches!(division.rule, DivisionRule::DynamicWeight(_) | DivisionRule::Aggregated(_));
    let is_within_room = parts.iter().all(|part| !by_room || part.seats <= part.weight);
    let claim = |weight: i64, seats: i64| weight as f64 / (2 * seats + 1) as f64;
    let weakest_winner = parts
        .iter()
        .filter(|part| part.seats > 0)
        .map(|part| claim(part.weight, part.seats - 1))
        .fold(f64::MAX, f64::min);
    let strongest_loser = parts.iter().map(|part| claim(part.weight, part.seats)).fold(0.0, f64::max);
    won == division.replicas && is_within_room && weakest_winner >= strongest_loser
}

fn is_divided(placement: Option<&Placement>) -> bool {
    let strategy = placement.and_then(|placement| placement.replica_scheduling.as_ref());
    strategy.is_some_and(|strategy| strategy.replica_scheduling_type == ReplicaSchedulingType::Divided)
}

fn is_by_room(placement: Option<&Placement>) -> bool {
    let strategy = placement.and_then(|placement| placement.replica_scheduling.as_ref());
    is_divided(placement)
        && strategy.is_some_and(|strategy| {
            let weights = strategy.weight_preference.as_ref();
            strategy.replica_division_preference == DivisionPreference::Aggregated
                || weights.is_some_and(|weights| !weights.dynamic_weight.is_unset())
        })
}

fn is_by_fixed_weight(placement: &Placement) -> bool {
    let strategy = placement.replica_scheduling.as_ref();
    is_divided(Some(placement))
        && strategy.is_some_and(|strategy| {
            let weights = strategy.weight_preference.as_ref();
            strategy.replica_division_preference == DivisionPreference::Weighted
                && weights.is_none_or(|weights| weights.dynamic_weight.is_unset())
        })
}
