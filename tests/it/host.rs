//! `init`, `certs` and `deinit` on a real host cluster: kubelet, containerd, and members that are real clusters.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use karmada_tests::process;
use karmada_tests::rig::host::{HostCluster, HostPrograms, Image, missing};
use karmada_tests::rig::{Etcd, RealCluster, RealControllers, Sync};
use kube::Client;
use serde_json::{Value, json};

use crate::guide::{Page, page, steps};
use crate::pull::send;

const NAMESPACE: &str = "karmada-system";
/// Image that a component is upgraded to: the same program under another name.
const NEXT_IMAGE: &str = "localhost/karmadactl:next";
/// Kinds that an installation makes in its namespace, and what its controllers make of them.
const KINDS: [&str; 10] = [
    "/apis/apps/v1/namespaces/karmada-system/deployments",
    "/apis/apps/v1/namespaces/karmada-system/statefulsets",
    "/apis/apps/v1/namespaces/karmada-system/replicasets",
    "/apis/policy/v1/namespaces/karmada-system/poddisruptionbudgets",
    "/api/v1/namespaces/karmada-system/pods",
    "/api/v1/namespaces/karmada-system/services",
    "/api/v1/namespaces/karmada-system/secrets",
    "/api/v1/namespaces/karmada-system/serviceaccounts",
    "/api/v1/namespaces/karmada-system/configmaps",
    "/api/v1/namespaces/karmada-system/persistentvolumeclaims",
];

const PATIENCE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(100);
/// One machine at a time: two would only be slower.
static MACHINE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_karmadactl-under-test"))
}

/// Returns the programs of a host cluster, or says what is left out and why.
fn programs(what: &str) -> Option<HostPrograms> {
    let reason = match (missing(), HostPrograms::built()) {
        (Some(missing), _) => missing,
        (None, None) => "no kubelet was built: tests/rig/host/build.sh".to_owned(),
        (None, Some(Err(error))) => error.to_string(),
        (None, Some(Ok(programs))) => return Some(programs),
    };
    #[expect(clippy::print_stderr, reason = "what is left out is said by name")]
    {
        eprintln!("skipped: {what} on a real host cluster ({reason})");
    }
    None
}

/// A host cluster with all images, and a member.
struct World {
    host: HostCluster,
    client: Client,
    member: RealCluster,
    page: Page,
}

impl World {
    async fn start(programs: &HostPrograms) -> anyhow::Result<Self> {
        let host = HostCluster::start(programs).await?;
        host.load_installation(program())?;
        let etcd = Arc::new(Etcd::start(programs.control_plane(), Sync::Never)?);
        // Pods of the host reach the member where the host reaches this process.
        let member = RealCluster::start_at(
            programs.control_plane(),
            RealControllers::Member,
            etcd,
            "member1",
            host.machine().outside,
        )
        .await?;
        let page = Page::new("production").with_one_stream();
        let directory = page.directory.path();
        std::fs::write(directory.join("host.config"), host.admin_kubeconfig()?.to_string())?;
        let kubeconfig = member.admin_kubeconfig_at(member.url())?;
        std::fs::write(directory.join("member1.config"), kubeconfig.to_string())?;
        let client = host.client().await?;
        Ok(Self { host, client, member, page })
    }

    /// Resource versions of everything in the namespace; what every namespace has is left out.
    async fn installed(&self) -> anyhow::Result<BTreeMap<String, String>> {
        let mut found = BTreeMap::new();
        for path in KINDS {
            for item in list(&self.client, path).await? {
                let text = |field: &str| item["metadata"][field].as_str().unwrap_or_default().to_owned();
                if !["default", "kube-root-ca.crt"].contains(&text("name").as_str()) {
                    found.insert(format!("{path}/{}", text("name")), text("resourceVersion"));
                }
            }
        }
        Ok(found)
    }

    /// Runs a command of ours against the host cluster: exit code, what it printed, what it said.
    async fn run(&self, words: &[&str]) -> anyhow::Result<(i32, String, String)> {
        self.run_as("host.config", words).await
    }

