//! All measurements of one server.

use std::time::Duration;

use serde_json::Value;

use super::load::{self, Load, Row};
use super::servers::Target;
use super::{fanout, usage};

/// How long a server gets to calm down before its memory is read.
const CALM: Duration = Duration::from_secs(3);

/// What is measured.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) count: usize,
    pub(crate) writers: usize,
    pub(crate) seconds: f64,
    pub(crate) watchers: usize,
    /// Empty for all.
    pub(crate) rows: Vec<Row>,
}

/// What one kind of request took.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    pub(crate) row: Row,
    pub(crate) per_second: f64,
    pub(crate) per_cpu_second: f64,
}

/// What one server did.
#[derive(Clone, Debug)]
pub(crate) struct Measurements {
    pub(crate) start: Duration,
    pub(crate) empty_kib: u64,
    /// With all objects, before they were changed.
    pub(crate) full_kib: u64,
    pub(crate) peak_kib: u64,
    /// JSON bytes of all objects, as a list shows them.
    pub(crate) json_bytes: usize,
    pub(crate) rows: Vec<Measured>,
    /// Median and 99th percentile until the last of the watches has a write.
    pub(crate) fanout: Option<(Duration, Duration)>,
}

/// Puts the load on a server.
pub(crate) async fn run(target: &Target, plan: &Plan) -> anyhow::Result<Measurements> {
    tokio::time::sleep(CALM).await;
    let empty_kib = usage::of(&target.pids)?.resident_kib;
    load::create_namespace(&target.endpoint, load::NAMESPACE).await?;
    let mut rows = vec![timed(target, Row::Create, plan).await?];
    tokio::time::sleep(CALM).await;
    let full = usage::of(&target.pids)?;
    let path = format!("/apis/apps/v1/namespaces/{}/deployments", load::NAMESPACE);
    let json_bytes = target.endpoint.connect().await?.drain(&path).await?;
    let wanted = if plan.rows.is_empty() { &Row::AFTER_CREATE[..] } else { &plan.rows };
    let mut seen = None;
    for row in wanted {
        if *row == Row::Watch {
            let (measured, latencies) = watched(target, plan).await?;
            rows.push(measured);
            seen = Some(latencies);
        } else {
            rows.push(timed(target, *row, plan).await?);
        }
    }
    let peak_kib = usage::of(&target.pids)?.peak_kib;
    Ok(Measurements {
        start: target.start,
        empty_kib,
        full_kib: full.resident_kib,
        peak_kib,
        json_bytes,
        rows,
        fanout: seen,
    })
}

/// Keeps the best of each number: what else the machine does only ever makes them worse.
pub(crate) fn keep_best(best: &mut Option<Measurements>, again: Measurements) {
    let Some(best) = best else {
        *best = Some(again);
        return;
    };
    best.start = best.start.min(again.start);
    best.empty_kib = best.empty_kib.min(again.empty_kib);
    best.full_kib = best.full_kib.min(again.full_kib);
    best.peak_kib = best.peak_kib.min(again.peak_kib);
    for (row, again) in best.rows.iter_mut().zip(again.rows) {
        row.per_second = row.per_second.max(again.per_second);
        row.per_cpu_second = row.per_cpu_second.max(again.per_cpu_second);
    }
    let both = best.fanout.zip(again.fanout);
    best.fanout = both.map(|(a, b)| (a.0.min(b.0), a.1.min(b.1)));
}

async fn timed(target: &Target, row: Row, plan: &Plan) -> anyhow::Result<Measured> {
    let load = Load::prepare(&target.endpoint, row, plan).await?;
    let before = usage::of(&target.pids)?.cpu_seconds;
    let (requests, elapsed) = load.run().await?;
    let cpu = usage::of(&target.pids)?.cpu_seconds - before;
    Ok(measured(row, requests, elapsed, cpu))
}

async fn watched(target: &Target, plan: &Plan) -> anyhow::Result<(Measured, (Duration, Duration))> {
    load::create_namespace(&target.endpoint, fanout::NAMESPACE).await?;
    let mut watches = fanout::open(&target.endpoint, plan).await?;
    let before = usage::of(&target.pids)?.cpu_seconds;
    let fanout = watches.measure(Duration::from_secs_f64(plan.seconds)).await?;
    let cpu = usage::of(&target.pids)?.cpu_seconds - before;
    let percentile = |part: usize| {
        let index = fanout.latencies.len() * part / 100;
        fanout.latencies.get(index).copied().unwrap_or_default()
    };
    let latencies = (percentile(50), percentile(99));
    Ok((measured(Row::Watch, fanout.writes * plan.watchers, fanout.elapsed, cpu), latencies))
}

fn measured(row: Row, requests: usize, elapsed: Duration, cpu: f64) -> Measured {
    // A tick is the least that can be seen.
    let per_cpu_second = requests as f64 / cpu.max(0.01);
    Measured { row, per_second: requests as f64 / elapsed.as_secs_f64(), per_cpu_second }
}

impl Measurements {
    /// Returns the measurements for programs.
    pub(crate) fn json(&self) -> Value {
        let rows: serde_json::Map<String, Value> = self
            .rows
            .iter()
            .map(|row| {
                let numbers = serde_json::json!({
                    "per_s": row.per_second.round(), "per_cpu_s": (row.per_cpu_second * 10.0).round() / 10.0,
                });
                (row.row.name().to_owned(), numbers)
            })
            .collect();
        serde_json::json!({
            "start_ms": self.start.as_millis(),
            "empty_mib": self.empty_kib / 1024,
            "full_mib": self.full_kib / 1024,
            "peak_mib": self.peak_kib / 1024,
            "json_mib": self.json_bytes >> 20,
            "rows": rows,
            "fanout_ms": self.fanout.map(|(median, late)| [median.as_secs_f64() * 1e3, late.as_secs_f64() * 1e3]),
        })
    }
}
