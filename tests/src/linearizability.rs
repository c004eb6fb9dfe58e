//! Whether what clients saw of one object can have happened one thing after the other.
//!
//! The checker walks through the calls and returns in the order of time and keeps every state that the object
//! may be in, with the operations that took effect already though they have not returned. When an operation returns,
//! only those states are kept in which it took effect with the outcome it had.

use std::collections::BTreeSet;

/// What was asked of an object. States are numbers that are used once; 0 is absence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Read,
    /// Writes `new` if the state is `expect`.
    Swap {
        expect: u64,
        new: u64,
    },
}

/// What was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The state that was read, or that was found instead of the expected one.
    Saw(u64),
    /// The swap was done.
    Done,
    /// There was no answer: it took effect before the end of its time, or never.
    Unknown,
}

/// One operation. Times are places in the order of all calls and returns; each is used once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    pub call: usize,
    pub end: usize,
    pub action: Action,
    pub outcome: Outcome,
}

impl Operation {
    /// Returns the state after the operation, `None` when its outcome cannot have come from this state.
    pub fn apply(&self, state: u64) -> Option<u64> {
        match (self.action, self.outcome) {
            (Action::Read, Outcome::Saw(saw)) => (saw == state).then_some(state),
            (Action::Read, _) => Some(state),
            (Action::Swap { expect, new }, Outcome::Done) => (expect == state).then_some(new),
            (Action::Swap { expect, .. }, Outcome::Saw(saw)) => {
                (saw == state && saw != expect).then_some(state)
            }
            (Action::Swap { expect, new }, Outcome::Unknown) => {
                Some(if expect == state { new } else { state })
            }
        }
    }
}

/// A state and the operations under way that took effect.
type Possibility = (u64, BTreeSet<usize>);

/// Returns the first operation whose outcome no order of the operations explains.
pub fn first_impossible(initial: u64, operations: &[Operation]) -> Option<Operation> {
    let mut moments: Vec<(usize, usize)> = Vec::with_capacity(2 * operations.len());
    for (at, operation) in operations.iter().enumerate() {
        moments.extend([(operation.call, at), (operation.end, at)]);
    }
    moments.sort_unstable();
    let mut under_way: BTreeSet<usize> = BTreeSet::new();
    let mut possible: BTreeSet<Possibility> = BTreeSet::from([(initial, BTreeSet::new())]);
    for (time, at) in moments {
        let operation = operations[at];
        if time == operation.call {
            under_way.insert(at);
            continue;
        }
        let all = closure(possible, &under_way, operations);
        possible = all
            .into_iter()
            .filter(|(_, done)| operation.outcome == Outcome::Unknown || done.contains(&at))
            .map(|(state, mut done)| {
                done.remove(&at);
                (state, done)
            })
            .collect();
        under_way.remove(&at);
        if possible.is_empty() {
            return Some(operation);
        }
    }
    None
}

/// Lets operations under way take effect in every way.
fn closure(
    possible: BTreeSet<Possibility>,
    under_way: &BTreeSet<usize>,
    operations: &[Operation],
) -> BTreeSet<Possibility> {
    let mut todo: Vec<Possibility> = possible.iter().cloned().collect();
    let mut all = possible;
    while let Some((state, done)) = todo.pop() {
        for at in under_way.difference(&done) {
            let Some(next) = operations[*at].apply(state) else { continue };
            let mut done = done.clone();
            done.insert(*at);
            if all.insert((next, done.clone())) {
                todo.push((next, done));
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Tries every order of every choice of the operations that need not have happened.
    fn any_order_explains(state: u64, operations: &[Operation], left: &[usize]) -> bool {
        if left.iter().all(|at| operations[*at].outcome == Outcome::Unknown) {
            return true;
        }
        (0..left.len()).any(|place| {
            let at = left[place];
            let operation = operations[at];
            // What ended before this one was called comes before it, or never happened.
            let late: Vec<usize> =
                left.iter().copied().filter(|other| operations[*other].end < operation.call).collect();
            if late.iter().any(|other| operations[*other].outcome != Outcome::Unknown) {
                return false;
            }
            let Some(next) = operation.apply(state) else { return false };
            let rest: Vec<usize> =
                left.iter().copied().filter(|other| *other != at && !late.contains(other)).collect();
            any_order_explains(next, operations, &rest)
        })
    }

    fn operations() -> impl Strategy<Value = Vec<Operation>> {
        let action = prop_oneof![
            Just(Action::Read),
            (0u64..3, 0u64..4).prop_map(|(expect, new)| Action::Swap { expect, new })
        ];
        let outcome = prop_oneof![2 => (0u64..4).prop_map(Outcome::Saw), 3 => Just(Outcome::Done), 1 => Just(Outcome::Unknown)];
        let operation = (action, outcome, any::<u32>(), any::<u32>());
        prop::collection::vec(operation, 1..7).prop_map(|drawn| {
            // Draws places in time and makes each unique.
            let mut times: Vec<(u32, usize, bool)> = Vec::new();
            for (at, (_, _, one, other)) in drawn.iter().enumerate() {
                times.extend([(*one.min(other), at, false), (*one.max(other), at, true)]);
            }
            times.sort_unstable();
            let mut operations: Vec<Operation> = drawn
                .iter()
                .map(|(action, outcome, _, _)| {
                    let outcome = match (action, outcome) {
                        (Action::Read, Outcome::Done) => Outcome::Saw(0),
                        _ => *outcome,
                    };
                    Operation { call: 0, end: 0, action: *action, outcome }
                })
                .collect();
            for (time, (_, at, is_end)) in times.into_iter().enumerate() {
                if is_end { operations[at].end = time } else { operations[at].call = time }
            }
            operations
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn the_checker_agrees_with_trying_everything(operations in operations()) {
            let left: Vec<usize> = (0..operations.len()).collect();
            let expected = any_order_explains(0, &operations, &left);
            prop_assert_eq!(first_impossible(0, &operations).is_none(), expected);
        }
    }

    fn operation(call: usize, end: usize, action: Action, outcome: Outcome) -> Operation {
        Operation { call, end, action, outcome }
    }

    #[test]
    fn a_lost_update_and_a_stale_read_are_found() {
        let swap = |expect, new| Action::Swap { expect, new };
        let both = [operation(0, 2, swap(0, 1), Outcome::Done), operation(1, 3, swap(0, 2), Outcome::Done)];
        assert!(first_impossible(0, &both).is_some());
        let write = operation(0, 1, swap(0, 1), Outcome::Done);
        let stale = operation(2, 3, Action::Read, Outcome::Saw(0));
        assert_eq!(first_impossible(0, &[write, stale]), Some(stale));
        let unanswered = operation(0, 1, swap(0, 1), Outcome::Unknown);
        assert_eq!(first_impossible(0, &[unanswered, stale]), None);
        let seen_then_gone = [
            unanswered,
            operation(2, 3, Action::Read, Outcome::Saw(1)),
            operation(4, 5, Action::Read, Outcome::Saw(0)),
        ];
        assert!(first_impossible(0, &seen_then_gone).is_some());
    }
}
