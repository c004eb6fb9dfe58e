//! Selecting clusters by region.

use std::collections::BTreeMap;

use super::{
    candidate::Candidate,
    groups::{SpreadGroup, select_groups},
};
use crate::{
    api::policy::SpreadConstraint,
    scheduling::{ScheduleError, Snapshot},
};

/// A region's score counts replicas or clusters in thousands, so that these come before scores.
const UNIT: i64 = 1000;

/// The constraints that count when replicas are spread by region.
pub(super) struct RegionConstraints<'a> {
    pub(super) region: &'a SpreadConstraint,
    pub(super) cluster: Option<&'a SpreadConstraint>,
}

impl RegionConstraints<'_> {
    fn min_clusters(&self) -> i64 {
        self.cluster.map_or(0, |constraint| constraint.min_groups)
    }
}

/// Selects regions, then the best cluster of each, then the best of all their other clusters.
///
/// Without a cluster constraint every region gives one cluster. Room is not looked at again.
pub(super) fn select_by_region(
    snapshot: &Snapshot,
    constraints: &RegionConstraints<'_>,
    replicas: i32,
    is_divided: bool,
    candidates: &[Candidate],
) -> Result<Vec<Candidate>, ScheduleError> {
    let mut regions: BTreeMap<&str, Vec<Candidate>> = BTreeMap::new();
    for candidate in candidates {
        let region = snapshot.entry(candidate.cluster).region.as_str();
        if !region.is_empty() {
            regions.entry(region).or_default().push(*candidate);
        }
    }
    if (regions.len() as i64) < constraints.region.min_groups {
        return Err(ScheduleError::TooFewRegions);
    }
    let groups: Vec<SpreadGroup> = regions
        .iter()
        .map(|(name, clusters)| SpreadGroup {
            name: (*name).to_owned(),
            value: clusters.len() as i64,
            weight: if is_divided {
                weight_for_division(constraints, i64::from(replicas), clusters)
            } else {
                weight_for_copies(i64::from(replicas), clusters)
            },
        })
        .collect();
    let chosen = select_groups(
        &groups,
        constraints.region.min_groups,
        constraints.region.max_groups,
        constraints.min_clusters(),
    )
    .ok_or(ScheduleError::TooFewClustersInRegions)?;

    let mut selected = Vec::new();
    let mut rest = Vec::new();
    for group in chosen {
        let clusters = &regions[group.name.as_str()];
        selected.extend(clusters.first());
        rest.extend_from_slice(&clusters[1..]);
    }
    let max_clusters = constraints.cluster.map_or(0, |constraint| constraint.max_groups);
    let more = usize::try_from(max_clusters).unwrap_or(0).saturating_sub(selected.len());
    rest.sort_unstable_by(Candidate::cmp_preference);
    selected.extend(rest.into_iter().take(more));
    Ok(selected)
}

/// The weight of a region when every cluster gets all replicas: the clusters with room for them.
fn weight_for_copies(replicas: i64, clusters: &[Candidate]) -> i64 {
    let fitting = clusters.iter().filter(|candidate| candidate.available >= replicas);
    let (count, score) = fitting.fold((0, 0), |(count, score), one| (count + 1, score + one.score));
    if count == 0 { 0 } else { count * UNIT + score / count }
}

/// The weight of a region when replicas are divided: how much of its share it has room for.
fn weight_for_division(constraints: &RegionConstraints<'_>, replicas: i64, clusters: &[Candidate]) -> i64 {
    let min_regions = constraints.region.min_groups.max(1);
    let share = (replicas + min_regions - 1) / min_regions;
    let min_clusters = constraints.min_clusters().max(constraints.region.min_groups);
    let (mut room, mut score, mut count) = (0_i64, 0_i64, 0_i64);
    for candidate in clusters {
        room = room.saturating_add(candidate.available);
        score += candidate.score;
        count += 1;
        if count >= min_clusters && room >= share {
            break;
        }
    }
    // With too little room the loop has seen all clusters.
    room.min(share).saturating_mul(UNIT) + score / count.max(1)
}
