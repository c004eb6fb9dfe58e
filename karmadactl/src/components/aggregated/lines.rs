//! The events of a watch, translated line by line.

use std::error::Error;

use axum::body::{Body, Bytes};
use futures::StreamExt as _;
use http_body_util::{BodyDataStream, BodyExt as _};
use serde_json::Value;

use super::translation::to_served;

/// A line that is longer is no event.
const LONGEST_LINE: usize = 16 << 20;

/// A watch that broke off.
#[derive(Debug, thiserror::Error)]
enum BrokenOff {
    #[error("the connection to the API server broke off")]
    Connection(#[source] Box<dyn Error + Send + Sync>),
    #[error("an event is not understood")]
    Event(#[source] serde_json::Error),
    #[error("an event is too long")]
    Length,
}

struct Lines<B> {
    chunks: BodyDataStream<B>,
    rest: Vec<u8>,
    is_over: bool,
}

impl<B> Lines<B>
where
    B: hyper::body::Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    /// Returns the next lines that are complete, translated.
    async fn next(&mut self) -> Option<Result<Bytes, BrokenOff>> {
        while !self.is_over {
            let received = match self.chunks.next().await {
                Some(Ok(chunk)) => self.take(&chunk),
                Some(Err(error)) => Err(BrokenOff::Connection(error.into())),
                None => {
                    self.is_over = true;
                    break;
                }
            };
            match received {
                Ok(lines) if lines.is_empty() => {}
                Ok(lines) => return Some(Ok(lines.into())),
                Err(error) => {
                    self.is_over = true;
                    tracing::debug!(error = &error as &dyn std::error::Error, "a watch ends");
                    return Some(Err(error));
                }
            }
        }
        None
    }

    fn take(&mut self, chunk: &[u8]) -> Result<Vec<u8>, BrokenOff> {
        let Some(end) = chunk.iter().rposition(|byte| *byte == b'\n') else {
            if self.rest.len() + chunk.len() > LONGEST_LINE {
                return Err(BrokenOff::Length);
            }
            self.rest.extend_from_slice(chunk);
            return Ok(Vec::new());
        };
        self.rest.extend_from_slice(&chunk[..end]);
        let complete = std::mem::replace(&mut self.rest, chunk[end + 1..].to_vec());
        let mut translated = Vec::with_capacity(complete.len());
        for line in complete.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let event: Value = serde_json::from_slice(line).map_err(BrokenOff::Event)?;
            serde_json::to_writer(&mut translated, &to_served(event)).map_err(BrokenOff::Event)?;
            translated.push(b'\n');
        }
        Ok(translated)
    }
}

/// Returns a watch's answer with every event translated.
pub(super) fn translated<B>(body: B) -> Body
where
    B: hyper::body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let lines = Lines { chunks: body.into_data_stream(), rest: Vec::new(), is_over: false };
    Body::from_stream(futures::stream::unfold(lines, |mut lines| async move {
        lines.next().await.map(|item| (item, lines))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn events_are_translated_wherever_the_stream_is_cut() {
        let event = |name: &str| {
            format!(
                "{{\"type\":\"ADDED\",\"object\":{{\"apiVersion\":\"storage.karmada.io/v1alpha1\",\"kind\":\"StoredCluster\",\
                 \"metadata\":{{\"name\":\"{name}\"}}}}}}\n"
            )
        };
        let text = format!("{}{}", event("a"), event("b"));
        for size in [1, 7, 50, text.len()] {
            let chunks: Vec<_> = text
                .as_bytes()
                .chunks(size)
                .map(|chunk| Ok::<_, kube::Error>(Bytes::copy_from_slice(chunk)))
                .collect();
            let body = http_body_util::StreamBody::new(
                futures::stream::iter(chunks).map(|chunk| chunk.map(hyper::body::Frame::data)),
            );
            let bytes = translated(body).collect().await.unwrap().to_bytes();
            let lines: Vec<Value> = bytes
                .split(|byte| *byte == b'\n')
                .filter(|line| !line.is_empty())
                .map(|line| serde_json::from_slice(line).unwrap())
                .collect();
            assert_eq!(lines.len(), 2);
            assert_eq!(
                (&lines[1]["object"]["kind"], &lines[1]["object"]["metadata"]["name"]),
                (&"Cluster".into(), &"b".into())
            );
        }
    }
}
