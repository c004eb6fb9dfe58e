//! Connections to webhooks, kept open between calls.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_util::task::AbortOnDropHandle;

use super::endpoint::Host;
use super::tls;

/// Idle connections that are kept to one host.
const IDLE_PER_HOST: usize = 8;
/// Idle connections that are kept in all.
const IDLE: usize = 64;
/// How long a connection may be idle and still be used.
const IDLE_TIME: Duration = Duration::from_secs(30);
/// Trusted bundles whose TLS configuration is kept.
const CONFIGURATIONS: usize = 64;

/// Certificates to trust, as PEM; those of the system when there are none.
type Bundle = Option<Arc<[u8]>>;

/// What tells connections apart: where to, and trusting whom.
type Key = (Host, Bundle);

/// Connections that wait for the next call.
#[derive(Debug, Default)]
pub(super) struct Pool {
    idle: Mutex<BTreeMap<Key, Vec<Idle>>>,
    configurations: Mutex<BTreeMap<Bundle, Arc<rustls::ClientConfig>>>,
}

/// An open connection. Dropping it closes it.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) sender: SendRequest<Full<Bytes>>,
    driver: AbortOnDropHandle<()>,
    /// It has answered a request before.
    pub(super) reused: bool,
}

#[derive(Debug)]
struct Idle {
    connection: Connection,
    since: Instant,
}

impl Pool {
    /// Takes an idle connection, if there is one that still stands.
    pub(super) fn take(&self, host: &Host, bundle: Option<&Arc<[u8]>>) -> Option<Connection> {
        let mut idle = self.idle.lock();
        let waiting = idle.get_mut(&(host.clone(), bundle.cloned()))?;
        while let Some(Idle { mut connection, since }) = waiting.pop() {
            if since.elapsed() < IDLE_TIME && connection.sender.is_ready() {
                connection.reused = true;
                return Some(connection);
            }
        }
        None
    }

    /// Keeps a connection whose answer was read to its end.
    pub(super) fn keep(&self, host: Host, bundle: Bundle, connection: Connection) {
        if connection.sender.is_closed() || connection.driver.is_finished() {
            return;
        }
        let mut idle = self.idle.lock();
        for waiting in idle.values_mut() {
            waiting.retain(|idle| idle.since.elapsed() < IDLE_TIME);
        }
        idle.retain(|_, waiting| !waiting.is_empty());
        let total: usize = idle.values().map(Vec::len).sum();
        let waiting = idle.entry((host, bundle)).or_default();
        if total < IDLE && waiting.len() < IDLE_PER_HOST {
            waiting.push(Idle { connection, since: Instant::now() });
        }
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// With the words of the real server.
    pub(super) async fn open(&self, host: &Host, bundle: Option<&Arc<[u8]>>) -> Result<Connection, String> {
        let config = self.configuration(bundle)?;
        let name = ServerName::try_from(host.server_name.clone())
            .map_err(|_| format!("dial tcp: lookup {}: no such host", host.dial))?;
        let stream = dial(host).await?;
        let stream = TlsConnector::from(config)
            .connect(name, stream)
            .await
            .map_err(|error| tls::explain(&error, &host.server_name))?;
        let (sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
        let driver = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error = &error as &dyn std::error::Error, "connection to a webhook ended");
            }
        });
        Ok(Connection { sender, driver: AbortOnDropHandle::new(driver), reused: false })
    }

    fn configuration(&self, bundle: Option<&Arc<[u8]>>) -> Result<Arc<rustls::ClientConfig>, String> {
        let key = bundle.cloned();
        if let Some(config) = self.configurations.lock().get(&key) {
            return Ok(config.clone());
        }
        let config = Arc::new(tls::configure(bundle.map(AsRef::as_ref))?);
        let mut configurations = self.configurations.lock();
        if configurations.len() >= CONFIGURATIONS {
            configurations.clear();
        }
        configurations.insert(key, config.clone());
        Ok(config)
    }
}

async fn dial(host: &Host) -> Result<TcpStream, String> {
    let addresses = tokio::net::lookup_host((host.dial.as_str(), host.port))
        .await
        .map_err(|_| format!("dial tcp: lookup {}: no such host", host.dial))?;
    let mut last = format!("dial tcp: lookup {}: no such host", host.dial);
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // Reviews are small and wait for their answers.
                stream.set_nodelay(true).ok();
                return Ok(stream);
            }
            Err(error) => last = format!("dial tcp {address}: connect: {}", connect_problem(&error)),
        }
    }
    Err(last)
}

fn connect_problem(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        std::io::ErrorKind::HostUnreachable => "no route to host".to_owned(),
        std::io::ErrorKind::NetworkUnreachable => "network is unreachable".to_owned(),
        std::io::ErrorKind::TimedOut => "connection timed out".to_owned(),
        _ => error.to_string(),
    }
}
