//! Choosing groups of clusters (regions) for a spread constraint.
//!
//! Upstream walks over all ascending sequences of groups, ordered by (value, weight descending,
//! name), depth first. A sequence ends as soon as it is long enough and has enough clusters. Of
//! all that end, the one with the highest weight wins, then the highest value, then the first
//! found. The walk takes exponential time; the same sequence is found here by dynamic
//! programming over (group, length, clusters so far).

use std::cmp::Reverse;

/// A group of clusters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpreadGroup {
    /// Its name, such as that of a region.
    pub name: String,
    /// Its number of clusters.
    pub value: i64,
    /// How much it is wanted.
    pub weight: i64,
}

/// Chooses `min_groups` to `max_groups` groups with at least `target` clusters together.
///
/// Returns them by weight, or none when no choice is possible. If fewer of the best groups are
/// enough, only these are returned.
pub fn select_groups(
    groups: &[SpreadGroup],
    min_groups: i64,
    max_groups: i64,
    target: i64,
) -> Option<Vec<&SpreadGroup>> {
    let mut ordered: Vec<&SpreadGroup> = groups.iter().collect();
    ordered.sort_by_key(|group| (group.value, Reverse(group.weight), &group.name));
    let limits = Limits {
        min: usize::try_from(min_groups).unwrap_or(0),
        max: usize::try_from(max_groups).unwrap_or(0).min(groups.len()),
        target: target.max(0),
    };
    let total: i64 = groups.iter().map(|group| group.value).sum();
    if groups.len() < limits.min || limits.max == 0 || total < limits.target {
        return None;
    }
    let best = if groups.len() == limits.min {
        limits.end_sequence(&ordered)?
    } else {
        find_best_sequence(&ordered, &limits)?
    };
    if best.is_empty() {
        return None;
    }
    Some(shorten(best, groups.len(), &limits))
}

struct Limits {
    min: usize,
    max: usize,
    target: i64,
}

impl Limits {
    /// Returns true when a sequence of this length and value ends.
    fn ends(&self, length: usize, value: i64) -> bool {
        length >= self.min && value >= self.target
    }

    /// Takes groups from the front until the sequence ends.
    ///
    /// With as many groups as are needed at least, upstream tries no other sequence.
    fn end_sequence<'a>(&self, ordered: &[&'a SpreadGroup]) -> Option<Vec<&'a SpreadGroup>> {
        let mut value = 0;
        for length in 0..=self.max {
            if self.ends(length, value) {
                return Some(ordered[..length].to_vec());
            }
            value += ordered.get(length)?.value;
        }
        None
    }

    /// Returns true when these groups, in whatever order, are a sequence that ends.
    fn is_sequence(&self, groups: &[&SpreadGroup]) -> bool {
        let value: i64 = groups.iter().map(|group| group.value).sum();
        let last = groups.iter().map(|group| group.value).max().unwrap_or(0);
        groups.len() <= self.max
            && self.ends(groups.len(), value)
            && !self.ends(groups.len().saturating_sub(1), value - last)
    }
}

/// The weight and value of the groups that are still to be taken.
type Gain = (i64, i64);

/// Finds the best sequence, the first of them in the order of the walk.
fn find_best_sequence<'a>(ordered: &[&'a SpreadGroup], limits: &Limits) -> Option<Vec<&'a SpreadGroup>> {
    if limits.ends(0, 0) {
        return Some(Vec::new());
    }
    // A sequence has ended when it has as many groups as are needed and as clusters are needed.
    let lengths = limits.max.min(limits.min.max(usize::try_from(limits.target).unwrap_or(usize::MAX)));
    let values = usize::try_from(limits.target).ok()? + 1;
    let width = lengths * values;
    let slot = |length: usize, value: i64| length * values + value as usize;

    // For every state, going backwards: the best gain, and whether to take the group for it.
    let mut gains: Vec<Option<Gain>> = vec![None; width];
    let mut taken = Bits::new(width * ordered.len());
    for (position, group) in ordered.iter().enumerate().rev() {
        let mut before = vec![None; width];
        // No more than `position` groups come before this one.
        for length in 0..lengths.min(position + 1) {
            for value in 0..=limits.target {
                let (next_length, next_value) = (length + 1, (value + group.value).min(limits.target));
                let rest = if limits.ends(next_length, next_value) {
                    Some((0, 0))
                } else if next_length < lengths {
                    gains[slot(next_length, next_value)]
                } else {
                    None
                };
                let with = rest.map(|(weight, value)| (weight + group.weight, value + group.value));
                let without = gains[slot(length, value)];
                // Taking the earlier group comes first in the walk.
                if with.is_some() && with >= without {
                    taken.set(position * width + slot(length, value));
                }
                before[slot(length, value)] = with.max(without);
            }
        }
        gains = before;
    }

    gains[slot(0, 0)]?;
    let (mut sequence, mut value) = (Vec::new(), 0);
    for (position, group) in ordered.iter().enumerate() {
        if taken.contains(position * width + slot(sequence.len(), value)) {
            sequence.push(*group);
            value = (value + group.value).min(limits.target);
            if limits.ends(sequence.len(), value) {
                break;
            }
        }
    }
    Some(sequence)
}

/// A set of small numbers, a bit each.
struct Bits(Vec<u64>);

