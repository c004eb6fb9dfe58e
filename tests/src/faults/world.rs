//! A control plane over one member that can be made sick and two that stay well.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use http::{Method, Request};
use jiff::SignedDuration;
use karmada_apiserver::server::Limits;
use karmada_controllers::members::Connector;
use karmada_controllers::{ControlPlane, ControlPlaneSettings, StatusSettings};
use karmada_core::membership::ReadinessThresholds;
use karmadactl::embedded::{ApiOptions, EmbeddedOptions, EmbeddedServer, Storage};
use karmadactl::join::{JoinOptions, join_cluster};
use kube::Client;
use serde_json::{Value, json};

use super::server::FaultyServer;

/// The member that can be made sick. It is reached over HTTPS, as a real one is.
pub const SICK: &str = "sick";
/// The members that stay well.
pub const WELL: [&str; 2] = ["well1", "well2"];
/// Where everything is created.
const NAMESPACE: &str = "apps";

/// A control plane over one member that can be made sick and two that stay well.
#[derive(Debug)]
pub struct World {
    pub sick: FaultyServer,
    control_plane: ControlPlane,
    server: EmbeddedServer,
    members: BTreeMap<&'static str, EmbeddedServer>,
}

impl World {
    /// Starts everything and waits until all members are ready.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_through(|client| client).await
    }

    /// Does the same with controllers whose requests to the control plane go through something.
    pub async fn start_through(gate: impl FnOnce(Client) -> Client) -> anyhow::Result<Self> {
        karmadactl::install_crypto_provider();
        let server = EmbeddedServer::karmada(&options("control-plane")).await?;
        let connector = Connector::new();
        let mut members = BTreeMap::new();
        for name in [SICK, WELL[0], WELL[1]] {
            members.insert(name, EmbeddedServer::plain(&options(name)).await?);
        }
        let sick = FaultyServer::over(members[SICK].token_clients()).await?;
        for (name, member) in &members {
            let url = if *name == SICK { sick.url() } else { member.url() };
            if *name != SICK {
                connector.add_in_process(&url, member.token_clients());
            }
            join_cluster(&server.client(), &member.client(), &JoinOptions::new(*name, url)).await?;
        }
        let secret = format!("/api/v1/namespaces/karmada-cluster/secrets/{SICK}");
        merge(&server.client(), &secret, &json!({"data": {"caBundle": sick.ca_bundle()}})).await?;
        let second = SignedDuration::from_secs(1);
        let settings = ControlPlaneSettings {
            connector,
            status: StatusSettings {
                frequency: Duration::from_secs(1),
                thresholds: ReadinessThresholds { failure: second, success: second },
                ..StatusSettings::default()
            },
            ..ControlPlaneSettings::default()
        };
        let control_plane = ControlPlane::start(gate(server.client()), settings).await?;
        let world = Self { sick, control_plane, server, members };
        for name in [SICK, WELL[0], WELL[1]] {
            eventually(&format!("{name} is ready"), async || {
                let condition = world.cluster_condition(name, "Ready").await?;
                let cluster = world.get(&cluster_path(name)).await?;
                let known = cluster["status"]["apiEnablements"].is_array();
                Ok((condition["status"] == "True" && known).then_some(()).ok_or(condition))
            })
            .await?;
        }
        post(&world.client(), "/api/v1/namespaces", &json!({"metadata": {"name": NAMESPACE}})).await?;
        Ok(world)
    }

    /// Returns a client of the control plane.
    pub fn client(&self) -> Client {
        self.server.client()
    }

    /// Returns a kubeconfig of the control plane.
    pub fn kubeconfig(&self) -> anyhow::Result<Value> {
        Ok(self.server.kubeconfig()?)
    }

    /// Returns a client of a member, past its faults.
    pub fn member(&self, name: &str) -> Client {
        self.members[name].client()
    }

    /// Ends everything.
    pub async fn shutdown(self) {
        self.control_plane.shutdown().await;
        for member in self.members.values() {
            member.shutdown().await;
        }
        self.server.shutdown().await;
    }

    /// Reads from the control plane.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        get(&self.client(), path).await
    }

    /// Propagates everything of a kind to some clusters.
    pub async fn propagate(&self, api_version: &str, kind: &str, clusters: &[&str]) -> anyhow::Result<()> {
        let policy = json!({
            "apiVersion": "policy.karmada.io/v1alpha1", "kind": "PropagationPolicy",
            "metadata": {"name": format!("all-{}", kind.to_lowercase())},
            "spec": {"resourceSelectors": [{"apiVersion": api_version, "kind": kind}],
                     "placement": {"clusterAffinity": {"clusterNames": clusters}}},
        });
        let path = format!("/apis/policy.karmada.io/v1alpha1/namespaces/{NAMESPACE}/propagationpolicies");
        post(&self.client(), &path, &policy).await.map(drop)
    }

    /// Creates a ConfigMap.
    pub async fn create_config(&self, name: &str) -> anyhow::Result<()> {
        let object = json!({"metadata": {"name": name}, "data": {"key": name}});
        post(&self.client(), &path("api/v1", "configmaps", ""), &object).await.map(drop)
    }

    /// Creates an object of some kind.
    pub async fn create(&self, group_version: &str, plural: &str, object: &Value) -> anyhow::Result<Value> {
        post(&self.client(), &path(group_version, plural, ""), object).await
    }

    /// Returns an object of a cluster, or of the control plane for an empty name.
    pub async fn find(
        &self,
        cluster: &str,
        group_version: &str,
        plural: &str,
        name: &str,
    ) -> anyhow::Result<Option<Value>> {
        let client = if cluster.is_empty() { self.client() } else { self.member(cluster) };
        find(&client, &path(group_version, plural, name)).await
    }

    /// Returns how many ConfigMaps of these names a member has.
    pub async fn count_configs(&self, cluster: &str, names: &[String]) -> anyhow::Result<usize> {
        let mut count = 0;
        for name in names {
            count += usize::from(self.find(cluster, "api/v1", "configmaps", name).await?.is_some());
        }
        Ok(count)
    }

    /// Returns a condition of a Cluster, or null.
    pub async fn cluster_condition(&self, cluster: &str, type_: &str) -> anyhow::Result<Value> {
        let cluster = self.get(&cluster_path(cluster)).await?;
        Ok(condition(&cluster, type_))
    }

    /// Returns a condition of the Work of an object in a cluster, or null.
    pub async fn work_condition(
        &self,
        cluster: &str,
        kind: &str,
        name: &str,
        type_: &str,
    ) -> anyhow::Result<Value> {
        let work = karmada_core::object::work_name(kind, name, NAMESPACE);
        let path = format!("/apis/work.karmada.io/v1alpha1/namespaces/karmada-es-{cluster}/works/{work}");
        let work = find(&self.client(), &path).await?.unwrap_or_default();
        Ok(condition(&work, type_))
    }

    /// Returns a condition of the binding of an object, or null.
    pub async fn binding_condition(&self, kind: &str, name: &str, type_: &str) -> anyhow::Result<Value> {
        let name = karmada_core::object::binding_name(kind, name);
        let binding = self.find("", "apis/work.karmada.io/v1alpha2", "resourcebindings", &name).await?;
        Ok(condition(&binding.unwrap_or_default(), type_))
    }

    /// Waits for a warning about an object whose message has all of these texts.
    pub async fn warned(&self, kind: &str, name: &str, reason: &str, texts: &[&str]) -> anyhow::Result<()> {
        self.told("Warning", kind, name, reason, texts).await
    }

    /// Waits for an event of a type about an object whose message has all of these texts.
    pub async fn told(
        &self,
        type_: &str,
        kind: &str,
        name: &str,
        reason: &str,
        texts: &[&str],
    ) -> anyhow::Result<()> {
        let what = format!("an event {type_} {reason} about {kind} {name} that says {texts:?}");
        eventually(&what, async || {
            let events = self.get("/api/v1/events").await?;
            let about: Vec<String> = events["items"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|event| {
                    event["involvedObject"]["kind"] == kind
                        && event["involvedObject"]["name"].as_str().is_some_and(|found| found == name)
                        && event["type"] == type_
                })
                .map(|event| {
                    let text = |field: &str| event[field].as_str().unwrap_or_default().to_owned();
                    format!("{}: {}", text("reason"), text("message"))
                })
                .collect();
            let is_meant =
                |text: &&String| text.contains(reason) && texts.iter().all(|wanted| text.contains(wanted));
            Ok(about.iter().any(|text| is_meant(&text)).then_some(()).ok_or_else(|| json!(about)))
        })
        .await
    }
}

