//! Replays the recorded cases that are listed as passing.

use std::io::Write as _;
use std::num::NonZero;
use std::path::PathBuf;

use karmada_tests::replay::categories::Bound;
use karmada_tests::replay::driver::{CaseResult, Selection, run_category};
use karmada_tests::replay::report::Counts;
use karmada_tests::replay::{categories, passing, vectors};
use rstest::rstest;

/// Fails when a case that is listed as passing does not pass.
///
/// `KARMADA_VECTORS=DIR` replays another folder of category folders: all its cases run, their counts are printed, and
/// only listed names can fail.
#[rstest]
#[case("apiserver")]
#[case("e2e")]
#[case("image-reference")]
#[case("interpreter-lua")]
#[case("interpreter-native")]
#[case("interpreter-thirdparty")]
#[case("naming-prune-status")]
#[case("overrides")]
#[case("policy-matching")]
#[case("scheduling")]
#[case("validation-defaulting")]
fn listed_cases_pass(#[case] name: &str) {
    let elsewhere = std::env::var_os("KARMADA_VECTORS").map(PathBuf::from);
    let folder = elsewhere.clone().unwrap_or_else(passing::repository_vectors).join(name);
    let list = passing::read_list(name).unwrap();
    if elsewhere.is_some() && !folder.is_dir() {
        return;
    }
    let mut category = vectors::read_category(&folder).unwrap();
    if elsewhere.is_none() {
        let known = category.cases.len();
        category.cases.retain(|case| list.contains(&case.id));
        assert_eq!(
            category.cases.len(),
            list.len(),
            "{name}: a listed case is not among the {known} recorded ones"
        );
    }
    let runner = categories::runner(name);
    let results = run_category(&category, runner.clone(), Selection::default());
    let counts = Counts::of(&results);
    writeln!(std::io::stdout(), "{name}: {counts:?}").unwrap();
    let mut regressions: Vec<CaseResult> =
        passing::regressions(&list, &results).into_iter().cloned().collect();
    if !regressions.is_empty()
        && runner.as_ref().is_some_and(|runner| matches!(runner.bound, Bound::Waiting(_)))
    {
        // Scenarios wait for silence, which a loaded machine can break: one at a time decides.
        writeln!(std::io::stdout(), "{name}: once more, one at a time: {regressions:#?}").unwrap();
        category.cases.retain(|case| regressions.iter().any(|(id, _)| *id == case.id));
        let alone = Selection { jobs: Some(NonZero::<usize>::MIN), ..Selection::default() };
        let results = run_category(&category, runner, alone);
        regressions = passing::regressions(&list, &results).into_iter().cloned().collect();
    }
    assert!(
        regressions.is_empty(),
        "{name}: {} listed cases do not pass: {regressions:#?}",
        regressions.len()
    );
}

#[test]
fn every_recorded_category_is_replayed() {
    let folders = vectors::category_folders(&passing::repository_vectors()).unwrap();
    let source = include_str!("replay.rs");
    for folder in folders {
        let name = vectors::category_name(&folder).unwrap();
        assert!(source.contains(&format!("#[case(\"{name}\")]")), "{name} is not in the list of cases above");
    }
}
