//! An API server behind TLS that misbehaves on demand.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::StreamExt as _;
use http::{Request, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use karmada_apiserver::auth::Authority;
use karmada_controllers::members::InProcessClient;
use kube::Client;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::task::AbortOnDropHandle;
use tower::ServiceExt as _;

/// What is wrong with a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    /// Nobody listens.
    Refuses,
    /// Requests are taken and never answered.
    Hangs,
    /// Every answer is an error with this code.
    Answers(u16),
    /// Every answer is a success that nobody can read.
    Garbage,
    /// Every answer never ends.
    Floods,
    /// Every answer comes late.
    Slow(Duration),
    /// The line is cut at a write: that many go through, the next and all after it are never answered.
    CutAt {
        write: usize,
        moment: Moment,
    },
    /// The server has a certificate that nobody here trusts.
    OtherCertificate,
}

/// When a line is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    BeforeTheWrite,
    /// The server does it, and its answer is lost.
    AfterTheWrite,
}

/// Which requests a fault is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Everything,
    /// Requests that write. The server looks healthy.
    Writes,
}

/// What came.
#[derive(Debug, Default)]
struct Counts {
    requests: AtomicUsize,
    /// Since the fault was last changed.
    writes: AtomicUsize,
}

type Switch = (Fault, Scope);

/// An API server behind TLS that misbehaves on demand. It ends when it is dropped.
#[derive(Debug)]
pub struct FaultyServer {
    address: SocketAddr,
    authority: Arc<Authority>,
    switch: watch::Sender<Switch>,
    counts: Arc<Counts>,
    _server: AbortOnDropHandle<()>,
}

impl FaultyServer {
    /// Puts a switch in front of an API server that knows its callers by bearer tokens.
    pub async fn over(clients: InProcessClient) -> anyhow::Result<Self> {
        let pass = move |request: Request<Body>| {
            let clients = clients.clone();
            async move {
                let token =
                    request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
                let token = token.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
                match pass_on(&clients(token), request).await {
                    Ok(response) => response,
                    Err(error) => (StatusCode::BAD_GATEWAY, format!("{error:?}")).into_response(),
                }
            }
        };
        Self::start(Router::new().fallback(pass)).await
    }

    /// Puts a switch in front of a web server.
    pub async fn start(inner: Router) -> anyhow::Result<Self> {
        let authority = Arc::new(Authority::ephemeral("member")?);
        let other = Authority::ephemeral("somebody else")?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let names = [address.ip()];
        let trusted = TlsAcceptor::from(Arc::new(authority.tls(&names)?));
        let untrusted = TlsAcceptor::from(Arc::new(other.tls(&names)?));
        let (switch, state) = watch::channel((Fault::None, Scope::Everything));
        let counts = Arc::new(Counts::default());
        let router = router(inner, state.clone(), counts.clone());
        let server = tokio::spawn(run(address, listener, trusted, untrusted, router, state));
        Ok(Self { address, authority, switch, counts, _server: AbortOnDropHandle::new(server) })
    }

    /// Returns where it listens.
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Returns who vouches for its usual certificate, in PEM.
    pub fn ca_bundle(&self) -> String {
        STANDARD.encode(self.authority.pem())
    }

    /// Changes what is wrong. Connections that are open break off.
    pub fn set(&self, fault: Fault, scope: Scope) {
        self.counts.writes.store(0, Ordering::SeqCst);
        self.switch.send_replace((fault, scope));
    }

    /// Returns how many requests there were.
    pub fn requests(&self) -> usize {
        self.counts.requests.load(Ordering::SeqCst)
    }

    /// Returns how many requests wrote since the fault was last changed.
    pub fn writes(&self) -> usize {
        self.counts.writes.load(Ordering::SeqCst)
    }
}

