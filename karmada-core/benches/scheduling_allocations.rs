//! Counts the allocations of calls of the scheduler, and checks that refused clusters cost none.
//!
//! It also runs as a test.

#![expect(clippy::print_stdout, reason = "a benchmark prints its report")]

#[path = "scheduling/call.rs"]
mod call;
#[path = "scheduling/fleet.rs"]
mod fleet;
#[path = "scheduling/inputs.rs"]
mod inputs;

use karmada_core::{
    api::work::ResourceBindingSpec,
    scheduling::{Decision, Snapshot},
};
use serde_json::json;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, Stats, StatsAlloc};

use call::Surroundings;
use fleet::{Fleet, deployment, divided, spread};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;

fn main() {
    println!("{:<58} {:>11} {:>12} {:>9}", "call", "allocations", "bytes", "chosen");
    for (count, input) in inputs::upstream_inputs() {
        let snapshot = Snapshot::new(&input.clusters);
        for (name, binding) in &input.bindings {
            let (_, decision) =
                report(&format!("upstream inputs, {count} clusters, {name}"), &snapshot, &binding.spec);
            binding.check(&decision);
        }
        let region = Region::new(ALLOCATOR);
        let snapshot = Snapshot::new(&input.clusters);
        let stats = region.change();
        let name = format!("upstream inputs, {count} clusters, snapshot");
        println!("{name:<58} {:>11} {:>12} {:>9}", count_of(stats), stats.bytes_allocated, snapshot.len());
    }
    check_refused();
    let fleet = Snapshot::new(&Fleet::of(1000).generate());
    let placement =
        json!({"replicaScheduling": divided("Weighted"), "spreadConstraints": spread((2, 3), (4, 10))});
    report("fleet, 1000 clusters, spread by region", &fleet, &deployment(200, placement));
}

/// Ten times as many refused clusters make hardly any more allocations.
fn check_refused() {
    let spec =
        deployment(50, json!({"clusterAffinity": {"labelSelector": {"matchLabels": {"canary": "true"}}}}));
    let mut counts = Vec::new();
    for (clusters, canary_every) in [(200, 20), (2000, 200)] {
        let snapshot = Snapshot::new(&Fleet { canary_every, ..Fleet::of(clusters) }.generate());
        let name = format!("fleet, {clusters} clusters, 10 not refused");
        counts.push(report(&name, &snapshot, &spec).0);
    }
    assert!(counts[1] <= counts[0] + 4, "refused clusters must not allocate: {counts:?}");
}

/// Prints and returns the allocations of one call, and its decision.
fn report(name: &str, snapshot: &Snapshot, spec: &ResourceBindingSpec) -> (usize, Decision) {
    let surroundings = Surroundings::default();
    let region = Region::new(ALLOCATOR);
    let decision = surroundings.schedule(snapshot, spec);
    let stats = region.change();
    let chosen = decision.result.as_ref().map_or(0, Vec::len);
    println!("{name:<58} {:>11} {:>12} {chosen:>9}", count_of(stats), stats.bytes_allocated);
    (count_of(stats), decision)
}

fn count_of(stats: Stats) -> usize {
    stats.allocations + stats.reallocations
}
