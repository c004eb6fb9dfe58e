//! How long one answer takes for real third-party objects.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use jiff::Timestamp;
use karmada_core::api::work::AggregatedStatusItem;
use karmada_core::interpreter::{ResourceInterpreter, ThirdPartyInterpreter};
use serde_json::Value;

const OBJECTS: &[u8] = include_bytes!("../testdata/third-party-objects.jsonl.zst");

fn samples() -> Vec<(Value, Vec<AggregatedStatusItem>)> {
    let text = zstd::decode_all(OBJECTS).expect("the embedded objects are compressed");
    let text = String::from_utf8(text).expect("the embedded objects are text");
    let sample = |line: &str| {
        let mut sample: Value = serde_json::from_str(line).expect("every line is JSON");
        let items = serde_json::from_value(sample["items"].take()).expect("every line has statuses");
        (sample["object"].take(), items)
    };
    text.lines().map(sample).collect()
}

fn answers(criterion: &mut Criterion) {
    let samples = samples();
    let interpreter = ThirdPartyInterpreter::default();
    let mut group = criterion.benchmark_group("third-party interpreter, all 53 samples");
    group.bench_function("health", |bencher| {
        bencher.iter(|| {
            samples.iter().filter_map(|(object, _)| interpreter.health(black_box(object)).ok()).count()
        });
    });
    group.bench_function("reflect status", |bencher| {
        bencher.iter(|| {
            samples
                .iter()
                .filter_map(|(object, _)| interpreter.reflect_status(black_box(object)).ok())
                .count()
        });
    });
    group.bench_function("components", |bencher| {
        bencher.iter(|| {
            samples.iter().filter_map(|(object, _)| interpreter.components(black_box(object)).ok()).count()
        });
    });
    group.bench_function("aggregate status", |bencher| {
        bencher.iter(|| {
            let answers = samples.iter().filter_map(|(object, items)| {
                interpreter.aggregate_status(black_box(object), Some(items), Timestamp::UNIX_EPOCH).ok()
            });
            answers.count()
        });
    });
    group.finish();
}

criterion_group!(benches, answers);
criterion_main!(benches);
