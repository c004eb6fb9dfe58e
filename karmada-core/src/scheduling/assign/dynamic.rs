//! Dynamic division: by the room of the clusters, moving as little as possible.

use super::{aggregated, dispense::dispense, divide::Share, go_sort::sort_like_go, strategy::Strategy};
use crate::scheduling::{
    ClusterIndex, Division, DivisionRule, DivisionStep, Part, ScheduleError, ScheduleInput, Snapshot,
    TieOrder, select::Candidate,
};

/// What dividing one binding's replicas looks at, whatever the clusters.
pub(super) struct Divider<'a> {
    pub(super) snapshot: &'a Snapshot,
    /// Where the replicas are now, in the order of the binding.
    previous: Vec<Share>,
    is_fresh: bool,
    tie_order: TieOrder,
}

impl<'a> Divider<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, input: &ScheduleInput<'_>) -> Self {
        let share = |target: &crate::api::work::TargetCluster| {
            let cluster = snapshot.index_of(&target.name)?;
            Some(Share { cluster, replicas: i64::from(target.replicas) })
        };
        Self {
            snapshot,
            previous: input.spec.clusters.iter().filter_map(share).collect(),
            is_fresh: input.is_fresh(),
            tie_order: TieOrder::of_uid(&input.spec.resource.uid),
        }
    }

    /// Divides replicas by room: aggregated or by weight.
    ///
    /// Only as many replicas are moved as must be, unless a fresh division was asked for.
    pub(super) fn divide(
        &self,
        strategy: Strategy<'_>,
        replicas: i64,
        selected: &[Candidate],
        trace: &mut Vec<Division>,
    ) -> Result<Vec<Share>, ScheduleError> {
        let kept = self.previous_in(selected);
        let assigned: i64 = kept.iter().map(|share| share.replicas).sum();
        let (step, target) = if self.is_fresh {
            (DivisionStep::Fresh, replicas)
        } else if assigned > replicas {
            (DivisionStep::ScaleDown, replicas)
        } else {
            (DivisionStep::ScaleUp, replicas - assigned)
        };
        if target == 0 && step == DivisionStep::ScaleUp {
            trace.push(self.begin(DivisionRule::Kept, replicas));
            return Ok(kept);
        }
        let rule = match strategy {
            Strategy::Aggregated => DivisionRule::Aggregated(step),
            _ => DivisionRule::DynamicWeight(step),
        };
        trace.push(self.begin(rule, target));
        let division = trace.last_mut().expect("it was pushed");
        match step {
            DivisionStep::Fresh => {
                let held = self.replicas_by_cluster(&kept);
                let weight = |candidate: &Candidate| Share {
                    cluster: candidate.cluster,
                    replicas: candidate.allocatable + held[candidate.cluster.0 as usize],
                };
                self.divide_by_room(division, step, selected.iter().map(weight).collect(), &[])
            }
            DivisionStep::ScaleDown => self.divide_by_room(division, step, kept, &[]),
            DivisionStep::ScaleUp => self.scale_up(division, selected, kept),
        }
    }

    /// Begins a division by a rule; nobody takes part yet.
    pub(super) fn begin(&self, rule: DivisionRule, replicas: i64) -> Division {
        Division::new(rule, replicas, self.tie_order)
    }

    /// Shares the replicas of a division by weight; returns every cluster of `weights`, sorted by
    /// name.
    ///
    /// What comes in as `replicas` of a share is its weight.
    pub(super) fn dispense(division: &mut Division, weights: &[Share]) -> Vec<Share> {
        let part = |share: &Share| Part { cluster: share.cluster, weight: share.replicas, seats: 0 };
        division.parts = weights.iter().map(part).collect();
        division.parts.sort_unstable_by_key(|part| part.cluster);
        dispense(&mut division.parts, division.replicas, division.tie_order);
        let share = |part: &Part| Share { cluster: part.cluster, replicas: part.seats };
        division.parts.iter().map(share).collect()
    }

    fn scale_up(
        &self,
        division: &mut Division,
        selected: &[Candidate],
        kept: Vec<Share>,
    ) -> Result<Vec<Share>, ScheduleError> {
        let weight =
            |candidate: &Candidate| Share { cluster: candidate.cluster, replicas: candidate.allocatable };
        let weights = selected.iter().map(weight).collect();
        let mut shares = self.divide_by_room(division, DivisionStep::ScaleUp, weights, &kept)?;
        if kept.is_empty() {
            return Ok(shares);
        }
        let mut held = self.replicas_by_cluster(&kept);
        for share in &mut shares {
            let held = &mut held[share.cluster.0 as usize];
            share.replicas += *held;
            *held = 0;
        }
        // Clusters without a new replica follow in their old order.
        let untouched = kept.into_iter().filter(|share| held[share.cluster.0 as usize] > 0);
        shares.extend(untouched);
        Ok(shares)
    }

    /// Divides by weights that say how much room there is.
    fn divide_by_room(
        &self,
        division: &mut Division,
        step: DivisionStep,
        mut weights: Vec<Share>,
        used: &[Share],
    ) -> Result<Vec<Share>, ScheduleError> {
        // DEVIATION: upstream adds room in 32 bits, so a sum beyond 2^31 wraps around and
        // clusters with the most room are refused.
        let available: i64 = weights.iter().map(|weight| weight.replicas).sum();
        if available < division.replicas {
            return Err(ScheduleError::NotEnoughReplicas { step, available });
        }
        if matches!(division.rule, DivisionRule::Aggregated(_)) {
            sort_by_weight(&mut weights);
            let held = self.replicas_by_cluster(used);
            let is_used = |share: &Share| held[share.cluster.0 as usize] > 0;
            weights = aggregated::shorten(weights, division.replicas, is_used);
        }
        Ok(Self::dispense(division, &weights))
    }

    /// Returns the old shares that are in selected clusters.
    fn previous_in(&self, selected: &[Candidate]) -> Vec<Share> {
        if self.previous.is_empty() {
            return Vec::new();
        }
        let mut is_selected = vec![false; self.snapshot.len()];
        for ClusterIndex(index) in selected.iter().map(|candidate| candidate.cluster) {
            is_selected[index as usize] = true;
        }
        self.previous.iter().filter(|share| is_selected[share.cluster.0 as usize]).copied().collect()
    }

    /// Returns shares by cluster index; of a cluster that is listed twice the last counts.
    fn replicas_by_cluster(&self, shares: &[Share]) -> Vec<i64> {
        let mut replicas = vec![0; self.snapshot.len()];
        for share in shares {
            replicas[share.cluster.0 as usize] = share.replicas;
        }
        replicas
    }
}

