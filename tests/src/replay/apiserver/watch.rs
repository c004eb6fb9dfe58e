//! Reading a watch that is left open.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use futures::StreamExt as _;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

/// How long events that should come may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long the end of a stream may take: requests name up to eight seconds.
const END_PATIENCE: Duration = Duration::from_secs(15);
/// How long no further event must come.
const SILENCE: Duration = Duration::from_millis(250);

/// Where an event says that the initial events are complete; the second is that of a Table.
const INITIAL_END: &str = "/object/metadata/annotations/k8s.io~1initial-events-end";
const INITIAL_END_OF_ROW: &str = "/object/rows/0/object/metadata/annotations/k8s.io~1initial-events-end";

/// An open watch.
#[derive(Debug)]
pub struct Watch {
    stream: BodyDataStream,
    buffer: Vec<u8>,
    ended: bool,
    bookmarks: Bookmarks,
}

/// Which BOOKMARK events count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bookmarks {
    All,
    /// Only the one that says that the initial events are complete.
    EndOfInitialEvents,
}

/// What a watch delivered since the last read.
#[derive(Debug)]
pub struct Delivery {
    pub events: Vec<Value>,
    /// Whether the server has ended the stream.
    pub ended: bool,
}

impl Watch {
    /// Takes over the body of an answer.
    pub fn new(body: Body, bookmarks: Bookmarks) -> Self {
        Self { stream: body.into_data_stream(), buffer: Vec::new(), ended: false, bookmarks }
    }

    /// Waits for `count` events (or the end of the stream), then until nothing more comes.
    pub async fn read(&mut self, count: usize, end: End) -> Result<Delivery, String> {
        let mut events = Vec::new();
        let late = Instant::now() + if end == End::Expected { END_PATIENCE } else { PATIENCE };
        loop {
            let complete = events.len() >= count && (end == End::NotExpected || self.ended);
            if self.ended {
                break;
            }
            let until = if complete { Instant::now() + SILENCE } else { late };
            match timeout_at(until, self.next()).await {
                Ok(Some(event)) => {
                    let event = event?;
                    if self.counts(&event) {
                        events.push(event);
                    }
                }
                Ok(None) => self.ended = true,
                Err(_) => break,
            }
        }
        Ok(Delivery { events, ended: self.ended })
    }

    fn counts(&self, event: &Value) -> bool {
        event["type"] != "BOOKMARK"
            || self.bookmarks == Bookmarks::All
            || [INITIAL_END, INITIAL_END_OF_ROW].iter().any(|end| event.pointer(end).is_some())
    }

    async fn next(&mut self) -> Option<Result<Value, String>> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                if line.trim_ascii().is_empty() {
                    continue;
                }
                return Some(
                    serde_json::from_slice(&line).map_err(|error| format!("an event is not JSON: {error}")),
                );
            }
            match self.stream.next().await? {
                Ok(chunk) => self.buffer.extend_from_slice(&chunk),
                Err(error) => return Some(Err(format!("the watch broke off: {error}"))),
            }
        }
    }
}

/// Whether the server is expected to end the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Expected,
    NotExpected,
}
