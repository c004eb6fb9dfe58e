//! Runs the cases of a category, several at once, and collects what became of each.

use std::any::Any;
use std::cell::RefCell;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, PanicHookInfo};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use std::time::Instant;

use super::Outcome;
use super::categories::{Bound, Runner};
use super::vectors::{Case, Category};

thread_local! {
    /// Where the last panic of this thread happened; the payload does not say.
    static PANIC_PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
    static IN_CASE: RefCell<bool> = const { RefCell::new(false) };
}

/// Why a case is skipped that did not begin in time.
pub const NOT_BEGUN: &str = "not begun: the time was over";

/// What to run of a category.
#[derive(Clone, Copy, Debug, Default)]
pub struct Selection<'a> {
    /// Only cases whose id contains one of these; all when empty.
    pub name_parts: &'a [String],
    /// Stop at the first failure.
    pub stop: Stop,
    /// Cases at once; chosen by the category's runner when `None`.
    pub jobs: Option<NonZero<usize>>,
    /// Begin no case after this moment.
    pub until: Option<Instant>,
    /// Told of every case that ended.
    pub progress: Option<fn(&Progress<'_>)>,
}

/// A case that ended.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    pub id: &'a str,
    pub outcome: &'a Outcome,
    /// How many ended until now.
    pub ended: usize,
    /// How many there are.
    pub cases: usize,
}

/// When to stop before all cases ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stop {
    #[default]
    Never,
    AtFirstFailure,
}

/// A case's id and what became of it.
pub type CaseResult = (String, Outcome);

/// Runs the selected cases of `category` and returns their outcomes in the order of the cases.
///
/// A case that panics has failed; the others go on.
///
/// # Panics
///
/// When the system refuses to start a thread.
pub fn run_category(
    category: &Category,
    runner: Option<Runner>,
    selection: Selection<'_>,
) -> Vec<CaseResult> {
    let cases: Vec<&Case> = category
        .cases
        .iter()
        .filter(|case| {
            selection.name_parts.is_empty() || selection.name_parts.iter().any(|part| case.id.contains(part))
        })
        .collect();
    let Some(runner) = runner else {
        let reason = format!("no runner for category {}", category.name);
        return cases.iter().map(|case| (case.id.clone(), Outcome::Skipped(reason.clone()))).collect();
    };
    let next = AtomicUsize::new(0);
    let stopped = AtomicBool::new(false);
    let results: Mutex<Vec<(usize, Outcome)>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..jobs(runner.bound, selection.jobs).min(cases.len()) {
            let worker = std::thread::Builder::new().stack_size(16 << 20);
            let work = || {
                while !stopped.load(Ordering::Relaxed) {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(index) else { break };
                    let outcome = match selection.until {
                        Some(until) if Instant::now() > until => Outcome::Skipped(NOT_BEGUN.to_owned()),
                        _ => run_case(case, &runner),
                    };
                    if selection.stop == Stop::AtFirstFailure && matches!(outcome, Outcome::Failed(_)) {
                        stopped.store(true, Ordering::Relaxed);
                    }
                    let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
                    if let Some(tell) = selection.progress {
                        let (ended, cases) = (results.len() + 1, cases.len());
                        tell(&Progress { id: &case.id, outcome: &outcome, ended, cases });
                    }
                    results.push((index, outcome));
                }
            };
            worker.spawn_scoped(scope, work).expect("the machine can start a few threads");
        }
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(index, outcome)| (cases[index].id.clone(), outcome)).collect()
}

fn jobs(bound: Bound, wanted: Option<NonZero<usize>>) -> usize {
    let processors = || std::thread::available_parallelism().map_or(1, NonZero::get);
    match (wanted, bound) {
        (Some(wanted), _) => wanted.get(),
        (None, Bound::Processor) => processors(),
        (None, Bound::Waiting(count)) => count,
    }
}

fn run_case(case: &Case, runner: &Runner) -> Outcome {
    let value = match &case.value {
        Ok(value) => value,
        Err(message) => return Outcome::Failed(message.clone()),
    };
    note_panic_places();
    IN_CASE.set(true);
    let result = std::panic::catch_unwind(AssertUnwindSafe(|| (runner.run)(value)));
    IN_CASE.set(false);
    result.unwrap_or_else(|payload| {
        let place = PANIC_PLACE.take().unwrap_or_else(|| "an unknown place".to_owned());
        Outcome::Failed(format!("panicked at {place}: {}", panic_text(payload.as_ref())))
    })
}

/// Keeps panics of cases off stderr and remembers where they happened; other panics print as ever.
fn note_panic_places() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info: &PanicHookInfo<'_>| {
            if IN_CASE.with_borrow(|inside| *inside) {
                PANIC_PLACE.set(info.location().map(ToString::to_string));
            } else {
                previous(info);
            }
        }));
    });
}

fn panic_text(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn category(values: Vec<Value>) -> Category {
        let case = |(index, value)| Case { id: format!("case {index}"), value: Ok(value) };
        Category { name: "made".into(), cases: values.into_iter().enumerate().map(case).collect() }
    }

    fn divide(case: &Value) -> Outcome {
        super::super::compare(&case["expect"], &json!(100 / case["by"].as_i64().unwrap()))
    }

    #[test]
    fn a_case_that_panics_has_failed_and_the_others_go_on() {
        let cases = category(vec![
            json!({"by": 5, "expect": 20}),
            json!({"by": 0, "expect": 1}),
            json!({"by": 2, "expect": 51}),
        ]);
        let runner = Runner { run: std::sync::Arc::new(divide), bound: Bound::Processor };
        let results = run_category(&cases, Some(runner), Selection::default());
        assert_eq!(results[0].1, Outcome::Passed);
        assert!(
            matches!(&results[1].1, Outcome::Failed(text) if text.contains("driver.rs") && text.contains("divide by zero")),
            "{results:?}"
        );
        assert_eq!(results[2].1, Outcome::Failed("/: expected 51, got 50".into()));
    }

    #[test]
    fn no_case_begins_after_the_time_and_every_end_is_told() {
        static TOLD: Mutex<Vec<String>> = Mutex::new(Vec::new());
        let cases = category(vec![json!({"by": 5, "expect": 20}), json!({"by": 4, "expect": 25})]);
        let runner = Runner { run: std::sync::Arc::new(divide), bound: Bound::Waiting(1) };
        let selection = Selection {
            until: Some(Instant::now()),
            progress: Some(|progress| {
                let Progress { id, ended, cases, .. } = progress;
                TOLD.lock().unwrap().push(format!("{ended}/{cases} {id}"));
            }),
            ..Selection::default()
        };
        let results = run_category(&cases, Some(runner), selection);
        assert!(results.iter().all(|(_, outcome)| *outcome == Outcome::Skipped(NOT_BEGUN.to_owned())));
        assert_eq!(*TOLD.lock().unwrap(), ["1/2 case 0", "2/2 case 1"]);
    }

    #[test]
    fn cases_without_a_runner_are_skipped_by_the_categorys_name() {
        let results = run_category(&category(vec![json!({})]), None, Selection::default());
        assert_eq!(results[0].1, Outcome::Skipped("no runner for category made".into()));
    }
}
