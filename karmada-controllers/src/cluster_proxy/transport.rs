//! Sending requests to a member, over TLS or in process.

use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::uri::PathAndQuery;
use http::{Request, Response, Uri};
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use hyper_util::client::legacy;
use hyper_util::rt::TokioExecutor;
use kube::Client;
use kube::client::ConfigExt as _;

use super::destination::Destination;
use super::proxy::ProxyError;
use crate::members::{ConnectError, Connector};

/// The body of a request or an answer on its way.
pub type ProxyBody = UnsyncBoxBody<Bytes, Box<dyn Error + Send + Sync>>;

/// Makes a body of any kind one that can be passed on.
pub fn proxy_body<B>(body: B) -> ProxyBody
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    body.map_err(Into::into).boxed_unsync()
}

/// Largest body for a member in this process; its API takes no larger ones.
const IN_PROCESS_BODY: usize = 16 << 20;

type Answering = BoxFuture<'static, Result<Response<ProxyBody>, ProxyError>>;
type SendOverNetwork = Arc<dyn Fn(Request<ProxyBody>) -> Answering + Send + Sync>;

/// The way to one member. Connections are kept and used again.
#[derive(Clone)]
pub(super) struct Transport {
    base: Uri,
    over_network: SendOverNetwork,
    in_process: Option<Client>,
}

/// Why there can be no connection to a member, whatever is sent.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    #[error(transparent)]
    Endpoint(#[from] ConnectError),
}

impl Transport {
    /// Makes a way to a member. Nothing is sent.
    pub(super) fn new(connector: &Connector, destination: &Destination) -> Result<Self, TransportError> {
        let endpoint = &destination.endpoint;
        let mut config = endpoint.config()?;
        // Headers carry the token: it is another one soon, and connections stay.
        config.auth_info.token = None;
        let dial = endpoint.dial(&config)?;
        let https = config
            .rustls_https_connector_with_connector(dial)
            .map_err(|source| ConnectError::Client { url: endpoint.url.clone(), source: Box::new(source) })?;
        let client: legacy::Client<_, ProxyBody> = legacy::Client::builder(TokioExecutor::new()).build(https);
        let over_network: SendOverNetwork = Arc::new(move |request| {
            let answer = client.request(request);
            Box::pin(async move {
                let answer = answer.await.map_err(ProxyError::unreachable)?;
                Ok(answer.map(|body| body.map_err(Into::into).boxed_unsync()))
            })
        });
        Ok(Self {
            base: config.cluster_url,
            over_network,
            in_process: connector.in_process_client(&endpoint.url, &endpoint.token),
        })
    }

    /// Sends a request whose URI is a path of the member's API.
    pub(super) async fn send(&self, request: Request<ProxyBody>) -> Result<Response<ProxyBody>, ProxyError> {
        let Some(client) = &self.in_process else { return self.send_over_network(request).await };
        let (parts, body) = request.into_parts();
        let body = collect(body).await?;
        let answer = client
            .send(Request::from_parts(parts, kube::client::Body::from(body)))
            .await
            .map_err(ProxyError::unreachable)?;
        Ok(answer.map(|body| body.map_err(Into::into).boxed_unsync()))
    }

    /// Sends a request by a connection that can become another one.
    pub(super) async fn send_over_network(
        &self,
        request: Request<ProxyBody>,
    ) -> Result<Response<ProxyBody>, ProxyError> {
        let (mut parts, body) = request.into_parts();
        parts.uri = self.absolute(&parts.uri)?;
        (self.over_network)(Request::from_parts(parts, body)).await
    }

    fn absolute(&self, path: &Uri) -> Result<Uri, ProxyError> {
        let before = self.base.path().trim_end_matches('/');
        let path = path.path_and_query().map_or("/", PathAndQuery::as_str);
        let mut parts = self.base.clone().into_parts();
        parts.path_and_query =
            Some(format!("{before}{path}").parse().map_err(|source| ProxyError::Path { source })?);
        Uri::from_parts(parts).map_err(|_| ProxyError::Url)
    }
}

async fn collect(mut body: ProxyBody) -> Result<Vec<u8>, ProxyError> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|source| ProxyError::Body { source })?.into_data() else { continue };
        if bytes.len() + data.len() > IN_PROCESS_BODY {
            return Err(ProxyError::TooLarge);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}