    /// Returns the arguments of a command with the host cluster's kubeconfig of this name.
    fn arguments(&self, kubeconfig: &str, words: &[&str]) -> Vec<String> {
        let path = |name: &str| process::path_text(self.page.directory.path(), name);
        let mut arguments: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        arguments.push(format!("--kubeconfig={}", path(kubeconfig)));
        if words.first() == Some(&"init") {
            arguments.push(format!("--karmada-data={}", path("data")));
        }
        arguments
    }

    async fn run_as(&self, kubeconfig: &str, words: &[&str]) -> anyhow::Result<(i32, String, String)> {
        let arguments = self.arguments(kubeconfig, words);
        let output = tokio::task::spawn_blocking(move || {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            process::run(program(), &arguments)
        })
        .await??;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let code = output.status.code().context("ended by a signal")?;
        Ok((code, text(&output.stdout), text(&output.stderr)))
    }
}

async fn list(client: &Client, path: &str) -> anyhow::Result<Vec<Value>> {
    let found = karmadactl::raw::read(client, path).await?.unwrap_or_default();
    Ok(found["items"].as_array().cloned().unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_installation_on_a_real_cluster_goes_as_the_guide_says() -> anyhow::Result<()> {
    let Some(programs) = programs("the transcript of docs/guide/production.md") else { return Ok(()) };
    let _only = MACHINE.lock().await;
    let mut world = World::start(&programs).await?;
    world.host.load(&Image::ours(NEXT_IMAGE, program()))?;
    let steps = steps(&page("production"), "```console host");
    assert!(steps.len() > 5, "the page has no transcript");
    let mut seen: Vec<String> = Vec::new();
    for step in steps {
        let before = world.installed().await?;
        tokio::task::block_in_place(|| world.page.follow(&step));
        if seen.contains(&step.command) && step.command.starts_with("karmadactl init") {
            assert_eq!(world.installed().await?, before, "{} wrote something", step.command);
        }
        seen.push(step.command);
    }
    assert_eq!(world.installed().await?, BTreeMap::new());
    let namespace = karmadactl::raw::read(&world.client, &format!("/api/v1/namespaces/{NAMESPACE}")).await?;
    assert_eq!(namespace, None);
    // Members keep what was propagated to them.
    let kept = karmadactl::raw::read(
        &world.member.client().await?,
        "/apis/apps/v1/namespaces/default/deployments/nginx",
    )
    .await?;
    assert!(kept.is_some());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_told_and_the_other_profiles_work() -> anyhow::Result<()> {
    let Some(programs) = programs("faults, and the profiles single and ha") else { return Ok(()) };
    let _only = MACHINE.lock().await;
    let world = World::start(&programs).await?;
    faults(&world).await?;
    single(&world).await?;
    twice(&world).await
}

/// An installation that cannot work says why, and leaves nothing.
async fn faults(world: &World) -> anyhow::Result<()> {
    let refused = async |flags: &[&str], reasons: &[&str]| -> anyhow::Result<()> {
        let (code, stdout, stderr) = world.run(&[&["init"], flags].concat()).await?;
        assert_eq!(code, 1, "{flags:?}: {stdout}{stderr}");
        for reason in reasons {
            assert!(stderr.contains(reason), "{flags:?}: {reason} is not in\n{stderr}");
        }
        assert_eq!(world.installed().await?, BTreeMap::new(), "{flags:?}");
        Ok(())
    };
    let absent = [
        "--etcd-image=localhost/absent:1",
        "--image-pull-policy=Never",
        "--wait-component-ready-timeout=10s",
    ];
    let missing = "etcd was not ready within 10 seconds: 0 of 1 pod ready; etcd-0 waits, ErrImageNeverPull";
    let hint = "hint: the nodes must have the image or be able to pull it";
    refused(&absent, &[missing, hint, "removing the "]).await?;
    let no_directory = ["--etcd-data=/etc/passwd", "--wait-component-ready-timeout=20s"];
    refused(&no_directory, &["etcd-0 waits, FailedMount: ", "is not a directory"]).await?;

    let node = "/api/v1/nodes/node-1";
    send(&world.client, "PATCH", node, &json!({"spec": {"unschedulable": true}})).await?;
    refused(&[], &["needs 1 node that is ready and takes pods, there are 0"]).await?;
    let anywhere = ["--etcd-storage-mode=emptyDir", "--wait-component-ready-timeout=5s"];
    refused(&anywhere, &["etcd-0 has no node: 0/1 nodes are available: 1 node(s) were unschedulable"])
        .await?;
    send(&world.client, "PATCH", node, &json!({"spec": {"unschedulable": null}})).await?;

    let other = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "other"},
        "spec": {"type": "NodePort", "ports": [{"port": 80, "nodePort": 32443}]}});
    let services = "/api/v1/namespaces/default/services";
    send(&world.client, "POST", services, &other).await?;
    refused(&[], &["the node port 32443 is taken by the service default/other"]).await?;
    send(&world.client, "DELETE", &format!("{services}/other"), &json!({})).await?;
    refused(&["--port=443"], &["443", "hint: choose another one with --port"]).await?;
    without_rights(world).await
}