/// Sorts weights, highest first; equals end up where upstream's sort leaves them.
fn sort_by_weight(weights: &mut [Share]) {
    sort_like_go(weights, |left, right| left.replicas > right.replicas);
}

#[cfg(test)]
mod tests {
    use crate::scheduling::testing::{TestCase, aggregated, case, cluster, dynamic};

    fn by_weight(replicas: i32) -> TestCase {
        case([cluster("a", 4), cluster("b", 8), cluster("c", 12)], replicas, dynamic())
    }

    #[test]
    fn divides_by_room() {
        assert_eq!(by_weight(12).run(), "a:2 b:4 c:6");
    }

    #[test]
    fn keeps_a_result_that_adds_up_in_its_order() {
        assert_eq!(by_weight(12).held(&[("c", 2), ("a", 10)]).run(), "c:2 a:10");
    }

    #[test]
    fn adds_only_what_is_missing() {
        assert_eq!(by_weight(12).held(&[("gone", 3), ("a", 6)]).run(), "a:7 b:2 c:3");
    }

    #[test]
    fn puts_clusters_without_a_new_replica_last() {
        let case = case([cluster("a", 4), cluster("b", 8)], 5, aggregated()).held(&[("b", 2), ("a", 2)]);
        assert_eq!(case.run(), "b:3 a:2");
    }

    #[test]
    fn takes_replicas_away_in_proportion() {
        assert_eq!(by_weight(6).held(&[("a", 4), ("c", 8)]).run(), "a:2 c:4");
    }

    #[test]
    fn forgets_where_replicas_are_when_asked_to() {
        assert_eq!(by_weight(12).held(&[("c", 2), ("a", 10)]).fresh().run(), "a:5 b:3 c:4");
    }

    #[test]
    fn counts_room_beyond_32_bits() {
        let case = case([cluster("a", 2_000_000_000), cluster("b", 2_000_000_000)], 10, dynamic());
        assert_eq!(case.run(), "a:5 b:5");
    }

    #[test]
    fn says_how_much_room_there_is_when_it_is_too_little() {
        assert_eq!(
            by_weight(25).run(),
            "failed to assign replicas: failed to scale up: Clusters available replicas 24 are not enough to schedule."
        );
    }
}
