//! HTTPS for the components: connections with limits, and an orderly end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use futures::future::BoxFuture;
use http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use rustls::pki_types::CertificateDer;
use rustls::server::ResolvesServerCert;
use rustls::server::danger::ClientCertVerifier;
use rustls::{ServerConfig, SupportedProtocolVersion};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// Connections at a time; the API server keeps a few.
const CONNECTIONS: usize = 1024;
/// How long a client may take to set up TLS, and to send the head of a request.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a connection stays without a request.
const IDLE: Duration = Duration::from_mins(2);
/// How long requests under way may take once the server was told to stop.
const FAREWELL: Duration = Duration::from_secs(10);
/// How long to wait after an accept that failed, for lack of file descriptors mostly.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

static NEWEST: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];

/// The lowest version of TLS that a server speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsVersion {
    Tls12,
    #[default]
    Tls13,
}

impl TlsVersion {
    /// Reads a version as Karmada's and Kubernetes' components write it. Versions before 1.2 mean 1.2.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "1.0" | "1.1" | "1.2" | "VersionTLS10" | "VersionTLS11" | "VersionTLS12" => Ok(Self::Tls12),
            "1.3" | "VersionTLS13" => Ok(Self::Tls13),
            _ => Err(format!("{text:?} is none of 1.0, 1.1, 1.2, 1.3")),
        }
    }

    fn versions(self) -> &'static [&'static SupportedProtocolVersion] {
        match self {
            Self::Tls12 => rustls::ALL_VERSIONS,
            Self::Tls13 => NEWEST,
        }
    }
}

/// An address that cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum HttpsError {
    #[error("cannot listen on {address}")]
    Listen {
        address: SocketAddr,
        #[source]
        source: std::io::Error,
    },
    #[error("cannot set up TLS")]
    Tls(#[source] rustls::Error),
}

/// The certificates that a client has shown; none when it has shown none. Nothing vouches for them yet.
pub type PeerChain = Arc<[CertificateDer<'static>]>;

/// Answers requests.
pub trait Answer: Send + Sync + 'static {
    /// Answers one request of a client.
    fn answer(
        self: Arc<Self>,
        peer: PeerChain,
        request: Request<Incoming>,
    ) -> BoxFuture<'static, Response<Body>>;
}

/// A server that listens and does not answer yet.
#[derive(Debug)]
pub struct HttpsServer {
    listener: TcpListener,
    address: SocketAddr,
    tls: Arc<ServerConfig>,
}

impl HttpsServer {
    /// Listens on an address.
    ///
    /// # Errors
    /// When the address is not free.
    pub async fn bind(
        address: SocketAddr,
        certificate: Arc<dyn ResolvesServerCert>,
        clients: Option<Arc<dyn ClientCertVerifier>>,
        version: TlsVersion,
    ) -> Result<Self, HttpsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(version.versions())
            .map_err(HttpsError::Tls)?;
        let builder = match clients {
            Some(clients) => builder.with_client_cert_verifier(clients),
            None => builder.with_no_client_auth(),
        };
        let mut tls = builder.with_cert_resolver(certificate);
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let failed = |source| HttpsError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address, tls: Arc::new(tls) })
    }

    /// Returns where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `stop` completes, and lets requests under way end.
    pub async fn run(self, answers: Arc<dyn Answer>, stop: impl Future<Output = ()>) {
        let acceptor = TlsAcceptor::from(self.tls);
        let permits = Arc::new(Semaphore::new(CONNECTIONS));
        let (stopping, stopped) = watch::channel(false);
        let mut connections = JoinSet::new();
        tokio::pin!(stop);
        loop {
            let accepted = tokio::select! {
                () = &mut stop => break,
                _ = connections.join_next(), if !connections.is_empty() => continue,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) => {
                    // Who comes when there are too many is turned away.
                    let Ok(permit) = permits.clone().try_acquire_owned() else { continue };
                    let connection = serve(stream, acceptor.clone(), answers.clone(), stopped.clone());
                    connections.spawn(async move {
                        connection.await;
                        drop(permit);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(self.listener);
        stopping.send_replace(true);
        let ended = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(FAREWELL, ended).await.is_err() {
            tracing::warn!("some requests are not finished in time and are cut off");
        }
    }
}

async fn serve(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    answers: Arc<dyn Answer>,
    mut stopped: watch::Receiver<bool>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    let stream = match tokio::time::timeout(PATIENCE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            tracing::debug!(%error, "TLS handshake failed");
            return;
        }
        Err(_) => return,
    };
    let peer: PeerChain = stream.get_ref().1.peer_certificates().unwrap_or_default().into();
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let answer = answers.clone().answer(peer.clone(), request);
        async move { Ok::<_, std::convert::Infallible>(answer.await) }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(IDLE);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(Some(IDLE / 4)).keep_alive_timeout(IDLE / 4);
    let serving = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    tokio::pin!(serving);
    let ended = tokio::select! {
        result = serving.as_mut() => Some(result),
        // Nobody is left who could say so: the same.
        _ = stopped.changed() => None,
    };
    let result = if let Some(result) = ended {
        result
    } else {
        serving.as_mut().graceful_shutdown();
        serving.await
    };
    if let Err(error) = result {
        tracing::debug!(error = &*error, "connection ended with an error");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_in_both_notations_and_old_ones_are_not_spoken() {
        assert_eq!(TlsVersion::parse("1.3"), Ok(TlsVersion::Tls13));
        assert_eq!(TlsVersion::parse("VersionTLS12"), Ok(TlsVersion::Tls12));
        assert_eq!(TlsVersion::parse("1.0"), Ok(TlsVersion::Tls12));
        assert!(TlsVersion::parse("3").is_err());
    }
}
