//! How many replicas fit into a cluster, counted slowly.

use super::PlacementCheck;
use crate::{
    api::{
        ResourceList,
        cluster::{Cluster, ResourceSummary},
    },
    object::Quantity,
};

/// More nodes than this are not counted one by one.
const NODES: i64 = 2000;
const PODS_PER_NODE: i64 = 110;

/// Returns how many further replicas fit; none when that is not known here: for sets of components,
/// with placements that are only assumed, or with very many nodes.
pub(super) fn room(check: &PlacementCheck<'_>, cluster: &Cluster) -> Option<i64> {
    let spec = check.input.spec;
    if !spec.components.is_empty() || spec.replicas == 0 || !check.context.assumed.is_empty() {
        return None;
    }
    let accurate = check.input.estimates.and_then(|estimates| estimates.get(cluster.name()));
    let reported = cluster.status.as_ref().and_then(|status| status.resource_summary.as_ref());
    let mut room = match reported {
        None => 0,
        Some(summary) => {
            let request =
                spec.replica_requirements.as_ref().map(|requirements| &requirements.resource_request);
            by_report(check, cluster, summary, request)?
        }
    };
    room = room.min(accurate.map_or(i64::MAX, |accurate| i64::from(*accurate)));
    Some(if room >= i64::from(i32::MAX) { i64::from(spec.replicas) } else { room })
}

fn by_report(
    check: &PlacementCheck<'_>,
    cluster: &Cluster,
    summary: &ResourceSummary,
    request: Option<&ResourceList>,
) -> Option<i64> {
    let pods = [&summary.allocatable, &summary.allocated, &summary.allocating]
        .map(|list| list.get("pods").map_or(0, |pods| ceiling(pods.nanos(), 1_000_000_000)));
    let pods = pods[0] - pods[1] - pods[2];
    if pods <= 0 {
        return Some(0);
    }
    let Some(request) = request else { return Some(pods.min(i64::from(i32::MAX))) };
    let demand: Vec<(&String, i64)> = request
        .iter()
        .map(|(name, quantity)| (name, amount(name, quantity.nanos())))
        .filter(|(_, amount)| *amount > 0)
        .collect();
    let by_node = check.context.options.gates.customized_cluster_resource_modeling
        && !summary.allocatable_modelings.is_empty()
        && summary
            .allocatable_modelings
            .iter()
            .all(|modeling| cluster.spec.resource_models.iter().any(|model| model.grade == modeling.grade));
    let mut room = pods.min(i64::from(i32::MAX));
    if by_node {
        let nodes: i64 = summary.allocatable_modelings.iter().map(|modeling| i64::from(modeling.count)).sum();
        return (nodes <= NODES).then(|| room.min(on_nodes(cluster, summary, &demand)));
    }
    for (name, wanted) in demand {
        let Some(allocatable) = summary.allocatable.get(name) else { return Some(0) };
        let taken = |list: &ResourceList| list.get(name).map_or(0, Quantity::nanos);
        let free = allocatable.nanos() - taken(&summary.allocated) - taken(&summary.allocating);
        room = room.min(amount(name, free).max(0) / wanted);
    }
    Some(room)
}

/// Puts pods on nodes, one after the other.
fn on_nodes(cluster: &Cluster, summary: &ResourceSummary, demand: &[(&String, i64)]) -> i64 {
    let mut placed = 0;
    for modeling in &summary.allocatable_modelings {
        let models = cluster.spec.resource_models.iter();
        // Of two models of a grade the last counts.
        let Some(model) = models.rev().find(|model| model.grade == modeling.grade) else { continue };
        for _ in 0..modeling.count {
            let free = |wanted: &String| {
                let range = model.ranges.iter().find(|range| range.name == *wanted);
                range.map_or(0, |range| amount(wanted, range.min.nanos()))
            };
            let mut node: Vec<i64> = demand.iter().map(|(name, _)| free(name)).collect();
            for _ in 0..PODS_PER_NODE {
                if node.iter().zip(demand).any(|(free, (_, wanted))| free < wanted) {
                    break;
                }
                node.iter_mut().zip(demand).for_each(|(free, (_, wanted))| *free -= wanted);
                placed += 1;
            }
        }
    }
    placed
}

/// Thousandths for CPU, else whole units.
fn amount(name: &str, nanos: i128) -> i64 {
    ceiling(nanos, if name == "cpu" { 1_000_000 } else { 1_000_000_000 })
}

fn ceiling(number: i128, divisor: i128) -> i64 {
    let rounded =
        if number > 0 { (number + divisor - 1) / divisor } else { -((divisor - 1 - number) / divisor) };
    i64::try_from(rounded).unwrap_or(if number > 0 { i64::MAX } else { i64::MIN })
}