/// Somebody who may only look is told what is missing, in the namespace and in the whole cluster.
async fn without_rights(world: &World) -> anyhow::Result<()> {
    let kubeconfig = world.host.kubeconfig_of("reader")?.to_string();
    std::fs::write(world.page.directory.path().join("reader.config"), kubeconfig)?;
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
        "metadata": {"name": "reader"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "reader"}]});
    send(&world.client, "POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", &binding).await?;
    let reasons = [
        "error: not allowed in the namespace karmada-system: get/list/create/patch/delete secrets, \
         create/patch/delete services, ",
        "create/patch/delete deployments.apps, ",
        "not allowed in the whole host cluster: patch/create namespaces, list nodes",
        "hint: ask for a role with these verbs",
    ];
    let late = Instant::now() + PATIENCE;
    loop {
        let (code, stdout, stderr) = world.run_as("reader.config", &["init"]).await?;
        assert_eq!(code, 1, "{stdout}{stderr}");
        // The server takes a moment until it goes by a new binding.
        if reasons.iter().all(|reason| stderr.contains(reason)) {
            return Ok(());
        }
        assert!(Instant::now() < late, "{stderr}");
        tokio::time::sleep(PAUSE).await;
    }
}

/// Kills an installation as soon as it has written what the next run finds.
async fn killed(world: &World, init: &[&str]) -> anyhow::Result<()> {
    let path = format!("/apis/apps/v1/namespaces/{NAMESPACE}/statefulsets/karmada-apiserver");
    let image = async || -> anyhow::Result<Value> {
        let set = karmadactl::raw::read(&world.client, &path).await?.unwrap_or_default();
        Ok(set.pointer("/spec/template/spec/containers/0/image").cloned().unwrap_or_default())
    };
    let before = image().await?;
    let mut process = std::process::Command::new(program())
        .args(world.arguments("host.config", init))
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()?;
    let late = Instant::now() + PATIENCE;
    while image().await? == before {
        assert!(process.try_wait()?.is_none(), "it ended by itself");
        assert!(Instant::now() < late, "it writes nothing");
        tokio::time::sleep(PAUSE).await;
    }
    process.kill()?;
    process.wait()?;
    Ok(())
}

/// Two of every component, on the one node that there is.
async fn twice(world: &World) -> anyhow::Result<()> {
    let init = ["init", "--profile=ha", "--etcd-data=/var/lib/karmada-twice"];
    let (code, _, stderr) = world.run(&init).await?;
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.contains("needs 3 nodes that are ready and take pods, there is 1"), "{stderr}");
    let (code, stdout, stderr) = world.run(&[&init[..], &["--etcd-replicas=1"]].concat()).await?;
    assert_eq!(code, 0, "{stdout}{stderr}");
    for deployment in list(&world.client, KINDS[0]).await? {
        let name = &deployment["metadata"]["name"];
        assert_eq!(deployment["status"]["readyReplicas"], 2, "{name}");
    }
    let (code, stdout, stderr) = world.run(&["deinit", "-f", "--purge-namespace"]).await?;
    assert_eq!(code, 0, "{stdout}{stderr}");
    assert_eq!(world.installed().await?, BTreeMap::new());
    Ok(())
}

