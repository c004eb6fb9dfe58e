//! The next step of a Deployment's rollout.

use serde_json::Value;

use super::json::{number_at, text_at};

/// What a Deployment wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub replicas: i64,
    pub strategy: Strategy,
}

/// How old pods are replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strategy {
    Recreate,
    RollingUpdate { surge: i64, unavailable: i64 },
}

/// A ReplicaSet of a Deployment: what it was told, what it has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Set {
    pub name: String,
    /// `spec.replicas`.
    pub wanted: i64,
    /// Pods that exist.
    pub present: i64,
    pub available: i64,
}

impl Wanted {
    /// Reads a Deployment.
    pub(super) fn of(deployment: &Value) -> Self {
        let replicas = number_at(deployment, "/spec/replicas").unwrap_or(1).max(0);
        if text_at(deployment, "/spec/strategy/type") == "Recreate" {
            return Self { replicas, strategy: Strategy::Recreate };
        }
        let rolling = deployment.pointer("/spec/strategy/rollingUpdate").unwrap_or(&Value::Null);
        let surge = resolve(rolling.get("maxSurge"), replicas, Rounding::Up);
        let unavailable = resolve(rolling.get("maxUnavailable"), replicas, Rounding::Down).min(replicas);
        // With neither, nothing could ever move.
        let unavailable = if surge == 0 { unavailable.max(1) } else { unavailable };
        Self { replicas, strategy: Strategy::RollingUpdate { surge, unavailable } }
    }

    /// The most pods there may be.
    pub(super) fn most(self) -> i64 {
        match self.strategy {
            Strategy::Recreate => self.replicas,
            Strategy::RollingUpdate { .. } if self.replicas == 0 => 0,
            Strategy::RollingUpdate { surge, .. } => self.replicas + surge,
        }
    }

    /// The fewest pods that have to be available.
    pub(super) fn fewest(self) -> i64 {
        match self.strategy {
            Strategy::Recreate => 0,
            Strategy::RollingUpdate { unavailable, .. } => (self.replicas - unavailable).max(0),
        }
    }
}

/// How many replicas each ReplicaSet should be told to have now.
///
/// `old` is ordered from oldest to newest; the first result is for `new`.
pub(super) fn next_scale(wanted: Wanted, new: &Set, old: &[Set]) -> (i64, Vec<i64>) {
    let old_present: i64 = old.iter().map(|set| set.wanted.max(set.present)).sum();
    if wanted.strategy == Strategy::Recreate {
        let new_scale = if old_present == 0 { wanted.replicas } else { new.wanted.min(wanted.replicas) };
        return (new_scale, vec![0; old.len()]);
    }
    let told: i64 = old.iter().map(|set| set.wanted).sum();
    let new_scale = if new.wanted > wanted.replicas {
        wanted.replicas
    } else {
        // Old pods that are about to go still take their place.
        let free = (wanted.most() - told - new.wanted).max(0);
        (new.wanted + free).min(wanted.replicas)
    };
    (new_scale, scale_down_old(wanted, new, new_scale, old))
}

fn scale_down_old(wanted: Wanted, new: &Set, new_scale: i64, old: &[Set]) -> Vec<i64> {
    let mut scales: Vec<i64> = old.iter().map(|set| set.wanted).collect();
    let told: i64 = scales.iter().sum();
    if told == 0 {
        return scales;
    }
    // Pods that were told to go may still count as available: they are not counted on.
    let available: i64 =
        new.available.min(new_scale) + old.iter().map(|set| set.available.min(set.wanted)).sum::<i64>();
    // Old pods that are not available help nobody.
    let mut spare = (told + new_scale - wanted.fewest() - (new_scale - new.available.min(new_scale))).max(0);
    for (scale, set) in scales.iter_mut().zip(old) {
        let unhealthy = (*scale - set.available.min(*scale)).min(spare);
        *scale -= unhealthy;
        spare -= unhealthy;
    }
    let mut surplus = (available - wanted.fewest()).max(0);
    for (scale, set) in scales.iter_mut().zip(old) {
        let healthy = set.available.min(*scale);
        let gone = healthy.min(surplus);
        *scale -= gone;
        surplus -= gone;
    }
    scales
}

#[derive(Clone, Copy)]
enum Rounding {
    Up,
    Down,
}

