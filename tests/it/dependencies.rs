//! What a workload needs follows it, and a restart over a settled state writes nothing.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Event, Namespace};
use karmada_apiserver::server::Limits;
use karmada_controllers::members::Connector;
use karmada_controllers::{ControlPlane, ControlPlaneSettings};
use karmada_core::api::policy::PropagationPolicy;
use karmada_core::api::work::{ResourceBinding, Work};
use karmadactl::embedded::{ApiOptions, EmbeddedOptions, EmbeddedServer, Storage};
use karmadactl::join::{JoinOptions, join_cluster};
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use kube::{Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const NAMESPACE: &str = "deps";
const MEMBER: &str = "member1";
const TIMEOUT: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread")]
async fn dependencies_follow_and_a_restart_writes_nothing() -> anyhow::Result<()> {
    let connector = Connector::new();
    let server = EmbeddedServer::karmada_reaching(&options("control-plane"), connector.clone()).await?;
    let member = EmbeddedServer::plain(&options(MEMBER)).await?;
    connector.add_in_process(&member.url(), member.token_clients());
    join_cluster(&server.client(), &member.client(), &JoinOptions::new(MEMBER.to_owned(), member.url()))
        .await?;
    let settings = ControlPlaneSettings { connector, ..ControlPlaneSettings::default() };
    let client = server.client();

    let control_plane = ControlPlane::start(client.clone(), settings.clone()).await?;
    prepare(&client).await?;
    create_app(&client, "first").await?;
    let configs: Api<ConfigMap> = Api::namespaced(member.client(), NAMESPACE);
    wait_for_data(&configs, "first", "old").await?;
    // A new content reaches the member by way of the attached binding.
    let patch = json!({"data": {"k": "new"}});
    let own: Api<ConfigMap> = Api::namespaced(client.clone(), NAMESPACE);
    own.patch("first", &PatchParams::default(), &Patch::Merge(&patch)).await?;
    wait_for_data(&configs, "first", "new").await?;
    wait_until_applied(&client, "first-configmap").await?;
    wait_until_applied(&client, "first-deployment").await?;
    control_plane.shutdown().await;

    let before = versions(&client, "first").await?;
    let control_plane = ControlPlane::start(client.clone(), settings).await?;
    // What comes later waits behind what was there: its end is the end of the restart's work.
    create_app(&client, "later").await?;
    wait_for_data(&configs, "later", "old").await?;
    wait_until_applied(&client, "later-configmap").await?;
    assert_eq!(versions(&client, "first").await?, before);

    control_plane.shutdown().await;
    server.shutdown().await;
    member.shutdown().await;
    Ok(())
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

async fn prepare(client: &Client) -> anyhow::Result<()> {
    create::<Namespace>(&Api::all(client.clone()), json!({"metadata": {"name": NAMESPACE}})).await?;
    let policy = json!({
        "metadata": {"name": "all"},
        "spec": {
            "resourceSelectors": [{"apiVersion": "apps/v1", "kind": "Deployment"}],
            "placement": {"clusterAffinity": {"clusterNames": [MEMBER]}},
            "propagateDeps": true,
        },
    });
    create::<PropagationPolicy>(&Api::namespaced(client.clone(), NAMESPACE), policy).await
}

/// Creates a Deployment that needs a ConfigMap of the same name.
async fn create_app(client: &Client, name: &str) -> anyhow::Result<()> {
    let config = json!({"metadata": {"name": name}, "data": {"k": "old"}});
    create::<ConfigMap>(&Api::namespaced(client.clone(), NAMESPACE), config).await?;
    let deployment = json!({
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "containers": [{"name": "main", "image": "nginx"}],
                    "volumes": [{"name": "c", "configMap": {"name": name}}],
                },
            },
        },
    });
    create::<Deployment>(&Api::namespaced(client.clone(), NAMESPACE), deployment).await
}

async fn create<K>(api: &Api<K>, object: Value) -> anyhow::Result<()>
where
    K: Resource<DynamicType = ()> + DeserializeOwned + serde::Serialize + Clone + std::fmt::Debug,
{
    api.create(&PostParams::default(), &serde_json::from_value(object)?).await?;
    Ok(())
}

async fn wait_for_data(configs: &Api<ConfigMap>, name: &str, expected: &str) -> anyhow::Result<()> {
    wait(&format!("ConfigMap {name} with {expected:?} in the member"), || async {
        let config = configs.get_opt(name).await?;
        let data = config.and_then(|config| config.data).and_then(|data| data.get("k").cloned());
        Ok(data.as_deref() == Some(expected))
    })
    .await
}

async fn wait_until_applied(client: &Client, name: &str) -> anyhow::Result<()> {
    let bindings: Api<ResourceBinding> = Api::namespaced(client.clone(), NAMESPACE);
    wait(&format!("binding {name} to be fully applied"), || async {
        let conditions = bindings.get_opt(name).await?.and_then(|binding| binding.status);
        let conditions = conditions.map(|status| status.conditions).unwrap_or_default();
        Ok(serde_json::to_value(&conditions)?
            .as_array()
            .into_iter()
            .flatten()
            .any(|condition| condition["type"] == "FullyApplied" && condition["status"] == "True"))
    })
    .await
}

async fn wait<F, Fut>(what: &str, mut is_true: F) -> anyhow::Result<()>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = anyhow::Result<bool>>,
{
    let deadline = Instant::now() + TIMEOUT;
    while !is_true().await? {
        if Instant::now() > deadline {
            bail!("timed out waiting for {what}");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// Returns the version of everything that belongs to an app, and of its events.
async fn versions(client: &Client, app: &str) -> anyhow::Result<BTreeMap<String, String>> {
    let mut versions = BTreeMap::new();
    collect::<ResourceBinding>(&Api::all(client.clone()), app, &mut versions).await?;
    collect::<Work>(&Api::all(client.clone()), app, &mut versions).await?;
    collect::<Deployment>(&Api::all(client.clone()), app, &mut versions).await?;
    collect::<ConfigMap>(&Api::all(client.clone()), app, &mut versions).await?;
    collect::<Event>(&Api::all(client.clone()), app, &mut versions).await?;
    Ok(versions)
}

async fn collect<K>(api: &Api<K>, app: &str, versions: &mut BTreeMap<String, String>) -> anyhow::Result<()>
where
    K: Resource<DynamicType = ()> + DeserializeOwned + Clone + std::fmt::Debug,
{
    for object in api.list(&ListParams::default()).await? {
        if object.name_any().starts_with(app) {
            let version = object.resource_version().context("an object without a version")?;
            versions.insert(format!("{} {}", K::kind(&()), object.name_any()), version);
        }
    }
    Ok(())
}