fn cluster_path(name: &str) -> String {
    format!("/apis/cluster.karmada.io/v1alpha1/clusters/{name}")
}

fn path(group_version: &str, plural: &str, name: &str) -> String {
    format!("/{group_version}/namespaces/{NAMESPACE}/{plural}/{name}").trim_end_matches('/').to_owned()
}

fn condition(object: &Value, type_: &str) -> Value {
    let conditions = object["status"]["conditions"].as_array().into_iter().flatten();
    conditions.into_iter().find(|condition| condition["type"] == type_).cloned().unwrap_or_default()
}

fn options(name: &str) -> EmbeddedOptions {
    EmbeddedOptions {
        name: name.to_owned(),
        storage: Storage::Memory,
        listen: (Ipv4Addr::LOCALHOST, 0).into(),
        preferred: None,
        api: ApiOptions::default(),
        limits: Limits::default(),
    }
}

async fn get(client: &Client, path: &str) -> anyhow::Result<Value> {
    client.request(Request::get(path).body(Vec::new())?).await.with_context(|| format!("GET {path}"))
}

async fn find(client: &Client, path: &str) -> anyhow::Result<Option<Value>> {
    match client.request(Request::get(path).body(Vec::new())?).await {
        Ok(found) => Ok(Some(found)),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
        Err(error) => Err(error).with_context(|| format!("GET {path}")),
    }
}

async fn post(client: &Client, path: &str, object: &Value) -> anyhow::Result<Value> {
    write(client, Method::POST, "application/json", path, object).await
}

/// Changes an object by a merge patch.
pub async fn merge(client: &Client, path: &str, patch: &Value) -> anyhow::Result<Value> {
    write(client, Method::PATCH, "application/merge-patch+json", path, patch).await
}

/// Sends an object to a path.
pub async fn write(
    client: &Client,
    method: Method,
    content_type: &str,
    path: &str,
    object: &Value,
) -> anyhow::Result<Value> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(http::header::CONTENT_TYPE, content_type)
        .body(serde_json::to_vec(object)?)?;
    client.request(request).await.with_context(|| format!("writing {path}"))
}

/// Waits until `check` says yes, for a minute at most; what it said last is in the error.
pub async fn eventually(
    what: &str,
    check: impl AsyncFn() -> anyhow::Result<Result<(), Value>>,
) -> anyhow::Result<()> {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        match check().await? {
            Ok(()) => return Ok(()),
            Err(last) if Instant::now() > deadline => bail!("not so within a minute: {what}; last: {last:#}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}
