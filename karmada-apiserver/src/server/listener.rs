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
use crate::auth::AuthError;

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

/// The other end of a connection, among the extensions of its requests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RemoteAddress(pub(crate) std::net::IpAddr);

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
        let tls = inner.authority.tls(&[address.ip()])?;
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
        let server = inner.clone();
        inner.tasks.spawn(async move {
            loop {
                let accepted = tokio::select! {
                    () = stopped.cancelled() => return,
                    accepted = listener.accept() => accepted,
                };
                match accepted {
                    Ok((stream, _)) => {
                        let connection = connection(
                            server.clone(),
                            stream,
                            acceptor.clone(),
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
    server: Arc<Inner>,
    stream: TcpStream,
    acceptor: TlsAcceptor,
    router: Router,
    stop: CancellationToken,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(error = &error as &dyn std::error::Error, "cannot set TCP_NODELAY");
    }
    let remote = stream.peer_addr().ok().map(|address| address.ip());
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
    let peer = server.authority.peer(stream.get_ref().1.peer_certificates().unwrap_or_default());
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        if let Some(address) = remote {
            request.extensions_mut().insert(RemoteAddress(address));
        }
        peer.mark(request.extensions_mut(), server.clock.now());
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
