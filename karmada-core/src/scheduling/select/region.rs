//! Selecting clusters by region.

use super::{
    candidate::Candidate,
    groups::{SpreadGroup, select_groups},
};
use crate::{
    api::policy::SpreadConstraint,
    scheduling::{RegionRating, ScheduleError, Selection, Snapshot},
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
    trace: &mut Selection,
) -> Result<Vec<Candidate>, ScheduleError> {
    let regions = Regions::new(snapshot, candidates);
    let group = |clusters: &[Candidate]| SpreadGroup {
        name: region_of(snapshot, clusters).to_owned(),
        value: clusters.len() as i64,
        weight: if is_divided {
            weight_for_division(constraints, i64::from(replicas), clusters)
        } else {
            weight_for_copies(i64::from(replicas), clusters)
        },
    };
    let mut groups: Vec<SpreadGroup> = regions.iter().map(group).collect();
    groups.sort_unstable_by(|left, right| left.name.cmp(&right.name));
    let chosen = if (groups.len() as i64) < constraints.region.min_groups {
        Err(ScheduleError::TooFewRegions)
    } else {
        select_groups(
            &groups,
            constraints.region.min_groups,
            constraints.region.max_groups,
            constraints.min_clusters(),
        )
        .ok_or(ScheduleError::TooFewClustersInRegions)
    };
    let is_chosen = |group| chosen.iter().flatten().any(|chosen| std::ptr::eq(*chosen, group));
    let rating = |group: &SpreadGroup| RegionRating { group: group.clone(), chosen: is_chosen(group) };
    *trace = Selection::Regions(groups.iter().map(rating).collect());

    let mut selected = Vec::new();
    let mut rest = Vec::new();
    for group in chosen? {
        let clusters = regions.iter().find(|clusters| region_of(snapshot, clusters) == group.name);
        let clusters = clusters.unwrap_or_default();
        selected.extend(clusters.first());
        rest.extend(clusters.iter().skip(1));
    }
    let max_clusters = constraints.cluster.map_or(0, |constraint| constraint.max_groups);
    let more = usize::try_from(max_clusters).unwrap_or(0).saturating_sub(selected.len());
    rest.sort_unstable_by(Candidate::cmp_preference);
    selected.extend(rest.into_iter().take(more));
    Ok(selected)
}

/// Candidates by region, in the order of preference.
struct Regions {
    /// All that have a region, those of one region together.
    candidates: Vec<Candidate>,
    /// Where regions end.
    ends: Vec<usize>,
}

impl Regions {
    fn new(snapshot: &Snapshot, candidates: &[Candidate]) -> Self {
        let mut starts = vec![0; snapshot.region_count() + 1];
        let entries = || candidates.iter().map(|candidate| (candidate, snapshot.entry(candidate.cluster)));
        let with_region = || entries().filter(|(_, entry)| !entry.region.is_empty());
        for (_, entry) in with_region() {
            starts[entry.region_number as usize + 1] += 1;
        }
        for number in 1..starts.len() {
            starts[number] += starts[number - 1];
        }
        let length = starts.last().copied().unwrap_or(0);
        let mut grouped: Vec<Candidate> = candidates[..length].to_vec();
        for (candidate, entry) in with_region() {
            let next = &mut starts[entry.region_number as usize];
            grouped[*next] = *candidate;
            *next += 1;
        }
        // Every region was moved to its end, where the next one starts.
        starts.pop();
        Self { candidates: grouped, ends: starts }
    }

    /// Returns the candidates of every region that has some.
    fn iter(&self) -> impl Iterator<Item = &[Candidate]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let ranges = starts.zip(&self.ends).filter(|(start, end)| start < *end);
        ranges.map(|(start, end)| &self.candidates[start..*end])
    }
}

/// Returns the region that candidates are of.
fn region_of<'a>(snapshot: &'a Snapshot, clusters: &[Candidate]) -> &'a str {
    clusters.first().map_or("", |first| &snapshot.entry(first.cluster).region)
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::scheduling::testing::{case, cluster, dynamic};

    fn spread(
        mut placement: Value,
        replicas: i32,
        regions: (i64, i64),
        clusters: Option<(i64, i64)>,
    ) -> String {
        let mut constraints =
            vec![json!({"spreadByField": "region", "minGroups": regions.0, "maxGroups": regions.1})];
        constraints.extend(
            clusters
                .map(|(min, max)| json!({"spreadByField": "cluster", "minGroups": min, "maxGroups": max})),
        );
        placement["spreadConstraints"] = constraints.into();
        let clusters = [
            cluster("a", 5).in_region("eu"),
            cluster("b", 4).in_region("eu"),
            cluster("c", 20).in_region("us"),
            cluster("d", 3).in_region("asia"),
            cluster("e", 50),
        ];
        case(clusters, replicas, placement).run()
    }

    #[test]
    fn takes_one_cluster_per_region_without_a_cluster_constraint() {
        assert_eq!(spread(json!({}), 1, (3, 3), None), "a:1 d:1 c:1");
    }

    #[test]
    fn prefers_regions_with_room_for_the_share() {
        assert_eq!(spread(dynamic(), 16, (2, 2), Some((2, 3))), "a:3 b:2 c:11");
    }

    #[test]
    fn fails_with_too_few_regions() {
        assert_eq!(
            spread(json!({}), 1, (4, 4), None),
            "failed to select clusters: the number of feasible region is less than spreadConstraint.MinGroups"
        );
    }

    #[test]
    fn fails_with_too_few_clusters_in_the_regions() {
        assert_eq!(
            spread(json!({}), 1, (1, 1), Some((3, 3))),
            "failed to select clusters: the number of clusters is less than the cluster spreadConstraint.MinGroups"
        );
    }
}
