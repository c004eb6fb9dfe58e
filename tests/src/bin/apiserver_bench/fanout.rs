//! One write that many watches see.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http::Method;
use http_body_util::BodyExt as _;
use tokio::sync::mpsc;

use super::client::Endpoint;
use super::load::deployment;
use super::measure::Plan;

pub(crate) const NAMESPACE: &str = "fanout";
/// Longest time until all watches have seen a write.
const LATE: Duration = Duration::from_secs(30);

/// What the writes took.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fanout {
    pub(crate) writes: usize,
    pub(crate) elapsed: Duration,
    /// From the start of a write until the last watch had it, sorted.
    pub(crate) latencies: Vec<Duration>,
}

/// Opens the watches; the writes come with [`Watches::measure`].
pub(crate) async fn open(endpoint: &Endpoint, plan: &Plan) -> anyhow::Result<Watches> {
    let (seen, events) = mpsc::unbounded_channel();
    let path = format!("/apis/apps/v1/namespaces/{NAMESPACE}/deployments");
    for _ in 0..plan.watchers {
        let mut connection = endpoint.connect().await?;
        let watch = format!("{path}?watch=true&timeoutSeconds=600");
        let response = connection.send(Method::GET, &watch, "application/json", Bytes::new()).await?;
        if !response.status().is_success() {
            bail!("a watch was answered with {}", response.status());
        }
        let (mut body, seen) = (response.into_body(), seen.clone());
        tokio::spawn(async move {
            // The connection lives as long as its requests can be sent.
            let _connection = connection;
            while let Some(Ok(frame)) = body.frame().await {
                let lines = frame.data_ref().map_or(0, |bytes| bytecount(bytes));
                for _ in 0..lines {
                    if seen.send(Instant::now()).is_err() {
                        return;
                    }
                }
            }
        });
    }
    Ok(Watches { path, endpoint: endpoint.clone(), watchers: plan.watchers, events, next: 0 })
}

/// Open watches.
#[derive(Debug)]
pub(crate) struct Watches {
    path: String,
    endpoint: Endpoint,
    watchers: usize,
    events: mpsc::UnboundedReceiver<Instant>,
    next: usize,
}

impl Watches {
    /// Writes one object after the other, each when all watches have seen the one before.
    pub(crate) async fn measure(&mut self, time: Duration) -> anyhow::Result<Fanout> {
        let mut connection = self.endpoint.connect().await?;
        let start = Instant::now();
        let mut fanout = Fanout::default();
        while start.elapsed() < time || fanout.writes == 0 {
            let body = deployment(NAMESPACE, self.next).to_string();
            self.next += 1;
            let written = Instant::now();
            connection.call(Method::POST, &self.path, "application/json", body.into()).await?;
            let mut last = written;
            for _ in 0..self.watchers {
                let event = tokio::time::timeout(LATE, self.events.recv()).await;
                last = last.max(event.context("a watch misses a write")?.context("the watches ended")?);
            }
            fanout.latencies.push(last - written);
            fanout.writes += 1;
        }
        fanout.elapsed = start.elapsed();
        fanout.latencies.sort();
        Ok(fanout)
    }
}

fn bytecount(bytes: &[u8]) -> usize {
    bytes.split(|byte| *byte == b'\n').count() - 1
}
