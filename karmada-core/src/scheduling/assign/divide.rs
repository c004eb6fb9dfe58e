//! From selected clusters to the result of scheduling.

use super::{components, duplicated, dynamic::Divider, overflow, static_weight, strategy::Strategy};
use crate::{
    api::work::TargetCluster,
    scheduling::{
        ClusterIndex, Division, DivisionRule, EmptyWorkloads, ScheduleContext, ScheduleError, ScheduleInput,
        TieOrder, select::Candidate,
    },
};

/// A cluster's replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) cluster: ClusterIndex,
    pub(super) replicas: i64,
}

/// Divides the replicas of a binding over clusters.
///
/// A resource without replicas, or with several components, goes to every selected cluster.
pub(in crate::scheduling) fn assign_replicas(
    context: &ScheduleContext<'_>,
    input: &ScheduleInput<'_>,
    selected: &[Candidate],
    may_overflow: bool,
    trace: &mut Vec<Division>,
) -> Result<Vec<(ClusterIndex, TargetCluster)>, ScheduleError> {
    if selected.is_empty() {
        return Err(ScheduleError::NoClusterSelected);
    }
    let name_of = |cluster| context.snapshot.name_of(cluster).to_owned();
    if !input.has_replicas() || input.spec.components.len() > 1 {
        let components = components::component_counts(context.options.gates, input.spec);
        let target = |candidate: &Candidate| {
            let name = name_of(candidate.cluster);
            (candidate.cluster, TargetCluster { name, replicas: 0, components: components.clone() })
        };
        return Ok(selected.iter().map(target).collect());
    }
    let mut shares = divide(context, input, selected, may_overflow, trace)?;
    shares.retain(|share| share.replicas > 0);
    if context.options.empty_workloads == EmptyWorkloads::Propagate {
        let mut has_share = vec![false; context.snapshot.len()];
        for share in &shares {
            has_share[share.cluster.0 as usize] = true;
        }
        let missing = selected.iter().filter(|candidate| !has_share[candidate.cluster.0 as usize]);
        shares.extend(missing.map(|candidate| Share { cluster: candidate.cluster, replicas: 0 }));
    }
    let target = |share: &Share| {
        let replicas = i32::try_from(share.replicas).unwrap_or(i32::MAX);
        (share.cluster, TargetCluster { name: name_of(share.cluster), replicas, components: Vec::new() })
    };
    Ok(shares.iter().map(target).collect())
}

fn divide(
    context: &ScheduleContext<'_>,
    input: &ScheduleInput<'_>,
    selected: &[Candidate],
    may_overflow: bool,
    trace: &mut Vec<Division>,
) -> Result<Vec<Share>, ScheduleError> {
    let strategy = Strategy::of_placement(input.placement())?;
    let replicas = i64::from(input.spec.replicas);
    if strategy == Strategy::Duplicated {
        trace.push(Division::new(DivisionRule::Copies, replicas, TieOrder::First));
        return Ok(duplicated::divide(replicas, selected));
    }
    let divider = Divider::new(context.snapshot, input);
    if may_overflow {
        return overflow::divide(&divider, strategy, replicas, selected, trace);
    }
    divide_once(&divider, strategy, replicas, selected, trace)
}

/// Divides by one strategy, without overflow.
pub(super) fn divide_once(
    divider: &Divider<'_>,
    strategy: Strategy<'_>,
    replicas: i64,
    selected: &[Candidate],
    trace: &mut Vec<Division>,
) -> Result<Vec<Share>, ScheduleError> {
    match strategy {
        Strategy::Duplicated => Ok(duplicated::divide(replicas, selected)),
        Strategy::StaticWeight(weights) => {
            let (division, shares) = static_weight::divide(divider, weights, replicas, selected);
            trace.push(division);
            Ok(shares)
        }
        Strategy::Aggregated | Strategy::DynamicWeight => divider.divide(strategy, replicas, selected, trace),
    }
}
