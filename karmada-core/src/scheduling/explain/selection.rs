//! Why spread constraints passed a cluster over.

use super::{Obstacle, words::count};
use crate::{
    api::policy::{SpreadConstraint, SpreadField},
    scheduling::{
        ClusterSelection, RegionRating, ScheduleInput, Selection, select::Candidate, snapshot::ClusterEntry,
    },
};

/// Says why a candidate was not selected though others were; none when nothing was.
///
/// `last` is the least wanted cluster that was selected.
pub(super) fn passed_over(
    input: &ScheduleInput<'_>,
    selection: &Selection,
    entry: &ClusterEntry,
    candidate: &Candidate,
    last: Option<&Candidate>,
) -> Option<Obstacle> {
    match selection {
        Selection::Clusters(facts) => Some(by_cluster(*facts, candidate, last?)),
        Selection::Regions(ratings) => Some(by_region(input, ratings, entry)),
        Selection::NotReached | Selection::All | Selection::ConstraintsIgnored => None,
    }
}

/// Returns the constraint on a property, the one that counts.
pub(super) fn constraint<'a>(input: &ScheduleInput<'a>, field: &SpreadField) -> Option<&'a SpreadConstraint> {
    let constraints = input.placement().map(|placement| placement.spread_constraints.as_slice());
    constraints.unwrap_or_default().iter().rfind(|constraint| constraint.spread_by_field == *field)
}

fn by_cluster(facts: ClusterSelection, candidate: &Candidate, last: &Candidate) -> Obstacle {
    let allowed = count(facts.allowed as i64, "cluster");
    let fact = if facts.exchanged > 0 && candidate.cmp_preference(last).is_lt() {
        format!(
            "only {allowed} may be used, and clusters with more room took its place so that all replicas fit"
        )
    } else {
        let better = if candidate.tier != last.tier {
            "match an affinity that comes first"
        } else if candidate.score != last.score {
            "run the workload already"
        } else if candidate.available != last.available {
            "have more room"
        } else {
            "come first by name, and are equal otherwise"
        };
        format!("only {allowed} may be used, and those that were chosen {better}")
    };
    Obstacle::new(fact, format!("raise maxGroups of the cluster constraint above {}", facts.allowed))
}

fn by_region(input: &ScheduleInput<'_>, ratings: &[RegionRating], entry: &ClusterEntry) -> Obstacle {
    let rating = ratings.iter().find(|rating| rating.group.name == entry.region);
    if rating.is_some_and(|rating| rating.chosen) {
        let Some(cluster) = constraint(input, &SpreadField::Cluster) else {
            return Obstacle::new(
                "each region gives one cluster, its best one, as there is no cluster constraint",
                "add a spread constraint by cluster with the maxGroups that you want",
            );
        };
        return Obstacle::new(
            format!(
                "its region was chosen, but only {} may be used and others are preferred",
                count(cluster.max_groups, "cluster")
            ),
            format!("raise maxGroups of the cluster constraint above {}", cluster.max_groups),
        );
    }
    let weight = |rating: &RegionRating| rating.group.weight;
    let own = rating.map_or(0, weight);
    let chosen = ratings.iter().filter(|rating| rating.chosen);
    let others: Vec<String> =
        chosen.map(|rating| format!("{} (score {})", rating.group.name, weight(rating))).collect();
    let max = constraint(input, &SpreadField::Region).map_or(0, |constraint| constraint.max_groups);
    Obstacle::new(
        format!("its region {} (score {own}) was not chosen; chosen: {}", entry.region, others.join(", ")),
        format!(
            "make more room in the region, name it in the affinity, or raise minGroups or maxGroups (now {max}) of the region constraint"
        ),
    )
}