/// Reads a number or a percentage; 25% where nothing is said.
fn resolve(value: Option<&Value>, replicas: i64, rounding: Rounding) -> i64 {
    let percent = match value {
        Some(Value::Number(number)) => return number.as_i64().unwrap_or_default().max(0),
        Some(Value::String(text)) => text.trim_end_matches('%').parse::<i64>().unwrap_or_default().max(0),
        _ => 25,
    };
    let share = replicas * percent;
    match rounding {
        Rounding::Up => (share + 99) / 100,
        Rounding::Down => share / 100,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn wanted(replicas: i64, surge: &Value, unavailable: &Value) -> Wanted {
        Wanted::of(&json!({"spec": {"replicas": replicas,
            "strategy": {"rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}}}))
    }

    fn set(name: &str, replicas: i64) -> Set {
        Set { name: name.to_owned(), wanted: replicas, present: replicas, available: replicas }
    }

    #[test]
    fn limits_are_numbers_or_percentages() {
        let limits = |wanted: Wanted| (wanted.fewest(), wanted.most());
        assert_eq!(limits(wanted(10, &json!("25%"), &json!("25%"))), (8, 13));
        assert_eq!(limits(wanted(3, &json!(1), &json!(0))), (3, 4));
        assert_eq!(limits(wanted(3, &json!(0), &json!(0))), (2, 3));
        assert_eq!(limits(Wanted::of(&json!({"spec": {}}))), (1, 2));
    }

    #[test]
    fn a_rolling_update_goes_step_by_step() {
        let three = wanted(3, &json!(1), &json!(0));
        assert_eq!(next_scale(three, &set("new", 0), &[set("old", 3)]), (1, vec![3]));
        assert_eq!(next_scale(three, &set("new", 1), &[set("old", 3)]), (1, vec![2]));
        assert_eq!(next_scale(three, &set("new", 1), &[set("old", 2)]), (2, vec![2]));
        let stuck = Set { available: 0, ..set("new", 1) };
        assert_eq!(next_scale(three, &stuck, &[set("old", 3)]), (1, vec![3]));
    }

    #[test]
    fn recreate_waits_until_the_old_pods_are_gone() {
        let recreate = Wanted { replicas: 2, strategy: super::Strategy::Recreate };
        assert_eq!(next_scale(recreate, &set("new", 0), &[set("old", 2)]), (0, vec![0]));
        let going = Set { wanted: 0, ..set("old", 2) };
        assert_eq!(next_scale(recreate, &set("new", 0), &[going]), (0, vec![0]));
        assert_eq!(next_scale(recreate, &set("new", 0), &[set("old", 0)]), (2, vec![0]));
    }

    #[test]
    fn a_scaled_deployment_without_a_rollout_has_one_set() {
        let five = wanted(5, &json!("25%"), &json!("25%"));
        assert_eq!(next_scale(five, &set("new", 3), &[set("old", 0)]), (5, vec![0]));
        assert_eq!(next_scale(wanted(1, &json!(1), &json!(1)), &set("new", 3), &[]), (1, vec![]));
    }

    proptest! {
        /// Plays rollouts with pods that become available in any order, also while the template changes again.
        #[test]
        fn a_rollout_keeps_enough_available_and_comes_to_its_end(
            replicas in 1..12_i64, surge in 0..4_i64, unavailable in 0..4_i64,
            changes in proptest::collection::vec(0..30_usize, 0..3),
            lucky in proptest::collection::vec(any::<bool>(), 64),
        ) {
            let wanted = wanted(replicas, &json!(surge), &json!(unavailable));
            let mut sets = vec![set("0", replicas), Set { name: "1".into(), ..Set::default() }];
            let mut settled = false;
            for round in 0..400 {
                if changes.contains(&round) {
                    sets.push(Set { name: sets.len().to_string(), ..Set::default() });
                }
                let (new, old) = sets.split_last().unwrap();
                let (new_scale, old_scales) = next_scale(wanted, new, old);
                let scales: Vec<i64> = old_scales.into_iter().chain([new_scale]).collect();
                settled = scales.iter().zip(&sets).all(|(scale, set)| *scale == set.wanted && set.present == *scale);
                for (position, (set, scale)) in sets.iter_mut().zip(scales).enumerate() {
                    set.wanted = scale;
                    // The ReplicaSet follows: pods that are not available go first, new ones are not available yet.
                    let gone = (set.present - scale).max(0);
                    set.available -= (gone - (set.present - set.available)).max(0);
                    set.present = scale;
                    if round > 60 || lucky[(round + position * 7) % lucky.len()] {
                        set.available += i64::from(set.available < set.present);
                    }
                }
                let available: i64 = sets.iter().map(|set| set.available).sum();
                let present: i64 = sets.iter().map(|set| set.present).sum();
                prop_assert!(available >= wanted.fewest(), "{available} available in {sets:?}");
                prop_assert!(present <= wanted.most(), "{present} pods in {sets:?}");
            }
            prop_assert!(settled, "{sets:?}");
            prop_assert_eq!(sets.last().unwrap().available, replicas);
        }
    }
}
