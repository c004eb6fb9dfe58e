//! The way in: who calls, whether he may, and what is asked.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::{HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use karmada_apiserver::UserInfo;
use karmada_apiserver::http::Failure;
use karmada_controllers::cluster_proxy::{Caller, ClusterProxy, proxy_body};
use karmada_controllers::members::Connector;
use karmada_controllers::metrics::Metrics;
use karmada_core::api::FeatureGates;

use super::authentication::Authentication;
use super::authorization::{Action, Authorization};
use super::clusters::{Asked, Clusters};
use super::documents::{Documents, ROOT};
use super::storage::{Storage, StorageError};
use crate::components::https::{Answer, PeerChain};
use crate::embedded::proxy_failure;
use crate::error::chain_line;

/// Largest body of a request, as API servers have it.
const LARGEST_BODY: usize = 3 << 20;
/// How long a client may take to send a body.
const BODY_TIME: Duration = Duration::from_mins(1);
/// How long to wait until the kind as which Clusters are kept is served.
const INSTALL_TIME: Duration = Duration::from_mins(1);
const HEALTH: [&str; 3] = ["/healthz", "/livez", "/readyz"];
const METRICS: &str = "/metrics";
/// Methods of requests for members, with the verb that stands for each.
const VERBS: [(Method, &str); 7] = [
    (Method::GET, "get"),
    (Method::HEAD, "get"),
    (Method::OPTIONS, "get"),
    (Method::POST, "create"),
    (Method::PUT, "update"),
    (Method::PATCH, "patch"),
    (Method::DELETE, "delete"),
];

/// A server that did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Serves Clusters behind an API server.
pub struct AggregatedServer {
    authentication: Arc<Authentication>,
    authorization: Authorization,
    documents: Documents,
    clusters: Clusters,
    proxy: ClusterProxy,
    metrics: Metrics,
}

impl std::fmt::Debug for AggregatedServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AggregatedServer").field("proxy", &self.proxy).finish_non_exhaustive()
    }
}

/// What a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Target<'a> {
    Document,
    Clusters {
        name: &'a str,
        subresource: &'static str,
    },
    /// A member's API, with the path there.
    Member {
        name: &'a str,
        rest: &'a str,
    },
}

impl AggregatedServer {
    /// Prepares the API server to keep Clusters.
    ///
    /// # Errors
    /// When it does not take the kind, or the documents cannot be made.
    pub async fn start(
        client: kube::Client,
        authentication: Arc<Authentication>,
        gates: FeatureGates,
        metrics: Metrics,
    ) -> Result<Arc<Self>, StartError> {
        let storage = Storage::new(client.clone());
        storage.install(INSTALL_TIME).await?;
        let documents = Documents::load();
        let clusters = Clusters::new(storage, gates);
        let proxy = ClusterProxy::new(Connector::new());
        proxy.set_control_plane(Some(short_cut(client.clone(), clusters.clone())));
        let authorization = Authorization::new(client);
        Ok(Arc::new(Self { authentication, authorization, documents, clusters, proxy, metrics }))
    }

    async fn respond(&self, peer: PeerChain, request: Request<Incoming>) -> Response<Body> {
        let result = self.route(&peer, request).await;
        result.unwrap_or_else(|failure| refuse(&failure))
    }

    async fn route(&self, peer: &PeerChain, request: Request<Incoming>) -> Result<Response<Body>, Failure> {
        let path = request.uri().path().to_owned();
        if HEALTH.iter().any(|health| path.starts_with(health) && is_end(&path[health.len()..])) {
            return Ok("ok".into_response());
        }
        let user = self.authentication.caller(peer, request.headers()).await?;
        if request.headers().keys().any(|name| name.as_str().starts_with("impersonate-")) {
            let what = "acting as somebody else goes by the API server in front";
            return Err(Failure::forbidden("", "", "", what));
        }
        if path == METRICS {
            self.authorization.check(&user, &Action::Document { path: &path }).await?;
            return self.metrics();
        }
        match target(&path, &self.documents)? {
            Target::Document => {
                self.authorization.check(&user, &Action::Document { path: &path }).await?;
                if request.method() != Method::GET && request.method() != Method::HEAD {
                    return Err(Failure::method_not_allowed());
                }
                self.documents.answer(path.trim_end_matches('/'), request.headers())
            }
            Target::Member { name, rest } => {
                let verb = VERBS.iter().find(|(method, _)| method == request.method());
                let verb = verb.map(|(_, verb)| *verb).ok_or_else(Failure::method_not_allowed)?;
                let action = Action::Clusters { verb, name, subresource: "proxy" };
                self.authorization.check(&user, &action).await?;
                self.forward(user, name, rest, request).await
            }
            Target::Clusters { name, subresource } => {
                let query = request.uri().query().unwrap_or_default();
                let verb = verb(request.method(), name, subresource, query)
                    .ok_or_else(Failure::method_not_allowed)?;
                self.authorization.check(&user, &Action::Clusters { verb, name, subresource }).await?;
                let asked = asked(name, subresource, request).await?;
                match verb {
                    "create" => self.clusters.create(&asked).await,
                    "update" => self.clusters.update(&asked).await,
                    "patch" => self.clusters.patch(&asked).await,
                    "delete" | "deletecollection" => self.clusters.delete(&asked).await,
                    _ => self.clusters.get(&asked).await,
                }
            }
        }
    }

