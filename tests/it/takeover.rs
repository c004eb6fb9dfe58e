//! Taking over a control plane from upstream's controllers, and scenarios with agents: other ways through the recordings.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail where they stand, like tests")]

use karmada_tests::replay::categories::{Variant, variant_runner};
use karmada_tests::replay::driver::{Selection, run_category};
use karmada_tests::replay::{Outcome, passing, vectors};

/// Beginnings of the names of scenarios that are taken over at each of their recorded states: namespaces, division of
/// several kinds, spreading, status, drift, dependencies, suspension, overrides, preemption, what is kept, deletion.
const TAKEN_OVER: [&str; 18] = [
    "c03-", "d01-", "e02-", "e06-", "n01-", "o11-", "o17-", "p04-", "p13-", "p16-", "q02-", "q07-", "r05-",
    "s01-", "s02-", "t01-", "v10-", "z03-",
];
/// Those in which our agents do: on several clusters, and let go of.
const TAKEN_OVER_AGENTS: [&str; 2] = ["o17-", "p01-"];
/// Beginnings of the names of scenarios that run with an agent for each member.
const PULLED: [&str; 12] =
    ["a05-", "c03-", "d01-", "d04-", "e01-", "n03-", "o17-", "p15-", "q05-", "r01-", "s02-", "t01-"];

fn all_pass(variant: Variant, names: &[&str]) {
    let category = vectors::read_category(&passing::repository_vectors().join("e2e")).unwrap();
    let parts: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let selection = Selection { name_parts: &parts, ..Selection::default() };
    let results = run_category(&category, variant_runner("e2e", variant), selection);
    assert_eq!(results.len(), names.len(), "{results:#?}");
    for (name, outcome) in results {
        assert!(matches!(outcome, Outcome::Passed | Outcome::Differs(_)), "{name}: {outcome:?}");
    }
}

#[test]
fn our_loops_take_over_from_upstream_without_a_write_and_go_on_as_upstream_did() {
    all_pass(Variant::TakeOver, &TAKEN_OVER);
}

#[test]
fn our_agents_take_over_from_those_of_upstream_with_their_permissions() {
    all_pass(Variant::TakeOverAgents, &TAKEN_OVER_AGENTS);
}

#[test]
fn scenarios_pass_with_an_agent_for_each_member() {
    all_pass(Variant::Pull, &PULLED);
}
