//! A control plane that has nothing to do writes nothing: while it runs, and when it starts again.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use http::Request;
use jiff::SignedDuration;
use karmada_apiserver::store::Durability;
use karmada_controllers::StatusSettings;
use karmada_core::membership::ReadinessThresholds;
use karmada_tests::faults::write;
use karmadactl::embedded::{LocalUp, LocalUpOptions, MemberOptions, Storage};
use kube::api::{Api, DynamicObject, ListParams};
use kube::discovery::{Discovery, verbs};
use kube::{Client, ResourceExt as _};
use serde_json::{Value, json};

const DEPLOYMENTS: usize = 20;
/// Looks at the status of the members while nothing may be written.
const LOOKS: u64 = 10;
/// Looks without a write after which no further write is on its way.
const STILL: u64 = 3;

async fn start(directory: &Path) -> anyhow::Result<LocalUp> {
    let second = SignedDuration::from_secs(1);
    let options = LocalUpOptions {
        members: MemberOptions::numbered(3),
        storage: Storage::Disk { directory: directory.to_owned(), durability: Durability::Async },
        directory: Some(directory.to_owned()),
        listen: ([127, 0, 0, 1], 0).into(),
        // Some Deployments have pods, the others are on paper.
        pod_objects: 8,
        status: StatusSettings {
            frequency: Duration::from_millis(200),
            thresholds: ReadinessThresholds { failure: second, success: second },
            ..StatusSettings::default()
        },
    };
    let up = LocalUp::start(options).await?;
    up.wait_until_members_ready(Duration::from_mins(1)).await?;
    Ok(up)
}

fn clients(up: &LocalUp) -> Vec<(String, Client)> {
    let mut clients = vec![("control plane".to_owned(), up.control_plane.server().client())];
    clients.extend(up.member_clients());
    clients
}

/// Writing requests of every server by verb and resource. Leases are what tells that somebody lives.
async fn writes(up: &LocalUp) -> anyhow::Result<BTreeMap<String, u64>> {
    let mut counts = BTreeMap::new();
    for (server, client) in clients(up) {
        let page = client.request_text(Request::get("/metrics").body(Vec::new())?).await?;
        for line in page.lines().filter(|line| line.starts_with("apiserver_request_total{")) {
            let (labels, count) = line.rsplit_once("} ").context("a metric without a value")?;
            let label = |name: &str| {
                let start = labels.find(&format!("{name}=\"")).map_or(0, |at| at + name.len() + 2);
                labels[start..].split('"').next().unwrap_or_default().to_owned()
            };
            let verb = label("verb");
            let is_write = !["GET", "LIST", "WATCH", "CONNECT"].contains(&verb.as_str());
            if is_write && label("resource") != "leases" {
                let what = format!(
                    "{server}: {verb} {} {} {}",
                    label("resource"),
                    label("subresource"),
                    label("code")
                );
                *counts.entry(what).or_default() += count.trim().parse::<u64>()?;
            }
        }
    }
    Ok(counts)
}

/// How often the member that was looked at least was looked at.
fn looks(up: &LocalUp) -> anyhow::Result<u64> {
    let page = up.control_plane.observed().metrics.page()?.text;
    let count = |member: &str| {
        let start = format!("cluster_sync_status_duration_seconds_count{{cluster_name=\"{member}\"}} ");
        let line = page.lines().find_map(|line| line.strip_prefix(&start));
        line.and_then(|count| count.trim().parse().ok()).unwrap_or(0)
    };
    Ok(up.members.iter().map(|member| count(&member.name)).min().unwrap_or(0))
}

