//! A get without a network: the router is called in this process.

use std::time::{Duration, Instant};

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt as _;
use k8s_openapi::api::apps::v1::Deployment;
use karmada_apiserver::auth::UserInfo;
use karmada_apiserver::{ApiServer, ServerConfig};
use kube::Api;
use kube::api::{DynamicObject, PostParams};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::load::deployment;

const NAMESPACE: &str = "default";
const GETS: u32 = 20_000;
/// Runs of each case; the fastest counts.
const RUNS: usize = 5;

/// What one get takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InProcess {
    /// The bytes of the answer.
    pub(crate) bytes: Duration,
    /// A value of the answer, by a client.
    pub(crate) typed: Duration,
}

pub(crate) async fn measure() -> anyhow::Result<InProcess> {
    let server = ApiServer::start(ServerConfig::default()).await?;
    let client = server.client(UserInfo::admin());
    let resource = kube::api::ApiResource::erase::<Deployment>(&());
    let objects: Api<DynamicObject> = Api::namespaced_with(client.clone(), NAMESPACE, &resource);
    let object: DynamicObject = serde_json::from_value(deployment(NAMESPACE, 0))?;
    create_namespace(&client).await?;
    objects.create(&PostParams::default(), &object).await?;

    let mut bytes = Duration::MAX;
    let router = server.router_as(UserInfo::admin());
    for _ in 0..RUNS {
        let start = Instant::now();
        for _ in 0..GETS {
            let path = format!("/apis/apps/v1/namespaces/{NAMESPACE}/deployments/web-00000");
            let response = router.clone().oneshot(Request::get(path).body(Body::empty())?).await?;
            anyhow::ensure!(response.status().is_success(), "a get was answered with {}", response.status());
            response.into_body().collect().await?;
        }
        bytes = bytes.min(start.elapsed() / GETS);
    }
    let mut typed = Duration::MAX;
    let deployments: Api<Deployment> = Api::namespaced(client, NAMESPACE);
    for _ in 0..RUNS {
        let start = Instant::now();
        for _ in 0..GETS {
            deployments.get("web-00000").await?;
        }
        typed = typed.min(start.elapsed() / GETS);
    }
    server.shutdown().await;
    Ok(InProcess { bytes, typed })
}

async fn create_namespace(client: &kube::Client) -> anyhow::Result<()> {
    let namespaces: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(client.clone());
    if namespaces.get_opt(NAMESPACE).await?.is_none() {
        let namespace = serde_json::from_value(json!({"metadata": {"name": NAMESPACE}}))?;
        namespaces.create(&PostParams::default(), &namespace).await?;
    }
    Ok(())
}

impl InProcess {
    /// Returns the measurements for programs.
    pub(crate) fn json(self) -> Value {
        json!({"get_us": self.bytes.as_secs_f64() * 1e6, "typed_get_us": self.typed.as_secs_f64() * 1e6})
    }
}
