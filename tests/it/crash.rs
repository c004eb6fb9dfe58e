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
use karmada_tests::convergence::{compare, compare_bindings, count_works};
use karmada_tests::ports;
use karmada_tests::process::{self, Server};
use karmada_tests::random::SplitMix;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt};
use serde_json::json;

const NAMESPACE: &str = "crash";
const MEMBERS: [&str; 3] = ["member1", "member2", "member3"];
/// Longest time the restarted control plane may take to converge.
const CONVERGENCE_TIMEOUT: Duration = Duration::from_mins(2);
/// How many steps after its creation a Deployment is changed, and then deleted if it is one of those.
const CHANGE_AFTER: usize = 5;
const DELETE_AFTER: usize = 10;
/// Every third Deployment is deleted.
const DELETED: usize = 3;

/// How hard the test is.
#[derive(Clone, Copy)]
struct Extent {
    deployments: usize,
    kills: usize,
}

impl Extent {
    /// A few kills; as many as `KARMADA_CRASH_ROUNDS` says, among 300 Deployments, when it is set.
    fn chosen() -> anyhow::Result<Self> {
        match std::env::var("KARMADA_CRASH_ROUNDS") {
            Ok(rounds) => {
                Ok(Self { deployments: 300, kills: rounds.parse().context("KARMADA_CRASH_ROUNDS")? })
            }
            Err(_) => Ok(Self { deployments: 45, kills: 15 }),
        }
    }

    /// The creations, changes and deletions, in order.
    fn steps(self) -> Vec<Step> {
        let mut steps = Vec::new();
        for turn in 0..self.deployments + DELETE_AFTER {
            if turn < self.deployments {
                steps.push(Step::Create(turn));
            }
            if let Some(number) = turn.checked_sub(CHANGE_AFTER).filter(|number| *number < self.deployments) {
                steps.push(Step::Change(number));
            }
            if let Some(number) = turn.checked_sub(DELETE_AFTER).filter(|number| number % DELETED == 0) {
                steps.push(Step::Delete(number));
            }
        }
        steps
    }

    /// The Deployments that are there in the end.
    fn survivors(self) -> BTreeSet<String> {
        (0..self.deployments).filter(|number| number % DELETED != 0).map(name_of).collect()
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Create(usize),
    Change(usize),
    Delete(usize),
}

fn name_of(number: usize) -> String {
    format!("web-{number:03}")
}

fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_karmadactl-under-test"))
}

#[tokio::test(flavor = "multi_thread")]
async fn converges_after_kills_while_deployments_are_created_changed_and_deleted() -> anyhow::Result<()> {
    let extent = Extent::chosen()?;
    let directory = tempfile::tempdir()?;
    let path = |name: &str| process::path_text(directory.path(), name);
    let mut members = Vec::new();
    for name in MEMBERS {
        members.push(serve(directory.path(), name, &["--api-only"], "127.0.0.1:0")?);
    }
    let address = ports::free_address()?;
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

    let done = Arc::new(AtomicUsize::new(0));
    let steps = extent.steps();
    let count = steps.len();
    let client = process::client(Path::new(&kubeconfig)).await?;
    let writer = tokio::spawn(write_deployments(client.clone(), steps, done.clone()));
    // A fixed seed: a failure can be run again.
    let mut random = SplitMix(20_261_121);
    for round in 0..extent.kills {
        // The moments are spread over the whole run: wait for this round's share, then a random time.
        let share = round * count / extent.kills;
        let deadline = Instant::now() + Duration::from_mins(1);
        while done.load(Ordering::SeqCst) < share {
            if Instant::now() > deadline {
                bail!("round {round}: only {} steps of {count} were done", done.load(Ordering::SeqCst));
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_micros(random.below(60_000))).await;
        control_plane.kill()?;
        control_plane = serve(directory.path(), "control-plane", &[], &address)
            .with_context(|| format!("restart {round}"))?;
    }
    tokio::time::timeout(Duration::from_mins(2), writer).await???;

    let member_clients = {
        let mut clients = BTreeMap::new();
        for name in MEMBERS {
            clients.insert(name, process::client(Path::new(&path(&format!("{name}.config")))).await?);
        }
        clients
    };
    let deadline = Instant::now() + CONVERGENCE_TIMEOUT;
    loop {
        let differences = differences(&client, &member_clients, &extent.survivors()).await?;
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

/// Does all steps in order, each again and again while the server is killed under it.
async fn write_deployments(client: Client, steps: Vec<Step>, done: Arc<AtomicUsize>) -> anyhow::Result<()> {
    let parameters = PostParams::default();
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
    for step in steps {
        match step {
            // The write was durable before the kill cut its answer off.
            Step::Create(number) => {
                let deployment = deployment(number, 1)?;
                ensure(|| deployments.create(&parameters, &deployment), 409).await?;
            }
            Step::Change(number) => {
                let change = Patch::Merge(json!({"spec": deployment(number, 2)?.spec}));
                let (name, parameters) = (name_of(number), PatchParams::default());
                ensure(|| deployments.patch(&name, &parameters, &change), 0).await?;
            }
            Step::Delete(number) => {
                let (name, parameters) = (name_of(number), DeleteParams::background());
                ensure(|| deployments.delete(&name, &parameters), 404).await?;
            }
        }
        done.fetch_add(1, Ordering::SeqCst);
    }
    Ok(())
}

/// Writes until the server says that it is done, or that an earlier try did it.
async fn ensure<T, F>(write: impl Fn() -> F, done_before: u16) -> anyhow::Result<()>
where
    F: Future<Output = kube::Result<T>>,
{
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        match write().await {
            Ok(_) => return Ok(()),
            Err(kube::Error::Api(status)) if status.code == done_before => return Ok(()),
            Err(error) if Instant::now() > deadline => return Err(error.into()),
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

/// A Deployment in its first or second version.
fn deployment(number: usize, version: usize) -> serde_json::Result<Deployment> {
    let name = name_of(number);
    serde_json::from_value(json!({
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"app": name}},
        "spec": {"replicas": version + number % 3, "selector": {"matchLabels": {"app": name}},
                 "template": {"metadata": {"labels": {"app": name}},
                              "spec": {"containers": [{"name": "nginx", "image": format!("nginx:{version}.{number}")}]}}},
    }))
}

/// Says how the state differs from the only right one: nothing lost, orphaned or doubled.
async fn differences(
    client: &Client,
    members: &BTreeMap<&str, Client>,
    expected: &BTreeSet<String>,
) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    let all = ListParams::default();

    let templates: Api<Deployment> = Api::namespaced(client.clone(), NAMESPACE);
    let templates: BTreeSet<String> = templates.list(&all).await?.iter().map(ResourceExt::name_any).collect();
    compare(&mut found, "templates", expected, &templates);

    compare_bindings(&mut found, client, NAMESPACE, expected, Some(MEMBERS.len())).await?;

    for (member, member_client) in members {
        count_works(&mut found, client, member, expected.len()).await?;
        let objects: Api<Deployment> = Api::namespaced(member_client.clone(), NAMESPACE);
        let objects = objects.list(&all).await?;
        let names: BTreeSet<String> = objects.iter().map(ResourceExt::name_any).collect();
        compare(&mut found, member, expected, &names);
        for object in &objects {
            let number: usize = object.name_any().trim_start_matches("web-").parse()?;
            let wanted = deployment(number, 2)?;
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
