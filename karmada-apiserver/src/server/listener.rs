//! HTTPS for callers outside of this process.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::connection::Front;
use super::inner::Inner;
use crate::auth::AuthError;

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
        let peers = inner.authority.peers(inner.config.front_proxy.as_ref())?;
        let tls = inner.authority.tls_for(&[address.ip()], &inner.config.server_names, peers.clone())?;
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
        let front = Front::new(inner.clone(), router, peers, stop.clone());
        let stopped = stop.clone();
        inner.tasks.spawn(async move {
            loop {
                let accepted = tokio::select! {
                    () = stopped.cancelled() => return,
                    accepted = listener.accept() => accepted,
                };
                match accepted {
                    Ok((stream, peer)) => front.accept(stream, peer, acceptor.clone()),
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