async fn wait_for_looks(up: &LocalUp, number: u64) -> anyhow::Result<()> {
    let until = looks(up)? + number;
    let deadline = Instant::now() + Duration::from_mins(1);
    while looks(up)? < until {
        if Instant::now() > deadline {
            bail!("the members are not looked at any more");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// Waits until nobody writes any more, and returns what was written.
async fn settled(up: &LocalUp) -> anyhow::Result<BTreeMap<String, u64>> {
    let deadline = Instant::now() + Duration::from_mins(1);
    let mut before = writes(up).await?;
    loop {
        wait_for_looks(up, STILL).await?;
        let now = writes(up).await?;
        if now == before {
            return Ok(now);
        }
        if Instant::now() > deadline {
            bail!("somebody keeps writing: {:#?}", added(&before, &now));
        }
        before = now;
    }
}

fn added(before: &BTreeMap<String, u64>, after: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    let more = |(what, count): (&String, &u64)| {
        let more = count - before.get(what).copied().unwrap_or(0);
        (more > 0).then(|| (what.clone(), more))
    };
    after.iter().filter_map(more).collect()
}

/// All objects of all servers, but for Leases.
async fn objects(up: &LocalUp) -> anyhow::Result<BTreeMap<String, Value>> {
    let mut objects = BTreeMap::new();
    for (server, client) in clients(up) {
        let discovery = Discovery::new(client.clone()).run().await?;
        for (resource, capabilities) in
            discovery.groups().flat_map(kube::discovery::ApiGroup::recommended_resources)
        {
            if !capabilities.supports_operation(verbs::LIST) || resource.kind == "Lease" {
                continue;
            }
            let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
            for object in api.list(&ListParams::default()).await? {
                let namespace = object.namespace().unwrap_or_default();
                let kind = format!("{}.{}", resource.plural, resource.group);
                let key = format!("{server}: {kind} {namespace}/{}", object.name_any());
                objects.insert(key, serde_json::to_value(object)?);
            }
        }
    }
    Ok(objects)
}

/// What is another object than before, with what is different in it.
fn changes(before: &BTreeMap<String, Value>, after: &BTreeMap<String, Value>) -> Vec<String> {
    let keys: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let differs = |key: &&String| before.get(*key) != after.get(*key);
    let told = |key: &String| {
        let text = |objects: &BTreeMap<String, Value>| {
            objects.get(key).map(|object| format!("{object:#}")).unwrap_or_default()
        };
        let (before, after) = (text(before), text(after));
        let difference = similar::TextDiff::from_lines(&before, &after);
        format!("{key}\n{}", difference.unified_diff().context_radius(1))
    };
    keys.into_iter().filter(differs).map(told).collect()
}

async fn propagate(client: &Client) -> anyhow::Result<()> {
    let post = async |path: &str, object: Value| {
        write(client, http::Method::POST, "application/json", path, &object).await.map(drop)
    };
    post("/api/v1/namespaces", json!({"metadata": {"name": "apps"}})).await?;
    let policy = json!({
        "apiVersion": "policy.karmada.io/v1alpha1", "kind": "PropagationPolicy", "metadata": {"name": "all"},
        "spec": {"resourceSelectors": [{"apiVersion": "apps/v1", "kind": "Deployment"}], "propagateDeps": true,
                 "placement": {"clusterAffinity": {"clusterNames": ["member1", "member2", "member3"]}}},
    });
    post("/apis/policy.karmada.io/v1alpha1/namespaces/apps/propagationpolicies", policy).await?;
    for number in 0..DEPLOYMENTS {
        let name = format!("web-{number:02}");
        let deployment = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"replicas": 2, "selector": {"matchLabels": {"app": name}}, "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "c", "image": "i", "envFrom": [{"configMapRef": {"name": name}}]}]},
            }},
        });
        let config = json!({"metadata": {"name": name}, "data": {"key": "value"}});
        post("/api/v1/namespaces/apps/configmaps", config).await?;
        post("/apis/apps/v1/namespaces/apps/deployments", deployment).await?;
    }
    Ok(())
}

async fn wait_until_all_are_available(client: &Client) -> anyhow::Result<()> {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let path = "/apis/apps/v1/namespaces/apps/deployments";
        let list: Value = client.request(Request::get(path).body(Vec::new())?).await?;
        let items = list["items"].as_array().cloned().unwrap_or_default();
        let missing: Vec<_> = items.iter().filter(|item| item["status"]["availableReplicas"] != 6).collect();
        if items.len() == DEPLOYMENTS && missing.is_empty() {
            return Ok(());
        }
        if Instant::now() > deadline {
            bail!("not available: {missing:#?}");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_where_nothing_changes() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let up = start(directory.path()).await?;
    let client = up.control_plane.server().client();
    propagate(&client).await?;
    wait_until_all_are_available(&client).await?;
    let counted = settled(&up).await?;
    let before = objects(&up).await?;
    wait_for_looks(&up, LOOKS).await?;
    let idle = added(&counted, &writes(&up).await?);
    let changed = changes(&before, &objects(&up).await?);
    assert!(idle.is_empty() && changed.is_empty(), "{idle:#?}\n{}", changed.join("\n"));
    drop(client);
    up.shutdown().await;
    drop(up);

    let up = start(directory.path()).await?;
    let written = settled(&up).await?;
    let changed = changes(&before, &objects(&up).await?);
    assert!(written.is_empty() && changed.is_empty(), "{written:#?}\n{}", changed.join("\n"));
    up.shutdown().await;
    Ok(())
}
