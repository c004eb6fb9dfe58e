//! Sharing seats by weight: Webster's (Sainte-Laguë's) method.
//!
//! Every seat goes to the party with the highest `weight / (2 * seats + 1)`, computed in
//! 64-bit floating point; ties go to the party with fewer seats, then to the first by name, or
//! the last by name when the seed says so.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BinaryHeap},
};

use crate::{
    object::fnv1a_32,
    scheduling::{ClusterIndex, ClusterWeight, Part, TieOrder},
};

impl TieOrder {
    /// Returns the order for a template: its uid decides, so that not every workload favours
    /// the same clusters.
    pub(super) fn of_uid(uid: &str) -> Self {
        if !uid.is_empty() && fnv1a_32(uid.as_bytes()) % 2 == 1 { Self::Last } else { Self::First }
    }
}

/// Hands out `replicas` by weight on top of what clusters have already.
///
/// Returns every cluster with its replicas, sorted by name. Without any weight, or without
/// anything to hand out on top of something, the result is `initial` as it is.
pub fn dispense_replicas(
    replicas: i64,
    weights: &[ClusterWeight],
    initial: &BTreeMap<String, i64>,
    uid: &str,
) -> BTreeMap<String, i64> {
    let mut result = initial.clone();
    let total: i64 = weights.iter().map(|weight| weight.weight).sum();
    if total == 0 || (replicas <= 0 && !initial.is_empty()) {
        return result;
    }
    let by_name: BTreeMap<&str, i64> =
        weights.iter().map(|weight| (weight.cluster.as_str(), weight.weight)).collect();
    let mut parties: Vec<Part> = (0..)
        .zip(&by_name)
        .map(|(index, (name, weight))| Part {
            cluster: ClusterIndex(index),
            weight: *weight,
            seats: initial.get(*name).copied().unwrap_or(0),
        })
        .collect();
    dispense(&mut parties, replicas, TieOrder::of_uid(uid));
    for (name, party) in by_name.keys().zip(parties) {
        result.insert((*name).to_owned(), party.seats);
    }
    result
}

/// Hands out `seats` to `parties`; the order of the slice settles ties.
///
/// Most seats are handed out in one step: those whose priority is above a bound that fewer than
/// `seats` seats can exceed. The greedy method would hand out exactly these first, so the
/// result is the same as handing out one by one.
pub(super) fn dispense(parties: &mut [Part], seats: i64, tie_order: TieOrder) {
    let total: f64 = parties.iter().map(|party| party.weight as f64).sum();
    if total <= 0.0 || seats <= 0 {
        return;
    }
    let mut remaining = seats - dispense_bulk(parties, seats, total);
    let count = parties.len();
    let mut heap: BinaryHeap<Candidate> = parties
        .iter()
        .enumerate()
        .filter(|(_, party)| party.weight > 0)
        .map(|(index, party)| Candidate {
            priority: priority(party.weight, party.seats),
            seats: party.seats,
            rank: if tie_order == TieOrder::First { index } else { count - index },
            index,
        })
        .collect();
    while remaining > 0 {
        let Some(mut top) = heap.peek_mut() else { return };
        let party = &mut parties[top.index];
        party.seats += 1;
        top.seats = party.seats;
        top.priority = priority(party.weight, party.seats);
        remaining -= 1;
    }
}

/// Hands out the seats above a safe priority bound; returns how many.
fn dispense_bulk(parties: &mut [Part], seats: i64, total: f64) -> i64 {
    let count = parties.len() as i64;
    if seats <= 4 * count {
        return 0;
    }
    // A party of weight w has less than w / (2 * bound) + 1/2 seats above the bound, so all
    // together have less than (seats - count) + count / 2.
    // Seats held already only make the bound more careful.
    raise_above(parties, total / (2.0 * (seats - count) as f64))
}

/// Gives every party all seats whose priority is above `bound`; returns how many were new.
fn raise_above(parties: &mut [Part], bound: f64) -> i64 {
    let mut new = 0;
    for party in parties.iter_mut().filter(|party| party.weight > 0) {
        let mut target = (((party.weight as f64 / bound) - 1.0) / 2.0).max(0.0) as i64;
        // The formula may be off by rounding; the priorities themselves decide.
        while target > 0 && priority(party.weight, target - 1) <= bound {
            target -= 1;
        }
        while priority(party.weight, target) > bound {
            target += 1;
        }
        if target > party.seats {
            new += target - party.seats;
            party.seats = target;
        }
    }
    new
}

/// Returns how strong a claim to the next seat is.
pub(in crate::scheduling) fn priority(weight: i64, seats: i64) -> f64 {
    weight as f64 / (2 * seats + 1) as f64
}

