//! Times of the scheduler; docs/performance.md has a report.

mod call;
mod fleet;
mod inputs;

use std::{hint::black_box, time::Duration};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use karmada_core::scheduling::Snapshot;
use serde_json::json;

use call::Surroundings;
use fleet::{Fleet, deployment, divided, spread};

/// Upstream's own inputs: the answer is upstream's, then the time is taken.
///
/// `prepared` is a call with the snapshot at hand, as the controller has it; `from-objects` also
/// prepares the snapshot from the Cluster objects, which upstream's call does by copying them;
/// `one-change` replaces one cluster in the snapshot first.
fn upstream(criterion: &mut Criterion) {
    let surroundings = Surroundings::default();
    for (count, input) in inputs::upstream_inputs() {
        let mut group = criterion.benchmark_group("upstream-inputs");
        let snapshot = Snapshot::new(&input.clusters);
        for (name, binding) in &input.bindings {
            binding.check(&surroundings.schedule(&snapshot, &binding.spec));
            group.bench_function(BenchmarkId::new(format!("{name}/prepared"), count), |bencher| {
                bencher.iter(|| surroundings.schedule(black_box(&snapshot), &binding.spec));
            });
            group.bench_function(BenchmarkId::new(format!("{name}/from-objects"), count), |bencher| {
                bencher.iter(|| {
                    surroundings.schedule(&Snapshot::new(black_box(&input.clusters)), &binding.spec)
                });
            });
        }
        group.bench_function(BenchmarkId::new("snapshot/new", count), |bencher| {
            bencher.iter(|| Snapshot::new(black_box(&input.clusters)));
        });
        group.bench_function(BenchmarkId::new("snapshot/clone", count), |bencher| {
            bencher.iter(|| black_box(&snapshot).clone());
        });
        group.bench_function(BenchmarkId::new("snapshot/one-change", count), |bencher| {
            let (mut snapshot, changed) = (snapshot.clone(), &input.clusters[count / 2]);
            bencher.iter(|| snapshot.upsert(black_box(changed)));
        });
        group.bench_function(BenchmarkId::new("snapshot/one-change-while-shared", count), |bencher| {
            let changed = &input.clusters[count / 2];
            bencher.iter(|| {
                let mut copy = snapshot.clone();
                copy.upsert(black_box(changed));
                copy
            });
        });
    }
}

/// A generated fleet of growing size.
fn fleet(criterion: &mut Criterion) {
    let surroundings = Surroundings::default();
    let cases = [
        ("duplicated", deployment(3, json!({}))),
        ("dynamic-weight", deployment(500, json!({"replicaScheduling": divided("Weighted")}))),
        ("aggregated", deployment(500, json!({"replicaScheduling": divided("Aggregated")}))),
        (
            "spread-by-region",
            deployment(
                200,
                json!({"replicaScheduling": divided("Weighted"), "spreadConstraints": spread((2, 3), (4, 10))}),
            ),
        ),
        (
            "95-percent-refused",
            deployment(
                50,
                json!({
                    "replicaScheduling": divided("Weighted"),
                    "clusterAffinity": {"labelSelector": {"matchLabels": {"canary": "true"}}},
                }),
            ),
        ),
        (
            "all-refused",
            deployment(
                50,
                json!({"clusterAffinity": {"labelSelector": {"matchLabels": {"canary": "false"}}}}),
            ),
        ),
    ];
    let mut group = criterion.benchmark_group("fleet");
    for count in [10, 100, 500, 1000, 2000, 5000] {
        let snapshot = Snapshot::new(&Fleet::of(count).generate());
        for (name, spec) in &cases {
            group.bench_with_input(BenchmarkId::new(*name, count), spec, |bencher, spec| {
                bencher.iter(|| surroundings.schedule(black_box(&snapshot), spec));
            });
        }
    }
}

/// Explaining every cluster of a decision, which only happens when somebody reads it.
fn explanation(criterion: &mut Criterion) {
    let surroundings = Surroundings::default();
    let snapshot = Snapshot::new(&Fleet::of(1000).generate());
    let spec = deployment(500, json!({"replicaScheduling": divided("Weighted")}));
    let decision = surroundings.schedule(&snapshot, &spec);
    criterion.bench_function("explain/1000", |bencher| {
        bencher.iter(|| {
            surroundings.with_input(&snapshot, &spec, |context, input| {
                let explanation = black_box(&decision).explain(context, input);
                explanation.clusters().map(|cluster| cluster.to_string().len()).sum::<usize>()
            })
        });
    });
}

/// Dividing more replicas must not take longer.
fn replicas(criterion: &mut Criterion) {
    let surroundings = Surroundings::default();
    let mut group = criterion.benchmark_group("replicas");
    let mut clusters = Fleet::of(1000).generate();
    for cluster in &mut clusters {
        let summary = cluster.status.as_mut().and_then(|status| status.resource_summary.as_mut());
        for amount in summary.into_iter().flat_map(|summary| summary.allocatable.values_mut()) {
            *amount = *amount * 100_000;
        }
    }
    let snapshot = Snapshot::new(&clusters);
    for replicas in [1_000, 1_000_000, 2_000_000_000] {
        for (name, placement) in [
            ("dynamic-weight", json!({"replicaScheduling": divided("Weighted")})),
            (
                "equal-weight",
                json!({"replicaScheduling": {
                    "replicaSchedulingType": "Divided", "replicaDivisionPreference": "Weighted",
                }}),
            ),
        ] {
            let spec = deployment(replicas, placement);
            let decision = surroundings.schedule(&snapshot, &spec);
            assert!(decision.result.is_ok(), "{:?}", decision.result);
            group.bench_with_input(BenchmarkId::new(name, replicas), &spec, |bencher, spec| {
                bencher.iter(|| surroundings.schedule(black_box(&snapshot), spec));
            });
        }
    }
}

/// Choosing regions must not explode: 300 clusters, 4 to 5 regions, 10 to 20 clusters.
fn regions(criterion: &mut Criterion) {
    let surroundings = Surroundings::default();
    let mut group = criterion.benchmark_group("regions");
    let placement =
        json!({"replicaScheduling": divided("Weighted"), "spreadConstraints": spread((4, 5), (10, 20))});
    let spec = deployment(200, placement);
    for regions in [12, 20, 30, 60, 120] {
        let fleet = Fleet { regions, ..Fleet::of(300) };
        let snapshot = Snapshot::new(&fleet.generate());
        group.bench_with_input(BenchmarkId::from_parameter(regions), &spec, |bencher, spec| {
            bencher.iter(|| surroundings.schedule(black_box(&snapshot), spec));
        });
    }
}

criterion_group! {
    name = scheduling;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(30);
    targets = upstream, fleet, explanation, replicas, regions
}
criterion_main!(scheduling);
