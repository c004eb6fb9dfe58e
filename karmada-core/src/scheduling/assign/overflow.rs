//! Overflow: what one tier of clusters has no room for goes to the next.

use super::{
    divide::{Share, divide_once},
    dynamic::Divider,
    strategy::Strategy,
};
use crate::scheduling::{Division, ScheduleError, select::Candidate};

/// Fills the tiers in order, each by the strategy, as if its clusters were all there are.
pub(super) fn divide(
    divider: &Divider<'_>,
    strategy: Strategy<'_>,
    replicas: i64,
    selected: &[Candidate],
    trace: &mut Vec<Division>,
) -> Result<Vec<Share>, ScheduleError> {
    let mut tiers: Vec<u16> = selected.iter().map(|candidate| candidate.tier).collect();
    tiers.sort_unstable();
    tiers.dedup();
    let mut remaining = replicas;
    let mut shares = Vec::new();
    for tier in tiers {
        let candidates: Vec<Candidate> =
            selected.iter().filter(|candidate| candidate.tier == tier).copied().collect();
        let room: i64 = candidates.iter().map(|candidate| candidate.available).sum();
        let part = remaining.min(room);
        if part <= 0 {
            continue;
        }
        let first = trace.len();
        let tier_shares = divide_once(divider, strategy, part, &candidates, trace);
        for division in &mut trace[first..] {
            division.tier = tier;
        }
        let tier_shares = tier_shares?;
        remaining -= tier_shares.iter().map(|share| share.replicas).sum::<i64>();
        shares.extend(tier_shares);
    }
    if remaining > 0 {
        return Err(ScheduleError::NotEnoughOverflow);
    }
    Ok(shares)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::scheduling::testing::{TestCase, aggregated, case, cluster};

    fn overflowing(replicas: i32) -> TestCase {
        let mut placement = aggregated();
        placement["clusterAffinities"] = json!([{
            "affinityName": "near", "clusterNames": ["a"],
            "overflowAffinities": [{"affinityName": "far", "clusterNames": ["b", "c"]}],
        }]);
        let mut case = case([cluster("a", 5), cluster("b", 7), cluster("c", 3)], replicas, placement);
        case.affinity_name = "near";
        case
    }

    #[test]
    fn stays_in_the_first_tier_while_there_is_room() {
        assert_eq!(overflowing(5).run(), "a:5");
    }

    #[test]
    fn gives_the_next_tier_what_does_not_fit() {
        assert_eq!(overflowing(9).run(), "a:5 b:4");
    }

    #[test]
    fn fails_when_all_tiers_are_full() {
        assert_eq!(
            overflowing(16).run(),
            "failed to assign replicas: Clusters available replicas are not enough to schedule."
        );
    }
}
