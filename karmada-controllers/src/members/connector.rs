//! How a member cluster is reached: HTTPS, or in process for members embedded in this program.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use kube::client::ConfigExt as _;
use kube::{Client, Config};
use parking_lot::RwLock;

use super::bounds::bounded;
use crate::dial::{Dial, DialError, client_through};
use crate::hub::{ClientSettings, Rate, shape};
use crate::tenure::Fence;

/// Longest time to establish a connection to a member.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Where a member's API server is and how to authenticate there.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Base URL of the API server.
    pub url: String,
    /// Bearer token.
    pub token: String,
    /// PEM certificates that sign the server's certificate; empty: the system's roots.
    pub ca_bundle: Vec<u8>,
    pub verification: Verification,
    /// Proxy to go through.
    pub proxy_url: Option<String>,
    /// Headers for that proxy.
    pub proxy_headers: BTreeMap<String, String>,
}

/// Whether the member's certificate is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verification {
    Full,
    /// `spec.insecureSkipTLSVerification` of the Cluster.
    Skip,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The token is a secret.
        f.debug_struct("Endpoint")
            .field("url", &self.url)
            .field("verification", &self.verification)
            .finish_non_exhaustive()
    }
}

/// Why no client could be made for a member.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("API endpoint {url:?} is not a URL")]
    Url {
        url: String,
        #[source]
        source: http::uri::InvalidUri,
    },
    #[error("CA bundle of {url} holds no readable PEM certificate")]
    CaBundle { url: String },
    #[error(transparent)]
    Proxy(#[from] DialError),
    #[error("failed to build a client for {url}")]
    Client {
        url: String,
        #[source]
        source: Box<kube::Error>,
    },
}

/// Makes a client of an embedded member that authenticates with a bearer token.
pub type InProcessClient = Arc<dyn Fn(&str) -> Client + Send + Sync>;

/// How member clusters are reached.
#[derive(Clone)]
pub struct Connector {
    program: &'static str,
    rate: Option<Rate>,
    fence: Option<Fence>,
    in_process: Arc<RwLock<BTreeMap<String, InProcessClient>>>,
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let urls: Vec<String> = self.in_process.read().keys().cloned().collect();
        f.debug_struct("Connector")
            .field("program", &self.program)
            .field("rate", &self.rate)
            .field("fence", &self.fence.is_some())
            .field("in_process", &urls)
            .finish()
    }
}

impl Default for Connector {
    fn default() -> Self {
        Self { program: "karmada-controller-manager", rate: None, fence: None, in_process: Arc::default() }
    }
}

impl Connector {
    /// Reaches every member by HTTPS.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reaches the member at `url` in process.
    ///
    /// Only the transport is replaced: the member still authenticates the token.
    pub fn add_in_process(&self, url: &str, client: InProcessClient) {
        self.in_process.write().insert(url.trim_end_matches('/').to_string(), client);
    }

    /// Calls members under the name of another program than the controller manager.
    pub fn with_program(self, program: &'static str) -> Self {
        Self { program, ..self }
    }

    /// Keeps the calls of each member to a rate.
    pub fn with_rate(mut self, rate: Option<Rate>) -> Self {
        self.rate = rate.or(self.rate);
        self
    }

    /// Lets writes to members pass a fence only.
    pub fn with_fence(mut self, fence: Option<Fence>) -> Self {
        self.fence = fence.or(self.fence);
        self
    }

    /// Makes a client for a member. No request is sent.
    ///
    /// # Errors
    /// When the endpoint is unusable: bad URL, bad certificates, unsupported proxy.
    pub fn connect(&self, endpoint: &Endpoint) -> Result<Client, ConnectError> {
        let client = self.connect_unlimited(endpoint)?;
        Ok(shape(client, self.settings()))
    }

    fn settings(&self) -> ClientSettings {
        let (rate, fence) = (self.rate, self.fence.clone());
        ClientSettings { program: Some(self.program), rate, fence, ..ClientSettings::default() }
    }

