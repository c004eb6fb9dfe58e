//! `clusters/NAME/proxy` of an embedded control plane.

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::StatusCode;
use karmada_apiserver::http::{Body, Connect, ConnectTarget, Connection, Failure, Response};
use karmada_controllers::cluster_proxy::{Caller, ClusterProxy, ProxyError, proxy_body};

use crate::error::chain_line;

const GROUP: &str = "cluster.karmada.io";
const PLURAL: &str = "clusters";

/// Answers `clusters/NAME/proxy/...` by what the member says.
#[derive(Debug)]
pub(crate) struct ClusterProxyRoute {
    target: ConnectTarget,
    proxy: Arc<ClusterProxy>,
}

impl ClusterProxyRoute {
    pub(crate) fn new(proxy: Arc<ClusterProxy>) -> Self {
        let verbs = ["create", "delete", "get", "patch", "update"];
        let target = ConnectTarget {
            group: GROUP.to_owned(),
            resource: PLURAL.to_owned(),
            subresource: "proxy".to_owned(),
            kind: "ClusterProxyOptions".to_owned(),
            verbs: verbs.map(str::to_owned).to_vec(),
        };
        Self { target, proxy }
    }
}

impl Connect for ClusterProxyRoute {
    fn target(&self) -> &ConnectTarget {
        &self.target
    }

    fn connect(&self, connection: Connection) -> BoxFuture<'_, Result<Response, Failure>> {
        async move {
            let Connection { user, name, rest, request, lasting, .. } = connection;
            let caller = Caller { user: user.name, groups: user.groups };
            let forwarded = self
                .proxy
                .forward(&caller, &name, &rest, request.map(proxy_body))
                .await
                .map_err(|error| proxy_failure(&error, &name))?;
            if let Some(tunnel) = forwarded.tunnel {
                lasting.spawn(tunnel.run());
            }
            Ok(forwarded.response.map(Body::new))
        }
        .boxed()
    }
}

/// Words a request that got no answer of a member.
pub(crate) fn proxy_failure(error: &ProxyError, cluster: &str) -> Failure {
    let message = chain_line(error);
    match error.status() {
        StatusCode::NOT_FOUND => Failure::not_found(GROUP, PLURAL, cluster),
        StatusCode::BAD_REQUEST => Failure::bad_request(message),
        StatusCode::SERVICE_UNAVAILABLE => Failure::unavailable(message),
        code @ StatusCode::PAYLOAD_TOO_LARGE => Failure { code, message, ..Failure::too_large(0) },
        StatusCode::GATEWAY_TIMEOUT => Failure { message, ..Failure::timed_out() },
        _ => {
            tracing::error!(cluster, message, "a request to a member failed");
            Failure::internal(format!("the way to cluster {cluster} is not known"))
        }
    }
}