struct Candidate {
    priority: f64,
    seats: i64,
    rank: usize,
    index: usize,
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        self.priority
            .total_cmp(&other.priority)
            .then_with(|| other.seats.cmp(&self.seats))
            .then_with(|| other.rank.cmp(&self.rank))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Candidate {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn party(weight: i64, seats: i64) -> Part {
        Part { cluster: ClusterIndex(0), weight, seats }
    }

    /// Webster's method as it is defined: one seat at a time, the best party by a scan.
    fn dispense_seat_by_seat(parties: &mut [Part], seats: i64, tie_order: TieOrder) {
        for _ in 0..seats {
            let mut order: Vec<usize> = (0..parties.len()).collect();
            if tie_order == TieOrder::Last {
                order.reverse();
            }
            let mut best: Option<usize> = None;
            for index in order {
                let Some(leader) = best else {
                    best = Some(index);
                    continue;
                };
                let (ours, theirs) = (parties[index], parties[leader]);
                let order =
                    priority(ours.weight, ours.seats).total_cmp(&priority(theirs.weight, theirs.seats));
                if order.then(theirs.seats.cmp(&ours.seats)).is_gt() {
                    best = Some(index);
                }
            }
            parties[best.unwrap()].seats += 1;
        }
    }

    fn weights(pairs: &[(&str, i64)]) -> Vec<ClusterWeight> {
        pairs
            .iter()
            .map(|(name, weight)| ClusterWeight { cluster: (*name).into(), weight: *weight })
            .collect()
    }

    #[test]
    fn shares_by_weight() {
        let result = dispense_replicas(9, &weights(&[("b", 1), ("a", 2)]), &BTreeMap::new(), "");
        assert_eq!(result, BTreeMap::from([("a".into(), 6), ("b".into(), 3)]));
    }

    #[test]
    fn gives_the_odd_replica_to_the_first_name_without_a_uid() {
        let result = dispense_replicas(3, &weights(&[("b", 1), ("a", 1)]), &BTreeMap::new(), "");
        assert_eq!(result, BTreeMap::from([("a".into(), 2), ("b".into(), 1)]));
    }

    #[test]
    fn gives_the_odd_replica_to_the_last_name_when_the_uid_says_so() {
        let uid = "de3b7dcf-ba71-4ecc-a52c-7a37322e9c5d";
        let result = dispense_replicas(3, &weights(&[("b", 1), ("a", 1)]), &BTreeMap::new(), uid);
        assert_eq!(result, BTreeMap::from([("a".into(), 1), ("b".into(), 2)]));
    }

    #[test]
    fn counts_replicas_that_are_held_already() {
        let initial = BTreeMap::from([("a".to_owned(), 4), ("gone".to_owned(), 1)]);
        let result = dispense_replicas(3, &weights(&[("b", 1), ("a", 1)]), &initial, "");
        assert_eq!(result, BTreeMap::from([("a".into(), 4), ("b".into(), 3), ("gone".into(), 1)]));
    }

    #[test]
    fn returns_what_was_there_without_weights() {
        let initial = BTreeMap::from([("a".to_owned(), 4)]);
        assert_eq!(dispense_replicas(3, &weights(&[("b", 0)]), &initial, ""), initial);
    }

    #[test]
    fn shares_two_thousand_million_replicas_at_once() {
        let mut parties: Vec<Part> = (1..=50).map(|weight| party(weight, 0)).collect();
        dispense(&mut parties, 2_000_000_000, TieOrder::First);
        assert_eq!(parties.iter().map(|party| party.seats).sum::<i64>(), 2_000_000_000);
        assert_eq!(parties[49].seats, 78_431_373);
    }

    proptest! {
        #[test]
        fn equals_handing_out_one_by_one(
            parties in proptest::collection::vec((0_i64..2000, 0_i64..60), 1..12),
            held in any::<bool>(),
            seats in 0_i64..900,
            last in any::<bool>(),
        ) {
            let mut fast: Vec<Part> = parties
                .iter()
                .map(|(weight, seats)| party(*weight, if held { *seats } else { 0 }))
                .collect();
            prop_assume!(fast.iter().any(|party| party.weight > 0));
            let mut naive = fast.clone();
            let tie_order = if last { TieOrder::Last } else { TieOrder::First };
            dispense(&mut fast, seats, tie_order);
            dispense_seat_by_seat(&mut naive, seats, tie_order);
            prop_assert_eq!(fast, naive);
        }

        #[test]
        fn equals_handing_out_one_by_one_with_equal_weights(
            count in 1_usize..20, weight in 1_i64..5, seats in 0_i64..900, last in any::<bool>(),
        ) {
            let mut fast = vec![party(weight, 0); count];
            let mut naive = fast.clone();
            let tie_order = if last { TieOrder::Last } else { TieOrder::First };
            dispense(&mut fast, seats, tie_order);
            dispense_seat_by_seat(&mut naive, seats, tie_order);
            prop_assert_eq!(fast, naive);
        }
    }
}
