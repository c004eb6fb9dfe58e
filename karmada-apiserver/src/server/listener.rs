//! HTTPS for callers outside of this process.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::inner::Inner;
use crate::auth::{AuthError, FromProxy, PeerUser, PeerVerifier, certificate_user};

/// How long a client may take for its TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long to wait after an accept that failed, for lack of file descriptors mostly.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Why an address could not be served.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    #[error("address {address} is in use; stop the program that uses it or choose another port")]
    InUse { address: SocketAddr },
    #[error("cannot listen on {address}")]
    Bind { address: SocketAddr, source: std::io::Error },
    #[error("cannot set up TLS")]
    Tls(#[from] AuthError),
}

/// A port that is served. Dropping the handle does not stop it.
#[derive(Clone, Debug)]
pub struct Listener {
    address: SocketAddr,
    stop: CancellationToken,
}

impl Listener {
    pub(super) async fn start(
        inner: &Arc<Inner>,
        router: Router,
        address: SocketAddr,
    ) -> Result<Self, ListenError> {
        let peers = inner.authority.peers(inner.config.front_proxy.as_ref())?;
        let tls = inner.authority.tls(&[address.ip()], peers.clone())?;
        let listener = TcpListener::bind(address).await.map_err(|source| {
            if source.kind() == std::io::ErrorKind::AddrInUse {
                ListenError::InUse { address }
            } else {
                ListenError::Bind { address, source }
            }
        })?;
        let address = listener.local_addr().map_err(|source| ListenError::Bind { address, source })?;
        let stop = inner.shutdown.child_token();
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        let tasks = inner.tasks.clone();
        let stopped = stop.clone();
        inner.tasks.spawn(async move {
            loop {
                let accepted = tokio::select! {
                    () = stopped.cancelled() => return,
                    accepted = listener.accept() => accepted,
                };
                match accepted {
                    Ok((stream, _)) => {
                        let connection = connection(
                            stream,
                            acceptor.clone(),
                            peers.clone(),
                            router.clone(),
                            stopped.clone(),
                        );
                        tasks.spawn(connection);
                    }
                    Err(error) => {
                        tracing::warn!(
                            error = &error as &dyn std::error::Error,
                            "cannot accept a connection"
                        );
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
        });
        Ok(Self { address, stop })
    }

    /// Returns the address that is served, with the port that was chosen.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Returns the address as clients write it.
    pub fn url(&self) -> String {
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        format!("https://{address}")
    }

    /// Stops accepting and ends open connections after their current answers.
    pub fn stop(&self) {
        self.stop.cancel();
    }
}

/// Serves one connection to its end.
async fn connection(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    peers: Arc<PeerVerifier>,
    router: Router,
    stop: CancellationToken,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(error = &error as &dyn std::error::Error, "cannot set TCP_NODELAY");
    }
    let stream = tokio::select! {
        () = stop.cancelled() => return,
        stream = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)) => match stream {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "TLS handshake failed");
                return;
            }
            Err(_) => return,
        },
    };
    let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
    // A proxy's certificate says who may name callers, and is no caller's own unless this server signed it too.
    let proxy = peers.is_proxy(chain).then_some(FromProxy);
    let user = chain.first().filter(|_| peers.is_client(chain));
    let user = user.and_then(|certificate| certificate_user(certificate)).map(PeerUser);
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        if let Some(user) = &user {
            request.extensions_mut().insert(user.clone());
        }
        if let Some(proxy) = proxy {
            request.extensions_mut().insert(proxy);
        }
        router.clone().oneshot(request)
    });
    let builder = auto::Builder::new(TokioExecutor::new());
    let serving = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    tokio::pin!(serving);
    tokio::select! {
        result = serving.as_mut() => log(result),
        () = stop.cancelled() => {
            serving.as_mut().graceful_shutdown();
            log(serving.await);
        }
    }
}

fn log(result: Result<(), Box<dyn std::error::Error + Send + Sync>>) {
    if let Err(error) = result {
        tracing::debug!(error = &*error, "connection ended with an error");
    }
}
