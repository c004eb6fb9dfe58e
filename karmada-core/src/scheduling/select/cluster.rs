//! Selecting a number of clusters.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::candidate::Candidate;
use crate::{
    api::policy::SpreadConstraint,
    scheduling::{ClusterSelection, ScheduleError, Selection},
};

/// Selects the most wanted clusters, as many as the constraint allows.
///
/// When `needed` replicas do not fit, clusters are exchanged from the end for those with more
/// room, until they fit.
pub(super) fn select_clusters(
    constraint: &SpreadConstraint,
    candidates: Vec<Candidate>,
    needed: Option<i64>,
    trace: &mut Selection,
) -> Result<Vec<Candidate>, ScheduleError> {
    let count = candidates.len().min(usize::try_from(constraint.max_groups).unwrap_or(0));
    let mut facts = ClusterSelection { allowed: count, needed, room: 0, exchanged: 0 };
    *trace = Selection::Clusters(facts);
    if (candidates.len() as i64) < constraint.min_groups {
        return Err(ScheduleError::TooFewClusters);
    }
    let mut selected = candidates;
    let rest = selected.split_off(count);
    facts.room = selected.iter().map(|candidate| candidate.available).sum();
    *trace = Selection::Clusters(facts);
    let Some(needed) = needed.filter(|needed| facts.room < *needed) else { return Ok(selected) };

    // Places in `rest`, the one with most room on top, the first among equals.
    let mut places: BinaryHeap<(i64, Reverse<usize>)> =
        rest.iter().enumerate().map(|(place, candidate)| (candidate.available, Reverse(place))).collect();
    let mut rest = rest;
    for candidate in selected.iter_mut().rev() {
        if facts.room >= needed {
            break;
        }
        let Some(mut top) = places.peek_mut().filter(|top| top.0 > candidate.available) else { continue };
        facts.room += top.0 - candidate.available;
        top.0 = candidate.available;
        std::mem::swap(candidate, &mut rest[top.1.0]);
        facts.exchanged += 1;
    }
    *trace = Selection::Clusters(facts);
    if facts.room < needed {
        return Err(ScheduleError::TooLittleRoom { selected: count });
    }
    Ok(selected)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduling::ClusterIndex;

    fn candidates(available: &[i64]) -> Vec<Candidate> {
        let candidate = |(index, available): (u32, &i64)| Candidate {
            cluster: ClusterIndex(index),
            tier: 0,
            score: 0,
            allocatable: *available,
            available: *available,
        };
        (0..).zip(available).map(candidate).collect()
    }

    fn select(min: i64, max: i64, available: &[i64], needed: Option<i64>) -> Result<Vec<u32>, ScheduleError> {
        let constraint = SpreadConstraint { min_groups: min, max_groups: max, ..Default::default() };
        let selected = select_clusters(&constraint, candidates(available), needed, &mut Selection::All)?;
        Ok(selected.iter().map(|candidate| candidate.cluster.0).collect())
    }

    #[test]
    fn takes_the_most_wanted_clusters() {
        assert_eq!(select(1, 2, &[5, 4, 3], None), Ok(vec![0, 1]));
        assert_eq!(select(1, 2, &[5, 4, 3], Some(9)), Ok(vec![0, 1]));
    }

    #[test]
    fn exchanges_clusters_from_the_end_until_replicas_fit() {
        assert_eq!(select(1, 2, &[5, 4, 7, 6], Some(12)), Ok(vec![0, 2]));
        assert_eq!(select(1, 2, &[5, 4, 7, 6], Some(13)), Ok(vec![3, 2]));
    }

    #[test]
    fn fails_when_replicas_do_not_fit() {
        assert_eq!(select(1, 2, &[5, 4, 7, 6], Some(14)), Err(ScheduleError::TooLittleRoom { selected: 2 }));
    }

    #[test]
    fn fails_when_there_are_too_few_clusters() {
        assert_eq!(select(3, 3, &[5, 4], None), Err(ScheduleError::TooFewClusters));
    }

    #[test]
    fn selects_nothing_when_nothing_is_allowed() {
        assert_eq!(select(0, 0, &[5, 4], None), Ok(vec![]));
    }
}