    fn connect_unlimited(&self, endpoint: &Endpoint) -> Result<Client, ConnectError> {
        if let Some(client) = self.in_process.read().get(endpoint.url.trim_end_matches('/')) {
            return Ok(client(&endpoint.token));
        }
        let mut config = endpoint.config()?;
        // The queues try again, and know for whom; a retry in here would only look like a member that hangs.
        config.default_retry = false;
        let client = if endpoint.proxy_url.is_some() || self.fence.is_some() {
            let dial = endpoint.dial(&config)?.with_fence(self.fence.clone());
            client_through(&config, dial)
        } else {
            Client::try_from(config)
        };
        client.map(bounded).map_err(|source| endpoint.unusable(source))
    }

    /// Makes a client for the member at `url` if it is reached in process.
    pub fn in_process_client(&self, url: &str, token: &str) -> Option<Client> {
        self.in_process.read().get(url.trim_end_matches('/')).map(|client| client(token))
    }
}

impl Endpoint {
    /// Returns how connections are opened: through the proxy if there is one.
    pub(crate) fn dial(&self, config: &Config) -> Result<Dial, ConnectError> {
        let tls = config.rustls_client_config().map_err(|source| self.unusable(source))?;
        Ok(Dial::new(self.proxy_url.as_deref(), &self.proxy_headers, &Arc::new(tls))?)
    }

    fn unusable(&self, source: kube::Error) -> ConnectError {
        ConnectError::Client { url: self.url.clone(), source: Box::new(source) }
    }

    /// Returns how a client gets there, but for the proxy on the way.
    pub(crate) fn config(&self) -> Result<Config, ConnectError> {
        let url: Uri =
            self.url.parse().map_err(|source| ConnectError::Url { url: self.url.clone(), source })?;
        let mut config = Config::new(url);
        config.connect_timeout = Some(CONNECT_TIMEOUT);
        config.auth_info.token = Some(self.token.clone().into());
        config.accept_invalid_certs = self.verification == Verification::Skip;
        if !self.ca_bundle.is_empty() && !config.accept_invalid_certs {
            let certificates = pem_certificates(&self.ca_bundle)
                .ok_or_else(|| ConnectError::CaBundle { url: self.url.clone() })?;
            config.root_cert = Some(certificates);
        }
        Ok(config)
    }
}

/// Returns the DER certificates of a PEM bundle, or `None` if it holds none or is damaged.
pub(crate) fn pem_certificates(pem: &[u8]) -> Option<Vec<Vec<u8>>> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let text = std::str::from_utf8(pem).ok()?;
    let mut certificates = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(BEGIN) {
        let body = &rest[start + BEGIN.len()..];
        let end = body.find(END)?;
        let encoded: String = body[..end].chars().filter(|c| !c.is_ascii_whitespace()).collect();
        certificates.push(STANDARD.decode(encoded).ok()?);
        rest = &body[end + END.len()..];
    }
    (!certificates.is_empty()).then_some(certificates)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(url: &str) -> Endpoint {
        Endpoint {
            url: url.into(),
            token: "secret-token".into(),
            ca_bundle: Vec::new(),
            verification: Verification::Full,
            proxy_url: None,
            proxy_headers: BTreeMap::new(),
        }
    }

    #[test]
    fn reads_every_certificate_of_a_bundle() {
        let pem = b"# comment\n-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\nBA==\n-----END CERTIFICATE-----\n";
        assert_eq!(pem_certificates(pem), Some(vec![vec![1, 2, 3], vec![4]]));
        assert_eq!(pem_certificates(b"no certificate"), None);
    }

    #[test]
    fn never_prints_the_token() {
        assert!(!format!("{:?}", endpoint("https://127.0.0.1:1")).contains("secret-token"));
    }

    #[tokio::test]
    async fn names_the_endpoint_that_cannot_be_used() {
        let error = Connector::new().connect(&endpoint("not a url")).err().unwrap();
        assert_eq!(error.to_string(), "API endpoint \"not a url\" is not a URL");
        let error = Connector::new()
            .connect(&Endpoint { ca_bundle: b"junk".to_vec(), ..endpoint("https://127.0.0.1:1") })
            .err()
            .unwrap();
        assert_eq!(error.to_string(), "CA bundle of https://127.0.0.1:1 holds no readable PEM certificate");
    }
}
