//! One request, from the caller to the member and back.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use http::header::{CONNECTION, HeaderValue, UPGRADE};
use http::uri::{InvalidUri, PathAndQuery};
use http::{Request, Response, StatusCode, Uri};
use hyper::upgrade::OnUpgrade;
use kube::Client;
use parking_lot::{Mutex, RwLock};

use super::destination::{self, Destination, DestinationError};
use super::headers::{self, Caller, UnusableName};
use super::transport::{ProxyBody, Transport, TransportError};
use super::tunnel::Tunnel;
use crate::hub::chain;
use crate::members::Connector;

/// How long a member may take until it starts to answer, if it does not have to wait for news.
const PATIENCE: Duration = Duration::from_secs(65);
/// Queries that wait for news.
const LASTING: [&str; 2] = ["watch", "follow"];

/// The way through the control plane to its members.
#[derive(Default)]
pub struct ClusterProxy {
    /// Reads clusters and their secrets. None before the start and after the end.
    control_plane: RwLock<Option<Client>>,
    connector: Connector,
    transports: Mutex<BTreeMap<String, (Destination, Transport)>>,
}

impl fmt::Debug for ClusterProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterProxy").field("connector", &self.connector).finish_non_exhaustive()
    }
}

/// What a member answered.
#[derive(Debug)]
pub struct Forwarded {
    pub response: Response<ProxyBody>,
    /// The connection that the answer has made of the caller's, to be run.
    pub tunnel: Option<Tunnel>,
}

/// Why a request did not get to a member, or no answer came.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    #[error("the control plane is not running")]
    NotRunning,
    #[error(transparent)]
    Destination(#[from] DestinationError),
    #[error(transparent)]
    Transport(#[from] TransportError),
    #[error(transparent)]
    Caller(#[from] UnusableName),
    #[error("the path cannot be part of a URL")]
    Path {
        #[source]
        source: InvalidUri,
    },
    #[error("the address of the member cannot be used")]
    Url,
    #[error("the body of the request cannot be read")]
    Body {
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    #[error("the body of the request is too large")]
    TooLarge,
    #[error("error trying to reach service: {0}")]
    Unreachable(String),
    #[error("error trying to reach service: no answer within {} s", PATIENCE.as_secs())]
    Timeout,
}

impl ProxyError {
    pub(super) fn unreachable(error: impl Error + 'static) -> Self {
        Self::Unreachable(chain(&error))
    }

    /// Returns the status of an answer that tells this.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Destination(DestinationError::Unknown { .. }) => StatusCode::NOT_FOUND,
            Self::Path { .. } | Self::Body { .. } | Self::Caller(_) => StatusCode::BAD_REQUEST,
            Self::Destination(DestinationError::Lookup { .. }) | Self::Url => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
            Self::NotRunning | Self::Destination(_) | Self::Transport(_) | Self::Unreachable(_) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Timeout => StatusCode::GATEWAY_TIMEOUT,
        }
    }
}

impl ClusterProxy {
    /// Makes a proxy that reaches members as `connector` does. It needs a control plane to work.
    pub fn new(connector: Connector) -> Self {
        Self { connector, ..Self::default() }
    }

    /// Tells where clusters and secrets are read from now on; None ends that.
    pub fn set_control_plane(&self, client: Option<Client>) {
        *self.control_plane.write() = client;
    }

    /// Sends a request to a member in the name of a caller.
    ///
    /// `path` is that of the member's API, from a slash on; the query is that of the request.
    ///
    /// # Errors
    /// When the request cannot be sent or is not answered. What the member says, also when it refuses, is an answer.
    pub async fn forward(
        &self,
        caller: &Caller,
        cluster: &str,
        path: &str,
        mut request: Request<ProxyBody>,
    ) -> Result<Forwarded, ProxyError> {
        let client = self.control_plane.read().clone().ok_or(ProxyError::NotRunning)?;
        let destination = destination::resolve(&client, cluster).await?;
        let mut headers = headers::request_headers(request.headers(), caller, &destination.endpoint.token)?;
        let transport = self.transport(cluster, destination)?;
        let upgrade = headers::upgrade(request.headers());
        let client_side = upgrade.as_ref().map(|_| hyper::upgrade::on(&mut request));
        let (parts, body) = request.into_parts();
        let mut outgoing = Request::new(ProxyBody::default());
        *outgoing.uri_mut() = member_path(path, parts.uri.query())?;
        *outgoing.method_mut() = parts.method;
        if let (Some(protocol), Some(client_side)) = (upgrade, client_side) {
            headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
            headers.insert(UPGRADE, protocol);
            *outgoing.headers_mut() = headers;
            let answer = in_time(transport.send_over_network(outgoing)).await?;
            return Ok(tunnelled(answer, client_side));
        }
        *outgoing.headers_mut() = headers;
        *outgoing.body_mut() = body;
        let lasts = is_lasting(outgoing.uri().query());
        let answering = transport.send(outgoing);
        let mut response = if lasts { answering.await? } else { in_time(answering).await? };
        *response.headers_mut() = headers::end_to_end(response.headers());
        Ok(Forwarded { response, tunnel: None })
    }

    /// Returns the way to a member, the one of last time where nothing has changed.
    fn transport(&self, cluster: &str, destination: Destination) -> Result<Transport, ProxyError> {
        if let Some((known, transport)) = self.transports.lock().get(cluster)
            && *known == destination
        {
            return Ok(transport.clone());
        }
        let transport = Transport::new(&self.connector, &destination)?;
        self.transports.lock().insert(cluster.to_owned(), (destination, transport.clone()));
        Ok(transport)
    }
}

async fn in_time<T>(answering: impl Future<Output = Result<T, ProxyError>>) -> Result<T, ProxyError> {
    tokio::time::timeout(PATIENCE, answering).await.unwrap_or(Err(ProxyError::Timeout))
}

/// Joins the caller's connection with the member's, if the member changed it.
fn tunnelled(mut response: Response<ProxyBody>, client: OnUpgrade) -> Forwarded {
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        *response.headers_mut() = headers::end_to_end(response.headers());
        return Forwarded { response, tunnel: None };
    }
    let member = hyper::upgrade::on(&mut response);
    let protocol = response.headers().get(UPGRADE).cloned();
    let mut headers = headers::end_to_end(response.headers());
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    if let Some(protocol) = protocol {
        headers.insert(UPGRADE, protocol);
    }
    *response.headers_mut() = headers;
    *response.body_mut() = ProxyBody::default();
    Forwarded { response, tunnel: Some(Tunnel::new(client, member)) }
}

