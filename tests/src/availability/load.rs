//! Deployments that are created, changed and deleted all the time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::bail;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Namespace;
use karmada_core::api::policy::PropagationPolicy;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::MEMBERS;
use crate::convergence::{compare, compare_bindings, count_works};
use crate::random::SplitMix;

const NAMESPACE: &str = "busy";
/// As many Deployments are there at most.
const POPULATION: usize = 40;
/// Longest time that a write is tried for.
const PATIENCE: Duration = Duration::from_mins(2);
/// Longest time until everything is as it should be.
const CONVERGENCE: Duration = Duration::from_mins(3);

/// The Deployments that were acknowledged, with their versions.
pub type Expected = BTreeMap<String, u64>;

/// A writer that goes on until it is told to stop.
#[derive(Debug)]
pub struct Load {
    stop: CancellationToken,
    task: JoinHandle<anyhow::Result<Expected>>,
}

impl Load {
    /// Begins to write, a change in every pause. What fails is tried again.
    pub fn start(client: Client, pause: Duration, seed: u64) -> Self {
        let stop = CancellationToken::new();
        let task = tokio::spawn(write(client, pause, SplitMix(seed), stop.clone()));
        Self { stop, task }
    }

    /// Ends and returns what must be there now.
    ///
    /// # Errors
    /// When a write failed for long.
    pub async fn stop(self) -> anyhow::Result<Expected> {
        self.stop.cancel();
        self.task.await?
    }

    /// Waits until control plane and these members hold what was acknowledged and nothing else; returns how long that took.
    ///
    /// # Errors
    /// When they do not; with the differences.
    pub async fn converged(
        client: &Client,
        members: &[(&'static str, Client)],
        expected: &Expected,
    ) -> anyhow::Result<Duration> {
        let started = Instant::now();
        loop {
            let found = differences(client, members, expected).await?;
            if found.is_empty() {
                return Ok(started.elapsed());
            }
            if started.elapsed() > CONVERGENCE {
                bail!("did not converge: {found:#?}");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

async fn write(
    client: Client,
    pause: Duration,
    mut random: SplitMix,
    stop: CancellationToken,
) -> anyhow::Result<Expected> {
    let (parameters, patching) = (PostParams::default(), PatchParams::default());
    let namespace: Namespace = serde_json::from_value(json!({"metadata": {"name": NAMESPACE}}))?;
    let namespaces = Api::<Namespace>::all(client.clone());
    ensure(|| namespaces.create(&parameters, &namespace), 409).await?;
    let policy: PropagationPolicy = serde_json::from_value(json!({
        "metadata": {"name": "all", "namespace": NAMESPACE},
        "spec": {"resourceSelectors": [{"apiVersion": "apps/v1", "kind": "Deployment"}],
                 "placement": {"clusterAffinity": {"clusterNames": MEMBERS}}},
    }))?;
    let policies = Api::<PropagationPolicy>::namespaced(client.clone(), NAMESPACE);
    ensure(|| policies.create(&parameters, &policy), 409).await?;
    let deployments = Api::<Deployment>::namespaced(client, NAMESPACE);
    let mut expected = Expected::new();
    let mut next = 0_u32;
    while !stop.is_cancelled() {
        let chosen = expected.keys().nth(usize::try_from(random.below(POPULATION as u64))?).cloned();
        match chosen {
            None => {
                // Names are not used twice: an answer that was lost is told from one that was not given.
                let name = format!("web-{next:05}");
                next += 1;
                let object = deployment(&name, 1)?;
                ensure(|| deployments.create(&parameters, &object), 409).await?;
                expected.insert(name, 1);
            }
            Some(name) if random.below(3) == 0 => {
                let deleting = DeleteParams::background();
                ensure(|| deployments.delete(&name, &deleting), 404).await?;
                expected.remove(&name);
            }
            Some(name) => {
                let version = expected.get(&name).copied().unwrap_or_default() + 1;
                let change = Patch::Merge(json!({"spec": deployment(&name, version)?.spec}));
                ensure(|| deployments.patch(&name, &patching, &change), 0).await?;
                expected.insert(name, version);
            }
        }
        tokio::time::sleep(pause).await;
    }
    Ok(expected)
}

/// Writes until the server says that it is done, or that an earlier try did it.
async fn ensure<T, F>(write: impl Fn() -> F, done_before: u16) -> anyhow::Result<()>
where
    F: Future<Output = kube::Result<T>>,
{
    let deadline = Instant::now() + PATIENCE;
    loop {
        match write().await {
            Ok(_) => return Ok(()),
            Err(kube::Error::Api(status)) if status.code == done_before => return Ok(()),
            Err(error) if Instant::now() > deadline => return Err(error.into()),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

fn deployment(name: &str, version: u64) -> serde_json::Result<Deployment> {
    serde_json::from_value(json!({
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"app": name}},
        "spec": {"replicas": version % 5, "selector": {"matchLabels": {"app": name}},
                 "template": {"metadata": {"labels": {"app": name}},
                              "spec": {"containers": [{"name": "nginx", "image": format!("nginx:{version}")}]}}},
    }))
}

/// Says how the state differs from the only right one: nothing lost, orphaned or doubled.
async fn differences(
    client: &Client,
    members: &[(&'static str, Client)],
    expected: &Expected,
) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    let all = ListParams::default();
    let names: BTreeSet<String> = expected.keys().cloned().collect();

    let templates: Api<Deployment> = Api::namespaced(client.clone(), NAMESPACE);
    compare_versions(&mut found, "templates", expected, &templates.list(&all).await?.items);

    // What all of them say is right only once all of them were reached.
    let reached = (members.len() == MEMBERS.len()).then_some(MEMBERS.len());
    compare_bindings(&mut found, client, NAMESPACE, &names, reached).await?;

    for (member, member_client) in members {
        count_works(&mut found, client, member, expected.len()).await?;
        let objects: Api<Deployment> = Api::namespaced(member_client.clone(), NAMESPACE);
        compare_versions(&mut found, member, expected, &objects.list(&all).await?.items);
    }
    Ok(found)
}

fn compare_versions(found: &mut Vec<String>, what: &str, expected: &Expected, objects: &[Deployment]) {
    let names = objects.iter().map(ResourceExt::name_any).collect();
    compare(found, what, &expected.keys().cloned().collect(), &names);
    for object in objects {
        let spec = object.spec.clone().unwrap_or_default();
        let container = spec.template.spec.unwrap_or_default().containers.into_iter().next();
        let image = container.and_then(|container| container.image).unwrap_or_default();
        let version = expected.get(&object.name_any()).copied().unwrap_or_default();
        if image != format!("nginx:{version}")
            || spec.replicas.map(i64::from) != i64::try_from(version % 5).ok()
        {
            found.push(format!("{what}: {} has {image}, {:?}", object.name_any(), spec.replicas));
        }
    }
}
