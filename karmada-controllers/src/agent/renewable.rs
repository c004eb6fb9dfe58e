//! A client whose credentials can be exchanged while it is in use, and which notices that its connections are dead.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, stream};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use kube::Client;
use kube::client::Body;
use parking_lot::RwLock;
use tokio::sync::watch;
use tower::BoxError;

/// Longest time until an answer begins, and longest pause within one that is no watch: a connection that nobody cuts off
/// hangs for minutes.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Why an answer was given up.
#[derive(Debug, thiserror::Error)]
enum GivenUp {
    #[error("no answer within {} seconds", ANSWER_TIMEOUT.as_secs())]
    NoAnswer,
    #[error("the answer stopped for {} seconds", ANSWER_TIMEOUT.as_secs())]
    Pause,
    #[error("another request was not answered: the connection is taken for dead")]
    Dead,
}

/// Clients with the same credentials.
#[derive(Clone)]
pub struct Clients {
    /// For leases and certificates, which every replica needs.
    pub open: Client,
    /// For what only the leader may do; see [`fenced_client`](crate::dial::fenced_client).
    pub fenced: Client,
}

impl From<Client> for Clients {
    /// Uses one for everything.
    fn from(client: Client) -> Self {
        Self { open: client.clone(), fenced: client }
    }
}

/// A client whose credentials can be exchanged while it is in use.
///
/// Watches go on with the connection they have; everything else uses the new credentials at once. A watch whose peer is gone
/// without a word looks like one that has nothing to tell. So all watches end, and are asked for again, as soon as any other
/// request is not answered or not waited for: an agent renews its lease every few seconds.
#[derive(Clone)]
pub struct RenewableClient {
    current: Arc<RwLock<Clients>>,
    /// How many requests were not answered.
    unanswered: watch::Sender<u64>,
}

impl std::fmt::Debug for RenewableClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RenewableClient").finish_non_exhaustive()
    }
}

impl RenewableClient {
    /// Starts with these credentials.
    pub fn new(clients: impl Into<Clients>) -> Self {
        Self { current: Arc::new(RwLock::new(clients.into())), unanswered: watch::Sender::new(0) }
    }

    /// Goes on with these credentials.
    pub fn renew(&self, clients: impl Into<Clients>) {
        *self.current.write() = clients.into();
    }

    /// Makes a client that uses the newest credentials. It must be called within a runtime of tokio.
    pub fn client(&self) -> Client {
        self.through(|clients| &clients.open)
    }

    /// As [`Self::client`], for what only the leader may do.
    pub fn fenced_client(&self) -> Client {
        self.through(|clients| &clients.fenced)
    }

    fn through(&self, choose: fn(&Clients) -> &Client) -> Client {
        let (current, unanswered) = (self.current.clone(), self.unanswered.clone());
        let namespace = choose(&current.read()).default_namespace().to_owned();
        let service = tower::service_fn(move |request: Request<Body>| {
            let (client, unanswered) = (choose(&current.read()).clone(), unanswered.clone());
            async move {
                if is_watch(&request) {
                    follow(&client, request, unanswered.subscribe()).await
                } else {
                    ask(&client, request, unanswered).await
                }
            }
        });
        Client::new(service, namespace)
    }
}

/// The body of an answer.
type Answer = StreamBody<futures::stream::BoxStream<'static, Result<Frame<Bytes>, BoxError>>>;

async fn ask(
    client: &Client,
    request: Request<Body>,
    unanswered: watch::Sender<u64>,
) -> Result<Response<Answer>, BoxError> {
    let mut asked = Asked { unanswered, is_answered: false };
    let Ok(answer) = tokio::time::timeout(ANSWER_TIMEOUT, client.send(request)).await else {
        return Err(GivenUp::NoAnswer.into());
    };
    // What fails at once is no answer either: the network says that there is nobody.
    asked.is_answered = answer.is_ok();
    let (parts, body) = answer?.into_parts();
    let frames = stream::try_unfold(body, |mut body| async move {
        match tokio::time::timeout(ANSWER_TIMEOUT, body.frame()).await {
            Ok(frame) => next(frame, body),
            Err(_) => Err(GivenUp::Pause.into()),
        }
    });
    Ok(Response::from_parts(parts, StreamBody::new(boxed(frames))))
}

