//! One connection of a client, from the handshake to the end.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::inner::Inner;
use super::limits::Limits;
use super::listener::RemoteAddress;
use super::pace::Activity;
use super::shares::{Held, Shares};
use crate::auth::PeerVerifier;

/// How long a connection may take to end once it was told to, when no request is under way.
const FAREWELL: Duration = Duration::from_secs(5);
/// How often a connection is looked at, as a part of its shortest time limit.
const LOOKS: u32 = 4;

/// What the connections of a listener share.
pub(super) struct Front {
    pub(super) inner: Arc<Inner>,
    router: Router,
    peers: Arc<PeerVerifier>,
    connections: Arc<Shares<IpAddr>>,
    handshakes: Semaphore,
    builder: auto::Builder<TokioExecutor>,
    /// Told when no more connections are taken and open ones shall end.
    stop: CancellationToken,
}

impl Front {
    pub(super) fn new(
        inner: Arc<Inner>,
        router: Router,
        peers: Arc<PeerVerifier>,
        stop: CancellationToken,
    ) -> Arc<Self> {
        let limits = &inner.config.limits;
        Arc::new(Self {
            router,
            peers,
            connections: Shares::new(limits.connections),
            handshakes: Semaphore::new(limits.handshakes),
            builder: builder(limits),
            stop,
            inner,
        })
    }

    /// Serves a connection to its end, unless there are too many.
    pub(super) fn accept(self: &Arc<Self>, stream: TcpStream, peer: SocketAddr, acceptor: TlsAcceptor) {
        let Some(held) = self.connections.take(&peer.ip(), 1) else {
            self.inner.metrics.refuse_connection();
            return;
        };
        let front = self.clone();
        self.inner.tasks.spawn(async move {
            let abort = front.inner.abort.clone();
            tokio::select! {
                () = abort.cancelled() => {}
                () = front.serve(stream, acceptor, held) => {}
            }
        });
    }

    async fn serve(&self, stream: TcpStream, acceptor: TlsAcceptor, _held: Held<IpAddr>) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(error = &error as &dyn std::error::Error, "cannot set TCP_NODELAY");
        }
        let stream = tokio::select! {
            () = self.stop.cancelled() => return,
            stream = tokio::time::timeout(self.limits().handshake_timeout, self.handshake(stream, acceptor)) => stream,
        };
        match stream {
            Ok(Some(stream)) => self.requests(stream).await,
            Ok(None) | Err(_) => self.inner.metrics.fail_handshake(),
        }
    }

    fn limits(&self) -> &Limits {
        &self.inner.config.limits
    }

    async fn handshake(&self, stream: TcpStream, acceptor: TlsAcceptor) -> Option<TlsStream<TcpStream>> {
        // Signing is the dearest thing that a stranger can ask for.
        let _turn = self.handshakes.acquire().await.ok()?;
        match acceptor.accept(stream).await {
            Ok(stream) => Some(stream),
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "TLS handshake failed");
                None
            }
        }
    }

    async fn requests(&self, stream: TlsStream<TcpStream>) {
        let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let peer = self.peers.peer(chain, self.inner.clock.now());
        let remote = stream.get_ref().0.peer_addr().ok().map(|address| RemoteAddress(address.ip()));
        let clock = self.inner.clock.clone();
        let activity = Activity::new();
        let (router, begun) = (self.router.clone(), activity.clone());
        let service = hyper::service::service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(begun.begin());
            if let Some(remote) = remote {
                request.extensions_mut().insert(remote);
            }
            peer.mark(request.extensions_mut(), clock.now());
            router.clone().oneshot(request)
        });
        let serving = self.builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
        tokio::pin!(serving);
        tokio::select! {
            result = serving.as_mut() => return log(result),
            () = self.stop.cancelled() => {}
            ending = self.look_after(&activity) => if ending == Ending::Cut {
                tracing::debug!("a client does not read its answers");
                return;
            },
        }
        serving.as_mut().graceful_shutdown();
        tokio::select! {
            result = serving.as_mut() => log(result),
            () = self.farewell(&activity) => {}
        }
    }

    /// Completes when a connection has to end by itself.
    async fn look_after(&self, activity: &Activity) -> Ending {
        let limits = self.limits();
        let shortest = limits.stall_timeout.min(limits.idle_timeout).min(limits.first_request_timeout);
        let mut looks = tokio::time::interval((shortest / LOOKS).max(Duration::from_millis(1)));
        loop {
            looks.tick().await;
            if activity.is_stalled(limits.stall_timeout) {
                self.inner.metrics.cut_connection();
                return Ending::Cut;
            }
            let patience =
                if activity.was_used() { limits.idle_timeout } else { limits.first_request_timeout };
            if activity.idle().is_some_and(|idle| idle >= patience) {
                return Ending::Idle;
            }
        }
    }

    /// Completes when a connection that shall end has nothing to do and does not end, or its client stalls.
    async fn farewell(&self, activity: &Activity) {
        let mut looks = tokio::time::interval(FAREWELL / LOOKS);
        loop {
            looks.tick().await;
            if activity.is_stalled(self.limits().stall_timeout)
                || activity.idle().is_some_and(|idle| idle >= FAREWELL)
            {
                return;
            }
        }
    }
}

/// Why a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Idle,
    Cut,
}

fn builder(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.idle_timeout)
        // The buffer of the request's head; the server refuses smaller ones than 8 KiB.
        .max_buf_size(limits.header_bytes.max(8 << 10));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
        // Clients whose machine has gone do not close their connections.
        .keep_alive_interval(Some(limits.idle_timeout / 3))
        .keep_alive_timeout(limits.idle_timeout / 3);
    builder
}

fn log(result: Result<(), Box<dyn std::error::Error + Send + Sync>>) {
    if let Err(error) = result {
        tracing::debug!(error = &*error, "connection ended with an error");
    }
}