    fn metrics(&self) -> Result<Response<Body>, Failure> {
        let page = self.metrics.page().map_err(|error| Failure::internal(error.to_string()))?;
        Ok(([(header::CONTENT_TYPE, page.content_type)], page.text).into_response())
    }

    async fn forward(
        &self,
        user: UserInfo,
        name: &str,
        rest: &str,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Failure> {
        let caller = Caller { user: user.name, groups: user.groups };
        let forwarded = self.proxy.forward(&caller, name, rest, request.map(proxy_body)).await;
        let forwarded = forwarded.map_err(|error| proxy_failure(&error, name))?;
        if let Some(tunnel) = forwarded.tunnel {
            tokio::spawn(tunnel.run());
        }
        Ok(forwarded.response.map(Body::new))
    }
}

impl Answer for AggregatedServer {
    fn answer(
        self: Arc<Self>,
        peer: PeerChain,
        request: Request<Incoming>,
    ) -> BoxFuture<'static, Response<Body>> {
        async move { self.respond(peer, request).await }.boxed()
    }
}

/// Returns a client that reads Clusters where they are kept, and everything else as `client` does.
///
/// The way through the API server in front would lead back here.
fn short_cut(client: kube::Client, clusters: Clusters) -> kube::Client {
    let namespace = client.default_namespace().to_owned();
    let service = tower::service_fn(move |request: Request<kube::client::Body>| {
        let (client, clusters) = (client.clone(), clusters.clone());
        async move {
            let prefix = format!("{ROOT}/clusters/");
            let name = request.uri().path().strip_prefix(&prefix).map(str::to_owned);
            let Some(name) = name.filter(|name| is_name(name)) else { return client.send(request).await };
            let response = match clusters.find(&name).await {
                Ok(Some(cluster)) => (StatusCode::OK, cluster),
                Ok(None) => {
                    let failure = Failure::not_found("cluster.karmada.io", "clusters", &name);
                    (failure.code, failure.status())
                }
                Err(failure) => (failure.code, failure.status()),
            };
            let mut answer =
                http::Response::new(kube::client::Body::from(response.1.to_string().into_bytes()));
            *answer.status_mut() = response.0;
            Ok::<_, kube::Error>(answer)
        }
    });
    kube::Client::new(service, namespace)
}

fn is_end(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('/')
}

/// Finds out what a path names.
///
/// Names are part of the path of another request: nothing that is no name may get there.
fn target<'a>(path: &'a str, documents: &Documents) -> Result<Target<'a>, Failure> {
    if documents.has(path.trim_end_matches('/')) {
        return Ok(Target::Document);
    }
    let rest = path
        .strip_prefix(ROOT)
        .and_then(|rest| rest.strip_prefix("/clusters"))
        .ok_or_else(Failure::no_such_path)?;
    if rest.is_empty() || rest == "/" {
        return Ok(Target::Clusters { name: "", subresource: "" });
    }
    let rest = rest.strip_prefix('/').ok_or_else(Failure::no_such_path)?;
    let (name, below) = match rest.find('/') {
        Some(slash) => rest.split_at(slash),
        None => (rest, ""),
    };
    if !is_name(name) {
        return Err(Failure::not_found("cluster.karmada.io", "clusters", name));
    }
    match below {
        "" | "/" => Ok(Target::Clusters { name, subresource: "" }),
        "/status" => Ok(Target::Clusters { name, subresource: "status" }),
        _ => match below.strip_prefix("/proxy") {
            Some(rest) if is_end(rest) => Ok(Target::Member { name, rest }),
            _ => Err(Failure::no_such_resource()),
        },
    }
}

