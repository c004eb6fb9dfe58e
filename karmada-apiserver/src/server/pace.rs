//! Answers in pieces, so that it shows how fast a client reads them.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use parking_lot::Mutex;

use super::fairness::Seat;

/// Largest piece that is handed over at a time.
const PIECE: usize = 64 * 1024;

/// What one connection does at the moment.
#[derive(Debug)]
pub(crate) struct Activity {
    start: Instant,
    /// Requests under way, their answers included.
    active: AtomicUsize,
    requests: AtomicU64,
    /// When the last request ended, in milliseconds since `start`.
    quiet_since: AtomicU64,
    answers: Mutex<Vec<Weak<Handed>>>,
}

/// When the last piece of an answer was handed over: milliseconds since the start of the connection plus one, or 0 when
/// the client has read it all and waits for more.
#[derive(Debug, Default)]
struct Handed(AtomicU64);

/// A request under way on a connection.
#[derive(Clone, Debug)]
pub(crate) struct UnderWay(Arc<Counted>);

#[derive(Debug)]
struct Counted(Arc<Activity>);

/// An answer that is read piece by piece and holds what the request needs until its end.
#[derive(Debug)]
pub(crate) struct PacedBody {
    inner: Body,
    rest: Bytes,
    handed: Option<Arc<Handed>>,
    under_way: Option<UnderWay>,
    seat: Option<Seat>,
}

impl Activity {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            start: Instant::now(),
            active: AtomicUsize::new(0),
            requests: AtomicU64::new(0),
            quiet_since: AtomicU64::new(0),
            answers: Mutex::default(),
        })
    }

    /// Notes a request; it is under way until the last clone of what this returns is dropped.
    pub(crate) fn begin(self: &Arc<Self>) -> UnderWay {
        self.active.fetch_add(1, Ordering::AcqRel);
        self.requests.fetch_add(1, Ordering::AcqRel);
        UnderWay(Arc::new(Counted(self.clone())))
    }

    /// Returns how long there has been no request, `None` while there is one.
    pub(crate) fn idle(&self) -> Option<Duration> {
        if self.active.load(Ordering::Acquire) > 0 {
            return None;
        }
        let since = Duration::from_millis(self.quiet_since.load(Ordering::Acquire));
        Some(self.start.elapsed().saturating_sub(since))
    }

    /// Says whether there has been a request.
    pub(crate) fn was_used(&self) -> bool {
        self.requests.load(Ordering::Acquire) > 0
    }

    /// Says whether the client has left a piece of an answer unread for a time.
    pub(crate) fn is_stalled(&self, limit: Duration) -> bool {
        let now = self.start.elapsed();
        let mut answers = self.answers.lock();
        answers.retain(|answer| answer.strong_count() > 0);
        answers.iter().filter_map(Weak::upgrade).any(|handed| {
            let at = handed.0.load(Ordering::Acquire);
            at > 0 && now.saturating_sub(Duration::from_millis(at - 1)) > limit
        })
    }

    fn watch(&self) -> Arc<Handed> {
        let handed = Arc::new(Handed::default());
        let mut answers = self.answers.lock();
        if answers.len() > 2 * self.active.load(Ordering::Acquire) + 8 {
            answers.retain(|answer| answer.strong_count() > 0);
        }
        answers.push(Arc::downgrade(&handed));
        handed
    }

    fn now(&self) -> u64 {
        self.start.elapsed().as_millis() as u64
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.quiet_since.store(self.0.now(), Ordering::Release);
        self.0.active.fetch_sub(1, Ordering::AcqRel);
    }
}

impl UnderWay {
    fn activity(&self) -> &Activity {
        &self.0.0
    }
}

impl PacedBody {
    /// Wraps an answer. A short one lets go of its seat at once.
    pub(crate) fn wrap(inner: Body, under_way: Option<UnderWay>, seat: Option<Seat>) -> Body {
        let short = inner.size_hint().upper().is_some_and(|bytes| bytes <= PIECE as u64);
        let seat = if short { None } else { seat };
        if under_way.is_none() && seat.is_none() {
            return inner;
        }
        let handed = under_way.as_ref().filter(|_| !short).map(|under_way| under_way.activity().watch());
        Body::new(Self { inner, rest: Bytes::new(), handed, under_way, seat })
    }

    fn note(&self, at: u64) {
        if let Some(handed) = &self.handed {
            handed.0.store(at, Ordering::Release);
        }
    }

    fn next_piece(&mut self) -> Bytes {
        let at = self.under_way.as_ref().map_or(0, |under_way| under_way.activity().now() + 1);
        self.note(at);
        self.rest.split_to(self.rest.len().min(PIECE))
    }
}

impl HttpBody for PacedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            // The client has read everything so far.
            self.note(0);
            let frame = match ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
                Some(Ok(frame)) => frame,
                other => {
                    self.seat = None;
                    return Poll::Ready(other);
                }
            };
            match frame.into_data() {
                Ok(data) => self.rest = data,
                Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
            }
        }
        Poll::Ready(Some(Ok(Frame::data(self.next_piece()))))
    }

    fn is_end_stream(&self) -> bool {
        // Only asking for more shows that the last piece was read: long answers never end early.
        self.handed.is_none() && self.rest.is_empty() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let inner = self.inner.size_hint();
        let rest = self.rest.len() as u64;
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower() + rest);
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn an_answer_that_nobody_reads_shows_and_one_that_waits_for_news_does_not() {
        let activity = Activity::new();
        assert!(activity.idle().is_some() && !activity.was_used());
        let bytes: Vec<u8> = (0..200_000_u32).map(|n| n as u8).collect();
        let mut body = PacedBody::wrap(Body::from(bytes.clone()), Some(activity.begin()), None);
        assert_eq!(body.size_hint().exact(), Some(200_000));
        assert!(!activity.is_stalled(Duration::ZERO));
        let mut read = body.frame().await.unwrap().unwrap().into_data().unwrap().to_vec();
        assert_eq!(read.len(), PIECE);
        std::thread::sleep(Duration::from_millis(2));
        assert!(activity.is_stalled(Duration::ZERO) && !activity.is_stalled(Duration::from_mins(1)));
        while let Some(frame) = body.frame().await {
            read.extend_from_slice(&frame.unwrap().into_data().unwrap());
        }
        assert_eq!(read, bytes);
        assert!(!activity.is_stalled(Duration::ZERO));
        assert!(activity.idle().is_none());
        drop(body);
        assert!(activity.idle().is_some() && activity.was_used());
    }
}