async fn follow(
    client: &Client,
    request: Request<Body>,
    mut unanswered: watch::Receiver<u64>,
) -> Result<Response<Answer>, BoxError> {
    let answer = tokio::select! {
        answer = tokio::time::timeout(ANSWER_TIMEOUT, client.send(request)) => answer,
        // The sender lives as long as the client.
        _ = unanswered.changed() => return Err(GivenUp::Dead.into()),
    };
    let (parts, body) = answer.map_err(|_| GivenUp::NoAnswer)??.into_parts();
    let frames = stream::try_unfold((body, unanswered), |(mut body, mut unanswered)| async move {
        let frame = tokio::select! {
            // What has come is told before the end.
            biased;
            frame = body.frame() => frame,
            _ = unanswered.changed() => return Err(GivenUp::Dead.into()),
        };
        Ok(next(frame, body)?.map(|(frame, body)| (frame, (body, unanswered))))
    });
    Ok(Response::from_parts(parts, StreamBody::new(boxed(frames))))
}

fn next(
    frame: Option<Result<Frame<Bytes>, kube::Error>>,
    body: Body,
) -> Result<Option<(Frame<Bytes>, Body)>, BoxError> {
    Ok(frame.transpose()?.map(|frame| (frame, body)))
}

fn boxed(
    frames: impl Stream<Item = Result<Frame<Bytes>, BoxError>> + Send + 'static,
) -> futures::stream::BoxStream<'static, Result<Frame<Bytes>, BoxError>> {
    Box::pin(frames)
}

/// A request under way. When it ends without an answer, also because nobody waits any longer, that is told.
struct Asked {
    unanswered: watch::Sender<u64>,
    is_answered: bool,
}

impl Drop for Asked {
    fn drop(&mut self) {
        if !self.is_answered {
            self.unanswered.send_modify(|count| *count += 1);
        }
    }
}

fn is_watch(request: &Request<Body>) -> bool {
    let query = request.uri().query().unwrap_or_default();
    query.split('&').any(|pair| pair.split('=').next() == Some("watch"))
}

#[cfg(test)]
mod tests {
    use futures::AsyncReadExt as _;
    use kube::Error;

    use super::*;

    fn answering(name: &'static str) -> Client {
        let service = tower::service_fn(move |_: Request<Body>| async move {
            Ok::<_, Error>(Response::new(Body::from(name.as_bytes().to_vec())))
        });
        Client::new(service, "default")
    }

    #[tokio::test]
    async fn requests_use_the_newest_credentials() {
        let renewable = RenewableClient::new(answering("old"));
        let client = renewable.client();
        let ask = async || client.request_text(Request::get("/x").body(Vec::new()).unwrap()).await.unwrap();
        assert_eq!(ask().await, "old");
        renewable.renew(answering("new"));
        assert_eq!(ask().await, "new");
    }

    #[tokio::test(start_paused = true)]
    async fn what_hangs_is_given_up() {
        let silent =
            tower::service_fn(|_: Request<Body>| std::future::pending::<Result<Response<Body>, Error>>());
        let client = RenewableClient::new(Client::new(silent, "default")).client();
        for path in ["/api/v1/pods", "/api/v1/pods?watch=true"] {
            let error = client.request_text(Request::get(path).body(Vec::new()).unwrap()).await.unwrap_err();
            assert!(crate::hub::chain(&error).contains("no answer within 30 seconds"), "{error:?}");
        }
    }

    /// A server that begins every answer and then says no more.
    fn stopping() -> Client {
        let service = tower::service_fn(|_: Request<Body>| async {
            let first = stream::iter([Ok::<_, BoxError>(Frame::data(Bytes::from_static(b"{")))]);
            Ok::<_, Error>(Response::new(StreamBody::new(futures::StreamExt::chain(
                first,
                stream::pending(),
            ))))
        });
        Client::new(service, "default")
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_stops_is_given_up_and_a_watch_waits_until_another_request_is_not_answered() {
        let renewable = RenewableClient::new(stopping());
        let client = renewable.client();
        let text = client.request_text(Request::get("/api/v1/pods").body(Vec::new()).unwrap()).await;
        assert!(text.is_err());

        let watch = Request::get("/api/v1/pods?watch=true").body(Vec::new()).unwrap();
        let mut body = std::pin::pin!(client.request_stream(watch).await.unwrap());
        let mut seen = [0; 8];
        assert_eq!(body.read(&mut seen).await.unwrap(), 1);
        let waiting = tokio::time::timeout(Duration::from_mins(10), body.read(&mut seen)).await;
        assert!(waiting.is_err(), "a watch that has nothing to tell goes on");

        // Somebody stops waiting for a request that is not answered.
        let silent =
            tower::service_fn(|_: Request<Body>| std::future::pending::<Result<Response<Body>, Error>>());
        renewable.renew(Client::new(silent, "default"));
        let lease = client.request_text(Request::get("/lease").body(Vec::new()).unwrap());
        assert!(tokio::time::timeout(Duration::from_secs(1), lease).await.is_err());
        let ended = tokio::time::timeout(Duration::from_secs(1), body.read(&mut seen)).await;
        assert!(ended.is_ok_and(|end| end.is_err()), "the watch is taken for dead");
    }
}