/// The embedded engine in one pod: what an interrupted run left is gone on with, and the data outlives its pod.
async fn single(world: &World) -> anyhow::Result<()> {
    let init = ["init", "--profile=single", "--etcd-data=/var/lib/karmada-single"];
    // A pod that never gets on, and whose workload would wait for it for ever.
    let absent = [
        "--image=localhost/absent:1",
        "--image-pull-policy=Never",
        "--keep-on-failure",
        "--wait-component-ready-timeout=10s",
    ];
    let (code, _, stderr) = world.run(&[&init[..], &absent].concat()).await?;
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.contains("karmada-apiserver-0 waits, ErrImageNeverPull"), "{stderr}");
    killed(world, &init).await?;
    let short = ["--keep-on-failure", "--wait-component-ready-timeout=1s"];
    let (code, _, stderr) = world.run(&[&init[..], &short].concat()).await?;
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.contains("karmada-apiserver was not ready within 1 seconds"), "{stderr}");
    let (code, stdout, stderr) = world.run(&init).await?;
    assert_eq!(code, 0, "{stdout}{stderr}");
    assert!(!stderr.contains("new certificates"), "{stderr}");
    let kubeconfig =
        std::fs::read_to_string(world.page.directory.path().join("data/karmada-apiserver.config"))?;
    assert!(kubeconfig.contains(&world.host.address().to_string()), "{kubeconfig}");
    let before = world.installed().await?;
    let (code, stdout, stderr) = world.run(&init).await?;
    assert_eq!(code, 0, "{stdout}{stderr}");
    assert_eq!(world.installed().await?, before, "the second run wrote something");

    let path = |name: &str| process::path_text(world.page.directory.path(), name);
    let (control_plane, member) = (path("data/karmada-apiserver.config"), path("member1.config"));
    let run = async |words: &[&str]| -> anyhow::Result<()> {
        let arguments: Vec<String> = [words, &["--kubeconfig", &control_plane]]
            .concat()
            .iter()
            .map(|word| (*word).to_owned())
            .collect();
        let output = tokio::task::spawn_blocking(move || {
            process::run(program(), &arguments.iter().map(String::as_str).collect::<Vec<_>>())
        })
        .await??;
        assert!(output.status.success(), "{words:?}: {output:?}");
        Ok(())
    };
    run(&["join", "member1", "--cluster-kubeconfig", &member]).await?;
    run(&["apply", "-f", &path("samples/nginx")]).await?;
    let member = world.member.client().await?;
    let nginx = "/apis/apps/v1/namespaces/default/deployments/nginx";
    let arrived = async |replicas: u64| -> anyhow::Result<()> {
        let late = Instant::now() + PATIENCE;
        loop {
            let found = karmadactl::raw::read(&member, nginx).await?.unwrap_or_default();
            if found["spec"]["replicas"] == replicas {
                return Ok(());
            }
            assert!(Instant::now() < late, "{} instead of {replicas} replicas", found["spec"]["replicas"]);
            tokio::time::sleep(PAUSE).await;
        }
    };
    arrived(3).await?;

    // The pod goes; the one after it knows what it knew.
    let pod = format!("/api/v1/namespaces/{NAMESPACE}/pods/karmada-apiserver-0");
    let old = karmadactl::raw::read(&world.client, &pod).await?.context("there is no pod")?;
    send(&world.client, "DELETE", &pod, &json!({})).await?;
    let is_back = |pod: &Value| {
        let ready = &pod["status"]["containerStatuses"][0]["ready"];
        pod["metadata"]["uid"] != old["metadata"]["uid"] && *ready == true
    };
    let late = Instant::now() + PATIENCE;
    while !karmadactl::raw::read(&world.client, &pod).await?.is_some_and(|pod| is_back(&pod)) {
        assert!(Instant::now() < late, "the pod is not back");
        tokio::time::sleep(PAUSE).await;
    }
    let hub = process::client(Path::new(&control_plane)).await?;
    send(&hub, "PATCH", nginx, &json!({"spec": {"replicas": 5}})).await?;
    arrived(5).await?;

    let (code, stdout, stderr) = world.run(&["deinit", "-f", "--purge-namespace"]).await?;
    assert_eq!(code, 0, "{stdout}{stderr}");
    assert_eq!(world.installed().await?, BTreeMap::new());
    // The node keeps the data, as the guide says.
    assert!(world.host.machine().outside_path("/var/lib/karmada-single").exists());
    Ok(())
}