async fn run(
    address: SocketAddr,
    listener: TcpListener,
    trusted: TlsAcceptor,
    untrusted: TlsAcceptor,
    router: Router,
    mut state: watch::Receiver<Switch>,
) {
    let mut listener = Some(listener);
    loop {
        let (fault, _) = state.borrow_and_update().clone();
        // Connections of another time break off with it.
        let mut connections = JoinSet::new();
        if fault == Fault::Refuses {
            listener = None;
            if state.changed().await.is_err() {
                return;
            }
            continue;
        }
        let open = match listener.take() {
            Some(open) => open,
            None => match bind(address).await {
                Some(open) => open,
                None => return,
            },
        };
        let acceptor = if fault == Fault::OtherCertificate { &untrusted } else { &trusted };
        loop {
            tokio::select! {
                accepted = open.accept() => {
                    let Ok((stream, _)) = accepted else { continue };
                    connections.spawn(serve(acceptor.clone(), stream, router.clone()));
                }
                changed = state.changed() => match changed {
                    Ok(()) => break,
                    Err(_) => return,
                },
            }
        }
        listener = Some(open);
    }
}

/// Takes the same address again; connections that just ended may hold it for a moment.
async fn bind(address: SocketAddr) -> Option<TcpListener> {
    for _ in 0..100 {
        match TcpListener::bind(address).await {
            Ok(listener) => return Some(listener),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    None
}

async fn serve(acceptor: TlsAcceptor, stream: TcpStream, router: Router) {
    // Clients that do not trust the certificate hang up.
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let service = hyper::service::service_fn(move |request: Request<hyper::body::Incoming>| {
        router.clone().oneshot(request.map(Body::new))
    });
    drop(auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await);
}

fn router(inner: Router, state: watch::Receiver<Switch>, counts: Arc<Counts>) -> Router {
    Router::new().fallback(move |request: Request<Body>| {
        let (inner, (fault, scope)) = (inner.clone(), state.borrow().clone());
        counts.requests.fetch_add(1, Ordering::SeqCst);
        let is_write = request.method() != http::Method::GET;
        let write = if is_write { counts.writes.fetch_add(1, Ordering::SeqCst) } else { 0 };
        async move {
            match fault {
                Fault::CutAt { write: cut, .. } if !is_write || write < cut => {
                    respond(inner, Fault::None, request).await
                }
                Fault::CutAt { write: cut, moment } => {
                    if write == cut && moment == Moment::AfterTheWrite {
                        respond(inner, Fault::None, request).await;
                    }
                    std::future::pending().await
                }
                fault if is_write || scope == Scope::Everything => respond(inner, fault, request).await,
                _ => respond(inner, Fault::None, request).await,
            }
        }
    })
}

async fn respond(inner: Router, fault: Fault, request: Request<Body>) -> Response {
    match fault {
        Fault::None | Fault::Refuses | Fault::OtherCertificate => {}
        Fault::Slow(delay) => tokio::time::sleep(delay).await,
        Fault::Hangs | Fault::CutAt { .. } => std::future::pending().await,
        Fault::Garbage => return (StatusCode::OK, "\u{7}<html>{\"kind\": ").into_response(),
        Fault::Floods => {
            // Not quicker than 16 MiB a second: on every machine the time runs out before the bound on answers is reached.
            let piece = bytes::Bytes::from(vec![b'x'; 16 * 1024]);
            let pieces = futures::stream::unfold(piece, |piece| async move {
                tokio::time::sleep(Duration::from_millis(1)).await;
                Some((Ok::<_, std::io::Error>(piece.clone()), piece))
            });
            return Body::from_stream(pieces).into_response();
        }
        Fault::Answers(code) => {
            let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let body = serde_json::json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code,
                "reason": status.canonical_reason(), "message": format!("this member answers {code}")});
            return (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response();
        }
    }
    match inner.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

async fn pass_on(client: &Client, request: Request<Body>) -> anyhow::Result<Response> {
    let (mut parts, body) = request.into_parts();
    parts.headers.remove(header::AUTHORIZATION);
    let body = kube::client::Body::from(body.collect().await?.to_bytes());
    let response = client.send(Request::from_parts(parts, body)).await?;
    let (parts, body) = response.into_parts();
    Ok(Response::from_parts(parts, Body::from_stream(body.into_data_stream().fuse())))
}