impl Bits {
    fn new(length: usize) -> Self {
        Self(vec![0; length.div_ceil(64)])
    }

    fn set(&mut self, number: usize) {
        self.0[number / 64] |= 1 << (number % 64);
    }

    fn contains(&self, number: usize) -> bool {
        self.0[number / 64] & (1 << (number % 64)) != 0
    }
}

/// Returns the groups by weight; only the first of them when these are a sequence of their own.
fn shorten<'a>(mut best: Vec<&'a SpreadGroup>, total: usize, limits: &Limits) -> Vec<&'a SpreadGroup> {
    best.sort_by_key(|group| (Reverse(group.weight), &group.name));
    if total != limits.min {
        let shorter = (1..best.len()).find(|length| limits.is_sequence(&best[..*length]));
        best.truncate(shorter.unwrap_or(best.len()));
    }
    best
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn groups(values: &[(i64, i64)]) -> Vec<SpreadGroup> {
        let group = |(number, (value, weight)): (usize, &(i64, i64))| SpreadGroup {
            name: format!("r{number}"),
            value: *value,
            weight: *weight,
        };
        values.iter().enumerate().map(group).collect()
    }

    fn names(selected: Option<Vec<&SpreadGroup>>) -> Option<Vec<&str>> {
        selected.map(|groups| groups.iter().map(|group| group.name.as_str()).collect())
    }

    /// The walk as upstream does it.
    fn walk<'a>(
        groups: &'a [SpreadGroup],
        min: usize,
        max: usize,
        target: i64,
    ) -> Option<Vec<&'a SpreadGroup>> {
        struct Walk<'a> {
            ordered: Vec<&'a SpreadGroup>,
            min: usize,
            max: usize,
            target: i64,
            path: Vec<&'a SpreadGroup>,
            found: Vec<Vec<&'a SpreadGroup>>,
        }
        impl Walk<'_> {
            fn visit(&mut self, start: usize, value: i64) {
                if value >= self.target && self.path.len() >= self.min && self.path.len() <= self.max {
                    self.found.push(self.path.clone());
                    return;
                }
                if self.path.len() >= self.max {
                    return;
                }
                for next in start..self.ordered.len() {
                    self.path.push(self.ordered[next]);
                    self.visit(next + 1, value + self.ordered[next].value);
                    self.path.pop();
                    if self.ordered.len() == self.min {
                        break;
                    }
                }
            }
        }
        let mut ordered: Vec<&SpreadGroup> = groups.iter().collect();
        ordered.sort_by_key(|group| (group.value, Reverse(group.weight), &group.name));
        let mut walk = Walk { ordered, min, max, target, path: vec![], found: vec![] };
        if groups.len() < min {
            return None;
        }
        walk.visit(0, 0);
        let by_weight = |mut path: Vec<&'a SpreadGroup>| {
            path.sort_by_key(|group| (Reverse(group.weight), &group.name));
            path
        };
        let sum = |path: &Vec<&SpreadGroup>| {
            let (weight, value) =
                path.iter().fold((0, 0), |(weight, value), one| (weight + one.weight, value + one.value));
            (Reverse(weight), Reverse(value))
        };
        let best = by_weight(walk.found.iter().min_by_key(|path| sum(path))?.clone());
        let found: Vec<_> = walk.found.into_iter().map(by_weight).collect();
        let length = (1..best.len()).find(|length| found.contains(&best[..*length].to_vec()));
        let best = best[..length.unwrap_or(best.len())].to_vec();
        (!best.is_empty()).then_some(best)
    }

    #[test]
    fn takes_the_heaviest_groups_with_enough_clusters() {
        let groups = groups(&[(1, 5000), (2, 4000), (5, 3000)]);
        assert_eq!(names(select_groups(&groups, 2, 2, 6)), Some(vec!["r0", "r2"]));
    }

    #[test]
    fn takes_fewer_groups_when_the_best_ones_are_enough() {
        let groups = groups(&[(4, 5000), (1, 1100), (1, 2000), (5, 2000), (4, 3100)]);
        assert_eq!(names(select_groups(&groups, 1, 4, 3)), Some(vec!["r0"]));
    }

    #[test]
    fn finds_nothing_when_all_allowed_groups_have_too_few_clusters() {
        assert_eq!(names(select_groups(&groups(&[(1, 1), (2, 1), (3, 1)]), 1, 2, 6)), None);
    }

    #[test]
    fn a_hundred_regions_do_not_explode() {
        let groups = groups(&(0..100).map(|number| (1 + number % 7, number * 37 % 1000)).collect::<Vec<_>>());
        let selected = select_groups(&groups, 20, 40, 90).unwrap();
        assert!((20..=40).contains(&selected.len()));
        assert!(selected.iter().map(|group| group.value).sum::<i64>() >= 90);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn equals_the_walk_over_all_sequences(
            values in proptest::collection::vec((1_i64..6, (0_i64..5).prop_map(|weight| weight * 1000)), 0..9),
            min in 0_usize..5, more in 0_usize..5, target in 0_i64..16,
        ) {
            let groups = groups(&values);
            let max = min + more;
            prop_assert_eq!(
                names(select_groups(&groups, min as i64, max as i64, target)),
                names(walk(&groups, min, max, target))
            );
        }
    }
}
