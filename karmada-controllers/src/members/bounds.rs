//! Bounds on what a member may send: time until it answers, pauses, sizes.
//!
//! A member is not trusted with the memory or the tasks of the control plane. Watches last, so only their
//! single lines are bounded; everything else is bounded as a whole.

use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, stream};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use kube::Client;
use kube::client::Body;
use tower::BoxError;

/// Longest time until an answer begins. Calls of controllers have less; lists of caches may need it.
const HEAD: Duration = Duration::from_secs(30);
/// Longest pause within an answer that is no watch.
const PAUSE: Duration = Duration::from_secs(30);
/// Bytes of an answer that is no watch: a page of 500 objects of half a megabyte.
const ANSWER: usize = 256 << 20;
/// Bytes of a line of a watch. Objects have a megabyte and a half at most.
const LINE: usize = 16 << 20;

/// An answer that was cut off.
#[derive(Debug, thiserror::Error)]
enum BoundError {
    #[error("the server did not begin to answer within {} s", HEAD.as_secs())]
    Head,
    #[error("the server paused for {} s within an answer", PAUSE.as_secs())]
    Pause,
    #[error("the answer has more than {ANSWER} bytes")]
    Answer,
    #[error("a line of the watch has more than {LINE} bytes")]
    Line,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    Whole,
    Watch,
}

/// Returns a client whose answers are bounded.
pub(super) fn bounded(client: Client) -> Client {
    let service = tower::service_fn(move |request: Request<Body>| {
        let client = client.clone();
        async move {
            let is_watch = request.uri().query().is_some_and(|query| query.contains("watch=true"));
            let extent = if is_watch { Extent::Watch } else { Extent::Whole };
            let Ok(response) = tokio::time::timeout(HEAD, client.send(request)).await else {
                return Err(BoxError::from(BoundError::Head));
            };
            let (parts, body) = response?.into_parts();
            // Frames are pinned where they are made.
            let body = StreamBody::new(Box::pin(frames(body, extent, ANSWER, LINE)));
            Ok(Response::from_parts(parts, body))
        }
    });
    Client::new(service, "default")
}

/// Passes frames on until a bound is passed.
fn frames<B>(
    body: B,
    extent: Extent,
    answer: usize,
    line: usize,
) -> impl Stream<Item = Result<Frame<Bytes>, BoxError>>
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    stream::try_unfold((body, 0), move |(mut body, seen)| async move {
        let next = match extent {
            Extent::Watch => body.frame().await,
            Extent::Whole => match tokio::time::timeout(PAUSE, body.frame()).await {
                Ok(next) => next,
                Err(_) => return Err(BoundError::Pause.into()),
            },
        };
        let Some(frame) = next else { return Ok(None) };
        let frame = frame.map_err(Into::into)?;
        let data = frame.data_ref().map(Bytes::as_ref).unwrap_or_default();
        let seen = match (extent, data.iter().rposition(|byte| *byte == b'\n')) {
            (Extent::Watch, Some(end)) => data.len() - end - 1,
            _ => seen + data.len(),
        };
        match extent {
            Extent::Whole if seen > answer => Err(BoundError::Answer.into()),
            Extent::Watch if seen > line => Err(BoundError::Line.into()),
            _ => Ok(Some((frame, (body, seen)))),
        }
    })
}

#[cfg(test)]
mod tests {
    use futures::StreamExt as _;

    use super::*;

    /// Sends chunks through with bounds of eight bytes, and returns how many came and how it ended.
    async fn passed(chunks: &[&'static str], extent: Extent) -> (usize, Option<String>) {
        let chunks: Vec<_> = chunks
            .iter()
            .map(|chunk| Ok::<_, BoxError>(Frame::data(Bytes::from_static(chunk.as_bytes()))))
            .collect();
        let body = StreamBody::new(stream::iter(chunks));
        let all: Vec<_> = frames(body, extent, 8, 8).collect().await;
        let failed = all.iter().find_map(|frame| frame.as_ref().err().map(ToString::to_string));
        (all.iter().filter(|frame| frame.is_ok()).count(), failed)
    }

    #[tokio::test]
    async fn an_answer_is_bounded_as_a_whole_and_a_watch_by_its_lines() {
        let chunks = ["{}\n", "{\"a\"", ":1}\n", "{}\n"];
        assert_eq!(passed(&chunks, Extent::Watch).await, (4, None));
        assert_eq!(passed(&chunks, Extent::Whole).await.0, 2);
        let (count, failed) = passed(&["{}\n", "012345", "678"], Extent::Watch).await;
        assert_eq!(count, 2);
        assert!(failed.is_some_and(|failed| failed.contains("line of the watch")));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_stops_in_the_middle_ends() {
        let body = || StreamBody::new(stream::pending::<Result<Frame<Bytes>, BoxError>>());
        let mut whole = Box::pin(frames(body(), Extent::Whole, 8, 8));
        assert!(whole.next().await.is_some_and(|frame| frame.is_err()));
        let mut watch = Box::pin(frames(body(), Extent::Watch, 8, 8));
        assert!(tokio::time::timeout(10 * PAUSE, watch.next()).await.is_err());
    }
}