fn is_lasting(query: Option<&str>) -> bool {
    query.unwrap_or_default().split('&').any(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        LASTING.contains(&name) && matches!(value, "true" | "1" | "")
    })
}

fn member_path(path: &str, query: Option<&str>) -> Result<Uri, ProxyError> {
    let path = if path.starts_with('/') { path } else { "/" };
    let text = query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    let path: PathAndQuery = text.parse().map_err(|source| ProxyError::Path { source })?;
    Ok(Uri::from(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_queries_go_on_as_they_are() {
        let check = |path: &str, query: Option<&str>, expected: &str| {
            assert_eq!(member_path(path, query).unwrap().to_string(), expected);
        };
        check(
            "/api/v1/x%2Fy/",
            Some("watch=true&fieldSelector=a%3Db"),
            "/api/v1/x%2Fy/?watch=true&fieldSelector=a%3Db",
        );
        check("", None, "/");
        assert!(is_lasting(Some("a=1&follow=true")) && !is_lasting(Some("watch=false")) && !is_lasting(None));
    }

    #[tokio::test]
    async fn without_a_control_plane_nothing_is_sent() {
        let proxy = ClusterProxy::new(Connector::new());
        let request = Request::new(ProxyBody::default());
        let error = proxy.forward(&Caller::default(), "m1", "/version", request).await.unwrap_err();
        assert_eq!(
            (error.status(), error.to_string().as_str()),
            (StatusCode::SERVICE_UNAVAILABLE, "the control plane is not running")
        );
    }
}