fn is_name(text: &str) -> bool {
    let is_letter =
        |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit() || b"-.".contains(&letter);
    !text.is_empty() && text.len() <= 253 && text.bytes().all(is_letter) && !text.starts_with('.')
}

/// Returns the verb that a request is, none for those that there are not.
fn verb(method: &Method, name: &str, subresource: &str, query: &str) -> Option<&'static str> {
    let is_watch = query.split('&').any(|pair| matches!(pair, "watch" | "watch=" | "watch=true" | "watch=1"));
    let is_status = !subresource.is_empty();
    Some(match (method.as_str(), name.is_empty()) {
        ("GET" | "HEAD", true) if is_watch => "watch",
        ("GET" | "HEAD", true) => "list",
        ("GET" | "HEAD", false) => "get",
        ("POST", true) => "create",
        ("PUT", false) => "update",
        ("PATCH", false) => "patch",
        ("DELETE", false) if !is_status => "delete",
        ("DELETE", true) => "deletecollection",
        _ => return None,
    })
}

async fn asked(name: &str, subresource: &'static str, request: Request<Incoming>) -> Result<Asked, Failure> {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let (parts, body) = request.into_parts();
    let body = tokio::time::timeout(BODY_TIME, Limited::new(body, LARGEST_BODY).collect()).await;
    let body = match body.map_err(|_| Failure::timed_out())? {
        Ok(body) => body.to_bytes().to_vec(),
        Err(error) if error.is::<LengthLimitError>() => return Err(Failure::too_large(LARGEST_BODY)),
        Err(error) => return Err(Failure::bad_request(chain_line(&*error))),
    };
    Ok(Asked { name: name.to_owned(), subresource, query, headers: parts.headers, body })
}

fn refuse(failure: &Failure) -> Response<Body> {
    if failure.plain {
        return (failure.code, failure.message.clone()).into_response();
    }
    let content_type = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    let mut response = (failure.code, content_type, failure.status().to_string()).into_response();
    if let Some(seconds) = failure.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn paths_name_clusters_members_and_documents_and_nothing_else() {
        let documents = Documents::load();
        let found = |path: &str| match target(path, &documents) {
            Ok(target) => format!("{target:?}"),
            Err(failure) => failure.code.as_u16().to_string(),
        };
        assert_eq!(found(ROOT), "Document");
        assert_eq!(found("/apis/"), "Document");
        assert_eq!(found(&format!("{ROOT}/clusters")), "Clusters { name: \"\", subresource: \"\" }");
        assert_eq!(
            found(&format!("{ROOT}/clusters/m1/status")),
            "Clusters { name: \"m1\", subresource: \"status\" }"
        );
        assert_eq!(
            found(&format!("{ROOT}/clusters/m1/proxy/api/v1")),
            "Member { name: \"m1\", rest: \"/api/v1\" }"
        );
        assert_eq!(found(&format!("{ROOT}/clusters/m1/proxy")), "Member { name: \"m1\", rest: \"\" }");
        for path in [
            "/",
            "/api",
            "/apis/apps/v1",
            &format!("{ROOT}/clusters/.."),
            &format!("{ROOT}/clusters/..%2f..%2fapi"),
            &format!("{ROOT}/clusters/m1/proxyx"),
            &format!("{ROOT}/clustersx"),
            &format!("{ROOT}/clusters/m1/scale"),
            &format!("{ROOT}/clusters//"),
        ] {
            assert_eq!(found(path), "404", "{path}");
        }
    }

    #[test]
    fn methods_are_verbs_where_they_make_sense() {
        assert_eq!(verb(&Method::GET, "", "", "watch=true"), Some("watch"));
        assert_eq!(verb(&Method::GET, "", "", "watch=false"), Some("list"));
        assert_eq!(verb(&Method::DELETE, "", "", ""), Some("deletecollection"));
        assert_eq!(verb(&Method::DELETE, "m1", "status", ""), None);
        assert_eq!(verb(&Method::POST, "m1", "", ""), None);
        assert_eq!(verb(&Method::TRACE, "m1", "", ""), None);
    }
}
