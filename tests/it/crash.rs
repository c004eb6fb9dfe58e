//! A control plane that is killed at random moments converges to the same objects.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Namespace;
use karmada_core::api::policy::PropagationPolicy;
use karmada_core::api::work::{ResourceBinding, Work};
use karmada_tests::process::{self, Server};
use kube::api::{Api, ListParams, PostParams};
use kube::{Client, ResourceExt};
use serde_json::json;

const NAMESPACE: &str = "crash";
const DEPLOYMENTS: usize = 100;
const KILLS: usize = 50;
const MEMBERS: [&str; 3] = ["member1", "member2", "member3"];
/// Longest time the restarted control plane may take to converge.
const CONVERGENCE_TIMEOUT: Duration = Duration::from_mins(2);

fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_karmadactl-under-test"))
}

#[tokio::test(flavor = "multi_thread")]
async fn converges_after_fifty_kills_during_a_hundred_propagations() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let path = |name: &str| process::path_text(directory.path(), name);
    let mut members = Vec::new();
    for name in MEMBERS {
        members.push(serve(directory.path(), name, &["--api-only"], "127.0.0.1:0")?);
    }
    let address = process::free_address()?;
    let mut control_plane = serve(directory.path(), "control-plane", &[], &address)?;
    let kubeconfig = path("control-plane.config");
    for name in MEMBERS {
        let member = path(&format!("{name}.config"));
        let joined = process::run(
            &program(),
            &["--kubeconfig", &kubeconfig, "join", name, "--cluster-kubeconfig", &member],
        )?;
        assert!(joined.status.success(), "join {name}: {}", String::from_utf8_lossy(&joined.stderr));
    }

    let created = Arc::new(AtomicUsize::new(0));
    let writer = tokio::spawn(write_deployments(PathBuf::from(&kubeconfig), created.clone()));
    // A fixed seed: a failure can be run again.
    let mut random = SplitMix(20_261_121);
    for round in 0..KILLS {
        // The moments are spread over the whole run: wait for this round's share, then a random time.
        let share = round * DEPLOYMENTS / KILLS;
        let deadline = Instant::now() + Duration::from_mins(1);
        while created.load(Ordering::SeqCst) < share {
            if Instant::now() > deadline {
                bail!("round {round}: only {} Deployments were created", created.load(Ordering::SeqCst));
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_micros(random.below(60_000))).await;
        control_plane.kill()?;
        control_plane = serve(directory.path(), "control-plane", &[], &address)
            .with_context(|| format!("restart {round}"))?;
    }
    tokio::time::timeout(Duration::from_mins(2), writer).await???;

    let client = process::client(Path::new(&kubeconfig)).await?;
    let member_clients = {
        let mut clients = BTreeMap::new();
        for name in MEMBERS {
            clients.insert(name, process::client(Path::new(&path(&format!("{name}.config")))).await?);
        }
        clients
    };
    let deadline = Instant::now() + CONVERGENCE_TIMEOUT;
    loop {
        let differences = differences(&client, &member_clients).await?;
        if differences.is_empty() {
            break;
        }
        if Instant::now() > deadline {
            bail!("did not converge: {differences:#?}");
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    control_plane.kill()?;
    Ok(())
}

fn serve(directory: &Path, name: &str, more: &[&str], address: &str) -> anyhow::Result<Server> {
    let data = process::path_text(directory, name);
    let kubeconfig = process::path_text(directory, &format!("{name}.config"));
    let log = directory.join(format!("{name}.log"));
    let mut arguments = vec!["serve", "--data-dir", &data, "--listen", address, "--kubeconfig", &kubeconfig];
    arguments.extend(more);
    Server::start(&program(), &arguments, &log)
}

/// Creates everything, trying again whenever the server was killed under a request.
async fn write_deployments(kubeconfig: PathBuf, created: Arc<AtomicUsize>) -> anyhow::Result<()> {
    let namespace: Namespace = serde_json::from_value(json!({"metadata": {"name": NAMESPACE}}))?;
    ensure(&kubeconfig, Api::all, &namespace).await?;
    let policy: PropagationPolicy = serde_json::from_value(json!({
        "metadata": {"name": "all", "namespace": NAMESPACE},
        "spec": {"resourceSelectors": [{"apiVersion": "apps/v1", "kind": "Deployment"}],
                 "placement": {"clusterAffinity": {"clusterNames": MEMBERS}}},
    }))?;
    ensure(&kubeconfig, |client| Api::namespaced(client, NAMESPACE), &policy).await?;
    for number in 0..DEPLOYMENTS {
        ensure(&kubeconfig, |client| Api::namespaced(client, NAMESPACE), &deployment(number)?).await?;
        created.fetch_add(1, Ordering::SeqCst);
    }
    Ok(())
}

async fn ensure<K>(kubeconfig: &Path, api: impl Fn(Client) -> Api<K>, object: &K) -> anyhow::Result<()>
where
    K: kube::Resource + Clone + serde::Serialize + serde::de::DeserializeOwned + std::fmt::Debug,
{
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let result = match process::client(kubeconfig).await {
            Ok(client) => {
                api(client).create(&PostParams::default(), object).await.map_err(anyhow::Error::from)
            }
            Err(error) => Err(error),
        };
        match result {
            Ok(_) => return Ok(()),
            // The write was durable before the kill cut its answer off.
            Err(error) if format!("{error:#}").contains("already exists") => return Ok(()),
            Err(error) if Instant::now() > deadline => return Err(error),
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

fn deployment(number: usize) -> serde_json::Result<Deployment> {
    let name = format!("web-{number:03}");
    serde_json::from_value(json!({
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"app": name}},
        "spec": {"replicas": 1 + number % 3, "selector": {"matchLabels": {"app": name}},
                 "template": {"metadata": {"labels": {"app": name}},
                              "spec": {"containers": [{"name": "nginx", "image": format!("nginx:1.{number}")}]}}},
    }))
}

/// Says how the state differs from the only right one: nothing lost, orphaned or doubled.
async fn differences(client: &Client, members: &BTreeMap<&str, Client>) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    let all = ListParams::default();
    let expected: BTreeSet<String> = (0..DEPLOYMENTS).map(|number| format!("web-{number:03}")).collect();

    let templates: Api<Deployment> = Api::namespaced(client.clone(), NAMESPACE);
    let templates: BTreeSet<String> = templates.list(&all).await?.iter().map(ResourceExt::name_any).collect();
    compare(&mut found, "templates", &expected, &templates);

    let bindings: Api<ResourceBinding> = Api::namespaced(client.clone(), NAMESPACE);
    let bindings = bindings.list(&all).await?;
    let names: BTreeSet<String> = bindings.iter().map(ResourceExt::name_any).collect();
    compare(
        &mut found,
        "bindings",
        &expected.iter().map(|name| format!("{name}-deployment")).collect(),
        &names,
    );
    for binding in &bindings {
        let status = binding.status.clone().unwrap_or_default();
        let is_true = |type_: &str| status.conditions.iter().any(|c| c.type_ == type_ && c.status == "True");
        if !is_true("Scheduled")
            || !is_true("FullyApplied")
            || status.aggregated_status.len() != MEMBERS.len()
        {
            found.push(format!("binding {}: {:?}", binding.name_any(), status.conditions));
        }
    }

    for (member, member_client) in members {
        let works: Api<Work> = Api::namespaced(client.clone(), &format!("karmada-es-{member}"));
        let works = works.list(&all.clone().labels("resourcebinding.karmada.io/permanent-id")).await?;
        if works.items.len() != DEPLOYMENTS {
            found.push(format!("{member}: {} Works", works.items.len()));
        }
        let objects: Api<Deployment> = Api::namespaced(member_client.clone(), NAMESPACE);
        let objects = objects.list(&all).await?;
        let names: BTreeSet<String> = objects.iter().map(ResourceExt::name_any).collect();
        compare(&mut found, member, &expected, &names);
        for object in &objects {
            let number: usize = object.name_any().trim_start_matches("web-").parse()?;
            let wanted = deployment(number)?;
            let image = |d: &Deployment| {
                d.spec.as_ref().and_then(|s| s.template.spec.as_ref()?.containers.first()?.image.clone())
            };
            let replicas = |d: &Deployment| d.spec.as_ref().and_then(|s| s.replicas);
            if image(object) != image(&wanted) || replicas(object) != replicas(&wanted) {
                found.push(format!("{member}: {} has image {:?}", object.name_any(), image(object)));
            }
        }
    }
    Ok(found)
}

fn compare(found: &mut Vec<String>, what: &str, expected: &BTreeSet<String>, got: &BTreeSet<String>) {
    let missing: Vec<_> = expected.difference(got).collect();
    let extra: Vec<_> = got.difference(expected).collect();
    if !missing.is_empty() || !extra.is_empty() {
        found.push(format!("{what}: missing {missing:?}, extra {extra:?}"));
    }
}

/// A small deterministic random source (SplitMix64).
struct SplitMix(u64);

impl SplitMix {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % limit
    }
}
