//! Overflow: what one tier of clusters has no room for goes to the next.

use super::{
    divide::{Share, divide_once},
    dynamic::Division,
    strategy::Strategy,
};
use crate::scheduling::{ScheduleError, select::Candidate};

/// Fills the tiers in order, each by the strategy, as if its clusters were all there are.
pub(super) fn divide(
    division: &Division<'_>,
    strategy: Strategy<'_>,
    replicas: i64,
    selected: &[Candidate],
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
        let tier_shares = divide_once(division, strategy, part, &candidates)?;
        remaining -= tier_shares.iter().map(|share| share.replicas).sum::<i64>();
        shares.extend(tier_shares);
    }
    if remaining > 0 {
        return Err(ScheduleError::NotEnoughOverflow);
    }
    Ok(shares)
}
